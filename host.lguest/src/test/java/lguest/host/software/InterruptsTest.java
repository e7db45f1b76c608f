package lguest.host.software;

import static lguest.host.software.TestGuest.*;
import static org.junit.jupiter.api.Assertions.*;

import java.util.function.IntConsumer;
import lguest.host.Host;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;

/** When virtual interrupts and the timer reach the guest (ABI §5.5, §5.7). */
@Timeout(60)
class InterruptsTest {
  private static final int FLAG = OFFSET + DATA + GuestData.IRQ_ENABLED, BLOCKED = OFFSET + DATA + GuestData.BLOCKED_INTERRUPTS;

  /** Gates for these lines whose handlers tell 0x100 + irq, then return with interrupts on again. */
  private static void gates(TestGuest guest, int... irqs) {
    for (int irq : irqs) guest.code.gate(0x20 + irq, guest.handler(asm -> asm.tell(0x100 + irq).storeImmediate(FLAG, 0x200).iret()), 0xE, 0);
  }

  @Test void deliveredWhenEnabled() {
    try (TestGuest guest = new TestGuest()) {
      guest.boot();
      gates(guest, 3);
      guest.code.storeImmediate(FLAG, 0x200).tell(1);
      int spin = guest.code.here();
      guest.code.spin();
      guest.open().expectTell(1);
      guest.host.interrupt(3);
      guest.expectTell(0x103);
      assertEquals(0, guest.get(DATA + GuestData.IRQ_ENABLED), "off in the handler");
      assertEquals(spin, guest.get(STACK - 12), "the frame says where it was");
      assertEquals(0x202, guest.get(STACK - 4));
      assertEquals(1, guest.host.statistics().get("interrupt.3"));
    }
  }

  @Test void waitsUntilEnabledByAPlainStore() {
    try (TestGuest guest = new TestGuest()) {
      guest.boot();
      gates(guest, 3);
      // Off for a million rounds, then on without telling anybody, then round for ever.
      guest.code.tell(1).mov(Asm.ECX, 1_000_000);
      guest.code.label("wait").bytes(0x49).jumpIfNotEqual("wait").storeImmediate(OFFSET + RESULT, 1).storeImmediate(FLAG, 0x200).spin(); // dec ecx
      guest.open().expectTell(1);
      guest.host.interrupt(3);
      guest.expectTell(0x103);
      assertEquals(1, guest.get(RESULT), "not before it was enabled");
    }
  }

  /** Other bits of a saved flags image do not count (appendix B 1). */
  @Test void onlyBitNineEnables() {
    try (TestGuest guest = new TestGuest()) {
      guest.boot();
      gates(guest, 3);
      guest.code.storeImmediate(FLAG, 0x46).tell(1).tell(2).storeImmediate(FLAG, 0x246).spin();
      guest.open().expectTell(1);
      guest.host.interrupt(3);
      guest.expectTell(2);
      guest.expectTell(0x103);
    }
  }

  @Test void maskedLinesWaitAndStayPending() {
    try (TestGuest guest = new TestGuest()) {
      guest.boot();
      gates(guest, 3, 5);
      guest.code.storeImmediate(BLOCKED, 1 << 3).storeImmediate(FLAG, 0x200).tell(1).tell(2).storeImmediate(BLOCKED, 0).spin();
      guest.open().expectTell(1);
      guest.host.interrupt(3);
      guest.host.interrupt(5);
      guest.expectTell(0x105);
      guest.expectTell(2);
      guest.expectTell(0x103);
    }
  }

  @Test void lowestLineFirstAndMergedWhenPending() {
    try (TestGuest guest = new TestGuest()) {
      guest.boot();
      gates(guest, 2, 9, 31);
      guest.code.storeImmediate(FLAG, 0x200).tell(1).label("wait").increment(OFFSET + RESULT).compare(OFFSET + RESULT, 100_000).jumpIfNotEqual("wait").tell(2);
      guest.open().expectTell(1);
      for (int irq : new int[] {31, 9, 2, 9}) guest.host.interrupt(irq);
      guest.expectTell(0x102);
      guest.expectTell(0x109);
      guest.expectTell(0x11F);
      guest.expectTell(2);
    }
  }

  @Test void neverInsideTheReturnSequence() {
    try (TestGuest guest = new TestGuest()) {
      guest.boot();
      gates(guest, 3);
      guest.code.storeImmediate(FLAG, 0x200).tell(1);
      guest.set(DATA + GuestData.NOIRQ_START, guest.code.here()); // the first address inside
      guest.code.tell(2);
      guest.set(DATA + GuestData.NOIRQ_END, guest.code.here()); // the first behind
      guest.code.tell(3);
      guest.open().expectTell(1);
      guest.host.interrupt(3);
      guest.expectTell(2);
      guest.expectTell(0x103);
      guest.expectTell(3);
    }
  }

  @Test void withoutAGateStaysPending() {
    try (TestGuest guest = new TestGuest()) {
      guest.boot().code.storeImmediate(FLAG, 0x200).tell(1).tell(2);
      gates(guest, 3);
      guest.code.spin();
      guest.open().expectTell(1);
      guest.host.interrupt(3);
      guest.expectTell(2);
      guest.expectTell(0x103);
    }
  }

  @Test void noneBeforeInit() {
    try (TestGuest guest = new TestGuest()) {
      guest.set(DATA + GuestData.IRQ_ENABLED, 0x200);
      guest.boot();
      gates(guest, 3);
      guest.open();
      guest.host.interrupt(3);
      guest.expectTell(0x103);
      assertEquals(1, guest.host.statistics().get("hypercall.lguest_init"));
    }
  }

  @Test void haltWakesWithInterruptsOn() {
    try (TestGuest guest = new TestGuest()) {
      guest.boot();
      gates(guest, 3);
      guest.code.storeImmediate(FLAG, 0).hypercall(Hypercall.HALT, 0, 0, 0);
      int behind = guest.code.here();
      guest.code.tell(2);
      guest.open();
      raiseWhenAsleep(guest, 3, irq -> guest.host.interrupt(irq));
      guest.expectTell(0x103);
      assertEquals(0x200, guest.get(STACK - 4) & 0x200, "the frame has interrupts on");
      assertEquals(behind, guest.get(STACK - 12));
      guest.expectTell(2);
      assertTrue(guest.host.statistics().get("halts") >= 1);
    }
  }

  @Test void haltReturnsAtOnceWhenSomethingIsPending() {
    try (TestGuest guest = new TestGuest()) {
      guest.boot();
      gates(guest, 3);
      guest.code.storeImmediate(FLAG, 0).tell(1).hypercall(Hypercall.HALT, 0, 0, 0).tell(2);
      guest.open().expectTell(1);
      guest.host.interrupt(3);
      guest.expectTell(0x103);
      guest.expectTell(2);
      assertNull(guest.host.statistics().get("halts"));
    }
  }

  @Test void breakWhileHaltedLeavesItHalted() {
    try (TestGuest guest = new TestGuest()) {
      guest.boot();
      gates(guest, 3);
      guest.code.hypercall(Hypercall.HALT, 0, 0, 0).tell(2);
      guest.open();
      raiseWhenAsleep(guest, 0, ignored -> guest.host.breakIn());
      assertEquals(new Host.Outcome.Break(), guest.host.run());
      guest.host.release();
      raiseWhenAsleep(guest, 3, irq -> guest.host.interrupt(irq));
      guest.expectTell(0x103);
      guest.expectTell(2);
    }
  }

  /** Does something from another thread once the guest's thread, this one, is parked. */
  private static void raiseWhenAsleep(TestGuest guest, int irq, IntConsumer action) {
    Thread sleeper = Thread.currentThread();
    Thread.ofVirtual().start(() -> {
      while (sleeper.getState() != Thread.State.WAITING) Thread.onSpinWait();
      action.accept(irq);
    });
  }

  @Test void aThreadsInterruptionSurvivesASleep() {
    try (TestGuest guest = new TestGuest()) {
      guest.boot();
      gates(guest, 0);
      guest.code.storeImmediate(BLOCKED, 0).hypercall(Hypercall.SET_CLOCKEVENT, 5_000_000, 0, 0).hypercall(Hypercall.HALT, 0, 0, 0);
      guest.open();
      Thread.currentThread().interrupt();
      guest.expectTell(0x100);
      assertTrue(Thread.interrupted());
      assertTrue(guest.host.statistics().get("halts") < 100, "slept instead of spinning");
    }
  }

  @Test void timerWakesASleepingGuest() {
    try (TestGuest guest = new TestGuest()) {
      guest.boot();
      gates(guest, 0);
      guest.code.storeImmediate(BLOCKED, 0).hypercall(Hypercall.SET_CLOCKEVENT, 20_000_000, 0, 0).hypercall(Hypercall.HALT, 0, 0, 0);
      guest.open();
      long start = System.nanoTime();
      guest.expectTell(0x100);
      assertTrue(System.nanoTime() - start >= 20_000_000, "not too early");
    }
  }

  @Test void timerInterruptsASpinningGuest() {
    try (TestGuest guest = new TestGuest()) {
      guest.boot();
      gates(guest, 0);
      guest.code.storeImmediate(BLOCKED, 0).storeImmediate(FLAG, 0x200).hypercall(Hypercall.SET_CLOCKEVENT, 20_000_000, 0, 0).spin();
      guest.open();
      long start = System.nanoTime();
      guest.expectTell(0x100);
      assertTrue(System.nanoTime() - start >= 20_000_000, "not too early");
      assertTrue(guest.host.statistics().get("exit.budget") <= 3, "left alone meanwhile: " + guest.host.statistics());
    }
  }

  /** One shot, and the last call counts: an earlier deadline replaced by a later one and by none. */
  @Test void timerIsOneShotAndCanBeCancelled() {
    try (TestGuest guest = new TestGuest()) {
      int handler = guest.handler(asm -> asm.increment(OFFSET + RESULT).storeImmediate(FLAG, 0x200).iret());
      guest.boot().code.gate(0x20, handler, 0xE, 0).storeImmediate(BLOCKED, 0).storeImmediate(FLAG, 0x200)
          .hypercall(Hypercall.SET_CLOCKEVENT, 1_000_000, 0, 0).hypercall(Hypercall.SET_CLOCKEVENT, 0, 0, 0).spin();
      guest.open();
      breakAfter(guest, 30);
      assertEquals(0, guest.get(RESULT), "cancelled");
    }
    try (TestGuest guest = new TestGuest()) {
      int handler = guest.handler(asm -> asm.increment(OFFSET + RESULT).storeImmediate(FLAG, 0x200).iret());
      guest.boot().code.gate(0x20, handler, 0xE, 0).storeImmediate(BLOCKED, 0).storeImmediate(FLAG, 0x200)
          .hypercall(Hypercall.SET_CLOCKEVENT, 1_000_000, 0, 0).spin();
      guest.open();
      breakAfter(guest, 100);
      assertEquals(1, guest.get(RESULT), "once");
    }
  }

  private static void breakAfter(TestGuest guest, long milliseconds) {
    Thread.ofVirtual().start(() -> {
      try {
        Thread.sleep(milliseconds);
      } catch (InterruptedException e) {
        throw new AssertionError(e);
      }
      guest.host.breakIn();
    });
    assertEquals(new Host.Outcome.Break(), guest.host.run());
  }

  @Test void timeIsRefreshedWithInterrupts() {
    try (TestGuest guest = new TestGuest()) {
      guest.boot();
      gates(guest, 3);
      guest.code.storeImmediate(FLAG, 0x200).tell(1).spin();
      guest.open().expectTell(1);
      guest.set(DATA + GuestData.TIME_SECONDS, 0);
      guest.host.interrupt(3);
      guest.expectTell(0x103);
      assertTrue(guest.get(DATA + GuestData.TIME_SECONDS) > 1_600_000_000);
    }
  }

  @Test void interruptFromAnotherThreadReachesASpinningGuest() {
    try (TestGuest guest = new TestGuest()) {
      guest.boot();
      gates(guest, 31);
      guest.code.storeImmediate(FLAG, 0x200).tell(1).spin();
      guest.open().expectTell(1);
      Thread.ofVirtual().start(() -> guest.host.interrupt(31));
      guest.expectTell(0x11F);
    }
  }

  @Test void numbersAreChecked() {
    try (TestGuest guest = new TestGuest()) {
      guest.boot().code.tell(1);
      guest.open();
      assertThrows(IllegalArgumentException.class, () -> guest.host.interrupt(32));
      assertThrows(IllegalArgumentException.class, () -> guest.host.interrupt(-1));
      guest.expectTell(1);
    }
  }

  @Test void injectionOntoAMissingStackIsADoubleFault() {
    try (TestGuest guest = new TestGuest()) {
      guest.boot();
      gates(guest, 3);
      guest.code.storeImmediate(FLAG, 0x200).tell(1).mov(Asm.ESP, 0xD000_0000);
      int spin = guest.code.here();
      guest.code.spin();
      guest.open().expectTell(1);
      Thread.ofVirtual().start(() -> {
        while (guest.host.instructions() < 1000) Thread.onSpinWait();
        guest.host.interrupt(3);
      });
      guest.expectDead("unhandled trap 8 at 0x%x (0x0)".formatted(spin));
    }
  }
}
