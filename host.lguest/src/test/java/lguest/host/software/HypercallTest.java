package lguest.host.software;

import static lguest.host.software.TestGuest.*;
import static org.junit.jupiter.api.Assertions.*;

import java.time.Instant;
import java.util.function.Consumer;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/** What each hypercall does as the guest sees it, and how it kills (ABI §1, appendix C). */
@Timeout(60)
class HypercallTest {
  private static void dies(String reason, Consumer<TestGuest> program) {
    try (TestGuest guest = new TestGuest()) {
      program.accept(guest);
      guest.open().expectDead(reason);
    }
  }

  private static void diesAfterBoot(String reason, Consumer<TestGuest> program) {
    dies(reason, guest -> {
      guest.boot();
      program.accept(guest);
    });
  }

  @Test void initialState() {
    try (TestGuest guest = new TestGuest()) {
      // Stores what it can see of itself: general registers, selectors, flags.
      guest.code.store(OFFSET + RESULT, Asm.EAX).store(OFFSET + RESULT + 4, Asm.ECX).store(OFFSET + RESULT + 8, Asm.EDX).store(OFFSET + RESULT + 12, Asm.EBX)
          .store(OFFSET + RESULT + 16, Asm.ESP).store(OFFSET + RESULT + 20, Asm.EBP).store(OFFSET + RESULT + 24, Asm.ESI).store(OFFSET + RESULT + 28, Asm.EDI);
      int[] segments = {0, 1, 2, 3, 4, 5};
      for (int segment : segments) guest.code.bytes(0x8C, 0xC0 | segment << 3).store(OFFSET + RESULT + 32 + segment * 4, Asm.EAX); // mov eax, Sreg
      guest.code.mov(Asm.ESP, KERNEL_STACK_TOP).bytes(0x9C, 0x58).store(OFFSET + RESULT + 56, Asm.EAX); // pushf; pop eax
      guest.boot().code.tell(1);
      guest.open().expectTell(1);
      for (int i = 0; i < 8; i++) assertEquals(0, guest.get(RESULT + i * 4), "general register " + i);
      assertArrayEquals(new int[] {0x69, 0x61, 0x69, 0x69, 0, 0}, java.util.stream.IntStream.of(segments).map(s -> guest.get(RESULT + 32 + s * 4)).toArray());
      assertEquals(0x202, guest.get(RESULT + 56));
    }
  }

  @Test void initTellsTheGuestAboutItsHost() {
    try (TestGuest guest = new TestGuest()) {
      long before = Instant.now().getEpochSecond();
      guest.boot().code.tell(1);
      guest.open().expectTell(1);
      assertEquals(4 << 20, guest.get(DATA + GuestData.RESERVE_MEM));
      assertEquals(5, guest.get(DATA + GuestData.GUEST_ID) & 0xFFFF);
      assertEquals(1_000_000, guest.get(DATA + GuestData.TSC_KHZ));
      long seconds = guest.get(DATA + GuestData.TIME_SECONDS);
      assertTrue(seconds >= before && seconds <= Instant.now().getEpochSecond(), "time is " + seconds);
      int nanoseconds = guest.get(DATA + GuestData.TIME_NANOSECONDS);
      assertTrue(nanoseconds >= 0 && nanoseconds < 1_000_000_000, "nanoseconds are " + nanoseconds);
    }
  }

  @Test void timestampCounterCountsNanoseconds() {
    try (TestGuest guest = new TestGuest()) {
      guest.boot().code.bytes(0x0F, 0x31).store(OFFSET + RESULT, Asm.EAX).store(OFFSET + RESULT + 4, Asm.EDX).tell(1) // rdtsc
          .bytes(0x0F, 0x31).store(OFFSET + RESULT + 8, Asm.EAX).store(OFFSET + RESULT + 12, Asm.EDX).tell(2);
      guest.open();
      long start = System.nanoTime();
      guest.expectTell(1);
      long middle = System.nanoTime();
      while (System.nanoTime() - middle < 20_000_000) Thread.onSpinWait();
      guest.expectTell(2);
      long end = System.nanoTime();
      long first = Integer.toUnsignedLong(guest.get(RESULT)) | (long) guest.get(RESULT + 4) << 32;
      long second = Integer.toUnsignedLong(guest.get(RESULT + 8)) | (long) guest.get(RESULT + 12) << 32;
      assertTrue(second - first >= 20_000_000 && second - first <= end - start, "counted " + (second - first) + " between two points " + (end - start) + " ns apart at most");
    }
  }

  @Test void onlyBindWritesEax() {
    try (TestGuest guest = new TestGuest()) {
      guest.boot().code.hypercall(Hypercall.FLUSH_TLB, 1, 2, 3)
          .store(OFFSET + RESULT, Asm.EAX).store(OFFSET + RESULT + 4, Asm.EDX).store(OFFSET + RESULT + 8, Asm.EBX).store(OFFSET + RESULT + 12, Asm.ECX)
          .hypercall(Hypercall.BIND_DMA, 0x5000, LISTS, 1 << 8 | 3).store(OFFSET + RESULT + 16, Asm.EAX).tell(1);
      guest.open().expectTell(1);
      assertEquals(Hypercall.FLUSH_TLB.number, guest.get(RESULT));
      assertEquals(1, guest.get(RESULT + 4));
      assertEquals(2, guest.get(RESULT + 8));
      assertEquals(3, guest.get(RESULT + 12));
      assertEquals(1, guest.get(RESULT + 16));
    }
  }

  @Test void firstCallMustBeInit() { dies("hypercall 10 before LGUEST_INIT", guest -> guest.code.hypercall(Hypercall.HALT, 0, 0, 0)); }

  @Test void firstCallNumberIsSigned() { dies("hypercall -2 before LGUEST_INIT", guest -> guest.code.hypercall(-2, 0, 0, 0)); }

  @Test void secondInit() { diesAfterBoot("already have lguest_data", guest -> guest.code.hypercall(Hypercall.LGUEST_INIT, DATA, 0, 0)); }

  @Test void initOutsideMemory() {
    dies("bad guest page 000ffc00", guest -> guest.code.hypercall(Hypercall.LGUEST_INIT, MEMORY - 0x400, 0, 0));
    dies("bad guest page fffffff0", guest -> guest.code.hypercall(Hypercall.LGUEST_INIT, -16, 0, 0));
  }

  @ParameterizedTest
  @ValueSource(ints = {11, 17, 99, -1, Integer.MIN_VALUE})
  void unknownNumber(int number) { diesAfterBoot("Bad hypercall " + number + "\n", guest -> guest.code.hypercall(number, 0, 0, 0)); }

  @Test void crash() {
    diesAfterBoot("CRASH: Power down", guest -> {
      guest.text(RESULT, "Power down\0and more");
      guest.code.hypercall(Hypercall.CRASH, RESULT, 0, 0);
    });
  }

  @Test void crashTextCannotCommandTheTerminal() {
    diesAfterBoot("CRASH: .[2Jgone\ttab\nline.", guest -> {
      guest.text(RESULT, "\033[2Jgone\ttab\nline\177\0");
      guest.code.hypercall(Hypercall.CRASH, RESULT, 0, 0);
    });
  }

  @Test void crashTextEndsAfter127Bytes() {
    diesAfterBoot("CRASH: " + "x".repeat(127), guest -> {
      guest.text(RESULT, "x".repeat(200));
      guest.code.hypercall(Hypercall.CRASH, RESULT, 0, 0);
    });
  }

  @Test void crashTextMayEndWithMemory() {
    diesAfterBoot("CRASH: end", guest -> {
      guest.text(MEMORY - 128, "end\0");
      guest.code.hypercall(Hypercall.CRASH, MEMORY - 128, 0, 0);
    });
    diesAfterBoot("bad read address 0xfff81 len 128", guest -> guest.code.hypercall(Hypercall.CRASH, MEMORY - 127, 0, 0));
  }

  @Test void descriptorTableOutsideMemory() {
    diesAfterBoot("bad read address 0xfffff000 len 256", guest -> guest.code.hypercall(Hypercall.LOAD_GDT, 0xFFFF_F000, 32, 0));
    diesAfterBoot("bad read address 0x100000 len 24", guest -> guest.code.hypercall(Hypercall.LOAD_TLS, MEMORY, 0, 0));
  }

  @Test void tooManyDescriptors() {
    diesAfterBoot("too many gdt entries 33", guest -> guest.code.hypercall(Hypercall.LOAD_GDT, GDT, 33, 0));
    diesAfterBoot("too many gdt entries -1", guest -> guest.code.hypercall(Hypercall.LOAD_GDT, GDT, -1, 0));
  }

  @Test void badGateType() {
    diesAfterBoot("bad IDT type 5", guest -> guest.code.hypercall(Hypercall.LOAD_IDT_ENTRY, 3, 0x600000, 0x8500)); // a task gate
  }

  @Test void gatesNobodyMayHaveAreIgnored() {
    try (TestGuest guest = new TestGuest()) {
      guest.boot();
      for (int vector : new int[] {2, 8, 15, 31, 64, 0x7F, 0x81, 255, -1}) guest.code.hypercall(Hypercall.LOAD_IDT_ENTRY, vector, 0, 0x8500);
      guest.code.hypercall(Hypercall.LOAD_IDT_ENTRY, 5, 0, 0x0500).tell(1); // not present: its type does not matter
      guest.open().expectTell(1);
    }
  }

  @Test void badStack() {
    diesAfterBoot("bad stack segment 104", guest -> guest.code.hypercall(Hypercall.SET_STACK, 0x68, KERNEL_STACK_TOP, 1));
    diesAfterBoot("bad stack segment 123", guest -> guest.code.hypercall(Hypercall.SET_STACK, 0x7B, KERNEL_STACK_TOP, 1));
    diesAfterBoot("bad stack pages 3", guest -> guest.code.hypercall(Hypercall.SET_STACK, 0x69, KERNEL_STACK_TOP, 3));
    diesAfterBoot("bad stack pages 4294967295", guest -> guest.code.hypercall(Hypercall.SET_STACK, 0x69, KERNEL_STACK_TOP, -1));
  }

  @Test void stackMustBeMapped() {
    diesAfterBoot("bad stack page 0x8fffffff", guest -> guest.code.hypercall(Hypercall.SET_STACK, 0x69, 0x9000_0000, 1));
    diesAfterBoot("bad stack page 0xc001efff", guest -> {
      guest.set(KERNEL_TABLE + 0x1E * 4, 0);
      guest.code.hypercall(Hypercall.SET_STACK, 0x69, OFFSET + 0x2_0000, 2);
    });
    diesAfterBoot("attempt to access switcher pages", guest -> guest.code.hypercall(Hypercall.SET_STACK, 0x69, 0xFFD0_0000, 1));
  }

  @Test void stackMustBeWritableAndCountsAsWritten() {
    diesAfterBoot("bad stack page 0xc002ffff", guest -> {
      guest.set(KERNEL_TABLE + 0x2F * 4, 0x2F000 | 5);
      guest.code.hypercall(Hypercall.SET_STACK, 0x69, OFFSET + 0x3_0000, 1);
    });
    try (TestGuest guest = new TestGuest()) {
      guest.boot().code.hypercall(Hypercall.SET_STACK, 0x69, OFFSET + 0x5_0000, 2).tell(1);
      guest.open().expectTell(1);
      assertEquals(0x4F067, guest.get(KERNEL_TABLE + 0x4F * 4));
      assertEquals(0x4E067, guest.get(KERNEL_TABLE + 0x4E * 4));
      assertEquals(0x4D007, guest.get(KERNEL_TABLE + 0x4D * 4));
    }
  }

  @Test void statisticsCountByName() {
    try (TestGuest guest = new TestGuest()) {
      guest.boot().code.hypercall(Hypercall.FLUSH_TLB, 0, 0, 0).hypercall(Hypercall.FLUSH_TLB, 1, 0, 0).tell(1);
      guest.open().expectTell(1);
      var statistics = guest.host.statistics();
      assertEquals(2, statistics.get("hypercall.flush_tlb"));
      assertEquals(1, statistics.get("hypercall.lguest_init"));
      assertEquals(1, statistics.get("dma_to_launcher"));
      assertEquals(6, statistics.get("exit.software_interrupt"));
      assertTrue(guest.host.instructions() >= 25, "instructions " + guest.host.instructions());
    }
  }
}
