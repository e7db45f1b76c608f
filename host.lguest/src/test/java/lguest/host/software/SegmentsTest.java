package lguest.host.software;

import static lguest.host.software.TestGuest.*;
import static org.junit.jupiter.api.Assertions.*;

import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;

/** The descriptor table the guest hands over (ABI §6). */
@Timeout(60)
class SegmentsTest {
  private static int[] mov(int segment) { return new int[] {0x8E, 0xC0 | segment << 3}; } // mov Sreg, eax
  private static final int FS = 4, GS = 5;

  @Test void threadLocalStorage() {
    try (TestGuest guest = new TestGuest()) {
      guest.memory.segment().set(java.lang.foreign.ValueLayout.JAVA_LONG_UNALIGNED, 0x6000, 0x0040_F206_0000_0FFFL | 0x1000L << 16); // base 0x061000
      guest.set(0x6_1008, 0x1234_5678);
      guest.boot().code.hypercall(Hypercall.LOAD_TLS, 0x6000, 0, 0).mov(Asm.EAX, 0x33).bytes(mov(GS))
          .bytes(0x65, 0xA1, 8, 0, 0, 0).store(OFFSET + RESULT, Asm.EAX).tell(1); // mov eax, gs:[8]
      guest.open().expectTell(1);
      assertEquals(0x1234_5678, guest.get(RESULT));
    }
  }

  @Test void nobodyGetsRingZero() {
    try (TestGuest guest = new TestGuest()) {
      Segments segments = new Segments();
      segments.loadTable(new Ram(guest.memory.segment(), openedCpu(guest)), GDT, 32);
      assertEquals(0x00CF_BB00_0000_FFFFL, segments.descriptor(12), "DPL 1 and accessed");
      assertEquals(0x00CF_B300_0000_FFFFL, segments.descriptor(13));
      assertEquals(0x00CF_FB00_0000_FFFFL, segments.descriptor(14));
      assertEquals(0x00CF_F300_0000_FFFFL, segments.descriptor(15));
      assertEquals(0x0000_2100_0000_0000L, segments.descriptor(20), "an empty one");
      assertEquals(-1, segments.descriptor(32), "beyond the table");
    }
  }

  private static lguest.cpu.x86.Cpu openedCpu(TestGuest guest) {
    guest.open();
    return ((SoftwareHost) guest.host).cpu;
  }

  @Test void theHostsOwnAreNotTheGuestsToSet() {
    try (TestGuest guest = new TestGuest()) {
      for (int index : new int[] {10, 11, 16, 31}) guest.descriptor(index, 0x00CF_F200_0000_FFFFL);
      var cpu = openedCpu(guest);
      Segments segments = new Segments();
      long[] before = {segments.descriptor(10), segments.descriptor(11), segments.descriptor(16), segments.descriptor(31)};
      segments.loadTable(new Ram(guest.memory.segment(), cpu), GDT, 32);
      assertArrayEquals(before, new long[] {segments.descriptor(10), segments.descriptor(11), segments.descriptor(16), segments.descriptor(31)});
    }
  }

  @Test void changesCountWhenASelectorIsLoaded() {
    try (TestGuest guest = new TestGuest()) {
      int protection = guest.handler(asm -> asm.bytes(0x58).store(OFFSET + RESULT, Asm.EAX).tell(13)); // pop the error code
      guest.descriptor(20, 0x00CF_9200_0000_FFFFL); // DPL 0: put right to 1
      guest.boot().code.gate(13, protection, 0xF, 0).mov(Asm.EAX, 20 << 3).bytes(mov(FS)).tell(1)
          .hypercall(Hypercall.LOAD_GDT, GDT, 32, 0).mov(Asm.EAX, 20 << 3).bytes(mov(FS));
      guest.open().expectTell(1);
      guest.descriptor(20, 0);
      guest.expectTell(13);
      assertEquals(20 << 3, guest.get(RESULT), "the error code names the selector");
    }
  }

  @Test void beforeTheFirstLoadThereIsNoUserMode() {
    try (TestGuest guest = new TestGuest()) {
      guest.code.mov(Asm.ESP, KERNEL_STACK_TOP).hypercall(Hypercall.LGUEST_INIT, DATA, 0, 0).mov(Asm.EAX, 0x68).bytes(mov(FS)).tell(1);
      int loading = guest.code.mov(Asm.EAX, 0x7B).here();
      guest.code.bytes(mov(FS));
      guest.open().expectTell(1);
      guest.expectDead("unhandled trap 13 at 0x%x (0x78)".formatted(loading));
    }
  }
}
