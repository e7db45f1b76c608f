package lguest.host.software;

import static lguest.host.software.TestGuest.*;
import static org.junit.jupiter.api.Assertions.*;

import java.util.function.Consumer;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;

/** What the guest tells about its page tables (ABI §7). */
@Timeout(60)
class PageTablesTest {
  /** Where one virtual page is looked at: it shows physical page 0x60000 (full of 1s) or 0x61000 (full of 2s). */
  private static final int WINDOW = OFFSET + 0x7_0000, WINDOW_ENTRY = KERNEL_TABLE + 0x70 * 4, FIRST = 0x6_0000, SECOND = 0x6_1000;
  private static final int USER_WINDOW = 0x7_0000, USER_WINDOW_ENTRY = USER_TABLE + 0x70 * 4;

  /** The guest looks, changes the entry itself, tells the Host by {@code notification}, and looks again: it must see the new page. */
  private static void seesTheChange(boolean user, Consumer<Asm> notification) {
    try (TestGuest guest = new TestGuest()) {
      int window = user ? USER_WINDOW : WINDOW, entry = user ? USER_WINDOW_ENTRY : WINDOW_ENTRY;
      guest.set(FIRST, 1);
      guest.set(SECOND, 2);
      guest.set(entry, FIRST | 7);
      guest.boot().code.load(Asm.ESI, window).store(OFFSET + RESULT, Asm.ESI).storeImmediate(OFFSET + entry, SECOND | 7);
      notification.accept(guest.code);
      guest.code.load(Asm.ESI, window).store(OFFSET + RESULT + 4, Asm.ESI).tell(1);
      guest.open().expectTell(1);
      assertEquals(1, guest.get(RESULT));
      assertEquals(2, guest.get(RESULT + 4));
      assertEquals(SECOND | 0x27, guest.get(entry), "accessed, not dirty, and not what SET_PTE said");
    }
  }

  @Test void entrySetIsSeen() {
    seesTheChange(false, asm -> asm.hypercall(Hypercall.SET_PTE, DIRECTORY, WINDOW, SECOND | 7));
    seesTheChange(true, asm -> asm.hypercall(Hypercall.SET_PTE, DIRECTORY, USER_WINDOW, SECOND | 7));
  }

  /** Linux says 0 to drop one translation; the entry in memory stays. */
  @Test void entrySetToZeroOnlyForgets() { seesTheChange(false, asm -> asm.hypercall(Hypercall.SET_PTE, DIRECTORY, WINDOW, 0)); }

  @Test void kernelEntryOfAnyDirectoryIsSeen() { seesTheChange(false, asm -> asm.hypercall(Hypercall.SET_PTE, 0x7000, WINDOW, 0)); }

  @Test void flushes() {
    seesTheChange(false, asm -> asm.hypercall(Hypercall.FLUSH_TLB, 1, 0, 0));
    seesTheChange(true, asm -> asm.hypercall(Hypercall.FLUSH_TLB, 1, 0, 0));
    seesTheChange(true, asm -> asm.hypercall(Hypercall.FLUSH_TLB, 0, 0, 0));
  }

  @Test void directoryEntrySetIsSeen() {
    seesTheChange(false, asm -> asm.hypercall(Hypercall.SET_PMD, DIRECTORY, OFFSET >>> 22, 0));
    seesTheChange(true, asm -> asm.hypercall(Hypercall.SET_PMD, DIRECTORY, 0, 0));
  }

  @Test void newTableIsSeen() {
    seesTheChange(false, asm -> asm.hypercall(Hypercall.NEW_PGTABLE, DIRECTORY, 0, 0));
    try (TestGuest guest = new TestGuest()) {
      guest.set(0x7000 + (OFFSET >>> 22) * 4, KERNEL_TABLE | 7); // a directory without user mappings
      int handler = guest.handler(asm -> asm.tell(14));
      guest.boot().code.gate(14, handler, 0xE, 0).load(Asm.EAX, 0).hypercall(Hypercall.NEW_PGTABLE, 0x7000, 0, 0).load(Asm.EAX, 0);
      guest.open().expectTell(14);
    }
  }

  @Test void readOnlyAfterNotification() {
    try (TestGuest guest = new TestGuest()) {
      int handler = guest.handler(asm -> asm.tell(14));
      guest.boot().code.gate(14, handler, 0xE, 0).store(WINDOW, Asm.EAX).storeImmediate(OFFSET + WINDOW_ENTRY, FIRST | 5)
          .hypercall(Hypercall.SET_PTE, DIRECTORY, WINDOW, FIRST | 5).store(WINDOW, Asm.EAX);
      guest.open().expectTell(14);
    }
  }

  /** The same linear address, other code: first the page it begins in is exchanged, then only the one it runs on into. */
  @Test void codeInAnExchangedPageIsExecuted() {
    for (int exchanged : new int[] {0, 1}) {
      try (TestGuest guest = new TestGuest()) {
        int function = WINDOW + 0xFFD;
        for (int version : new int[] {1, 2}) {
          byte[] code = new Asm(function).mov(Asm.ESI, version * 0x0101_0101).bytes(0xC3).assemble(); // three bytes in the first page, three in the second
          java.lang.foreign.MemorySegment.copy(java.lang.foreign.MemorySegment.ofArray(code), 0, guest.memory.segment(), 0x5_FFFD + version * 0x1_0000, 6);
        }
        guest.set(WINDOW_ENTRY, 0x6_F000 | 7);
        guest.set(WINDOW_ENTRY + 4, 0x7_0000 | 7);
        guest.boot().code.mov(Asm.EDI, 100).label("warm").mov(Asm.EAX, function).bytes(0xFF, 0xD0, 0x4F).jumpIfNotEqual("warm") // call eax; dec edi
            .store(OFFSET + RESULT, Asm.ESI).storeImmediate(OFFSET + WINDOW_ENTRY + exchanged * 4, (exchanged == 0 ? 0x7_F000 : 0x8_0000) | 7)
            .hypercall(Hypercall.SET_PTE, DIRECTORY, WINDOW + exchanged * 0x1000, 0).mov(Asm.EAX, function).bytes(0xFF, 0xD0).store(OFFSET + RESULT + 4, Asm.ESI).tell(1);
        guest.open().expectTell(1);
        assertEquals(0x0101_0101, guest.get(RESULT));
        assertEquals(exchanged == 0 ? 0x0101_0202 : 0x0202_0101, guest.get(RESULT + 4));
      }
    }
  }

  @Test void lastDirectoryIndexIsIgnored() {
    try (TestGuest guest = new TestGuest()) {
      guest.boot().code.hypercall(Hypercall.SET_PMD, DIRECTORY, 1023, 0).hypercall(Hypercall.SET_PMD, DIRECTORY, -1, 0).tell(1);
      guest.open().expectTell(1);
    }
  }

  private static void dies(String reason, Consumer<TestGuest> program) {
    try (TestGuest guest = new TestGuest()) {
      guest.boot();
      program.accept(guest);
      guest.open().expectDead(reason);
    }
  }

  @Test void badTableEntries() {
    for (int entry : new int[] {MEMORY | 7, 0xFFFF_F007, FIRST | 0x8F, FIRST | 0xF}) {
      dies("bad page table entry", guest -> {
        guest.set(WINDOW_ENTRY, entry);
        guest.code.load(Asm.EAX, WINDOW);
      });
    }
  }

  @Test void harmlessTableBits() {
    try (TestGuest guest = new TestGuest()) {
      guest.set(WINDOW_ENTRY, FIRST | 0xF17); // software bits, global, cache disabled
      guest.boot().code.load(Asm.EAX, WINDOW).tell(1);
      guest.open().expectTell(1);
    }
  }

  @Test void badDirectoryEntries() {
    for (int entry : new int[] {MEMORY | 7, KERNEL_TABLE | 0x87, KERNEL_TABLE | 0x107, KERNEL_TABLE | 0xF}) {
      dies("bad page directory entry", guest -> {
        guest.set(DIRECTORY + 0x300, entry);
        guest.code.load(Asm.EAX, 0xC0 << 22);
      });
    }
  }

  @Test void directoryOutsideMemory() {
    dies("bad read address 0x100c00", guest -> guest.code.hypercall(Hypercall.NEW_PGTABLE, MEMORY, 0, 0));
  }

  @Test void badEntriesBelowTheStack() {
    dies("bad page table entry", guest -> {
      guest.set(WINDOW_ENTRY, FIRST | 0x8F);
      guest.code.hypercall(Hypercall.SET_STACK, 0x69, WINDOW + 4096, 1);
    });
    dies("bad page directory entry", guest -> {
      guest.set(DIRECTORY + 0x300, MEMORY | 7);
      guest.code.hypercall(Hypercall.SET_STACK, 0x69, (0xC0 << 22) + 4096, 1);
    });
  }

  @Test void switcherPages() {
    dies("attempt to access switcher pages", guest -> guest.code.hypercall(Hypercall.SET_PTE, DIRECTORY, 0xFFC0_0000, 7));
    dies("attempt to access switcher pages", guest -> {
      guest.set(DIRECTORY + 1023 * 4, KERNEL_TABLE | 7);
      guest.code.load(Asm.EAX, 0xFFC0_1000);
    });
  }

  @Test void untouchedSwitcherSpaceFaultsLikeAnyOther() {
    try (TestGuest guest = new TestGuest()) {
      int handler = guest.handler(asm -> asm.tell(14));
      guest.boot().code.gate(14, handler, 0xE, 0).load(Asm.EAX, 0xFFFF_FFF0);
      guest.open().expectTell(14);
      assertEquals(0xFFFF_FFF0, guest.get(DATA + GuestData.CR2));
    }
  }
}
