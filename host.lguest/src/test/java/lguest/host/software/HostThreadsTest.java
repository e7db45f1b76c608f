package lguest.host.software;

import static lguest.host.software.TestGuest.*;
import static org.junit.jupiter.api.Assertions.*;

import java.lang.foreign.ValueLayout;
import java.util.List;
import java.util.Set;
import java.util.concurrent.CopyOnWriteArrayList;
import java.util.concurrent.atomic.AtomicReference;
import lguest.host.Host;
import lguest.host.HostConfig;
import lguest.host.Sleeper;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;

/** What other threads may do to a guest, and the ends of its life (ABI §8). */
@Timeout(60)
class HostThreadsTest {
  private static final Host.Outcome BREAK = new Host.Outcome.Break();

  @Test void breakStopsASpinningGuestUntilRelease() {
    try (TestGuest guest = new TestGuest()) {
      guest.boot().code.label("loop").increment(OFFSET + RESULT).jump("loop");
      guest.open();
      Thread.ofVirtual().start(() -> {
        while (guest.get(RESULT) == 0) Thread.onSpinWait();
        guest.host.breakIn();
      });
      assertEquals(BREAK, guest.host.run());
      int rounds = guest.get(RESULT);
      assertEquals(BREAK, guest.host.run(), "until release");
      assertEquals(rounds, guest.get(RESULT), "no instruction runs");
      guest.host.release();
      Thread.ofVirtual().start(() -> {
        while (guest.get(RESULT) == rounds) Thread.onSpinWait();
        guest.host.breakIn();
      });
      assertEquals(BREAK, guest.host.run());
    }
  }

  /** Whoever sleeps for a halted guest sleeps as long as the guest's timer says and is woken by what ends the halt; and hears when the guest does not fall asleep again. */
  @Test void aHaltedGuestSleepsAsItWasTold() {
    List<String> told = new CopyOnWriteArrayList<>();
    AtomicReference<TestGuest> owner = new AtomicReference<>();
    Sleeper sleeper = new Sleeper() {
      @Override public void sleep(long nanos) {
        told.add(nanos == FOR_EVER ? "for ever" : nanos > 0 && nanos <= 50_000_000 ? "a while" : "" + nanos);
        if (nanos == FOR_EVER) owner.get().host.breakIn();
      }

      @Override public void busy() { told.add("busy"); }

      @Override public void wake() { told.add("wake"); }
    };
    try (TestGuest guest = new TestGuest()) {
      owner.set(guest);
      guest.boot().code.gate(0x20, guest.handler(asm -> asm.tell(2)), 0xE, 0).storeImmediate(OFFSET + DATA + GuestData.BLOCKED_INTERRUPTS, 0)
          .hypercall(Hypercall.HALT, 0, 0, 0).tell(1).hypercall(Hypercall.SET_CLOCKEVENT, 50_000_000, 0, 0).hypercall(Hypercall.HALT, 0, 0, 0);
      guest.open(sleeper);
      // Woken by nobody but itself it stays halted, and the break comes back to the Launcher.
      assertEquals(BREAK, guest.host.run());
      assertEquals(List.of("for ever"), told, "the sleeper's own thread needs no waking");
      guest.host.release();
      guest.host.interrupt(0);
      guest.expectTell(2);
    }
    told.clear();
    try (TestGuest guest = new TestGuest()) {
      owner.set(guest);
      guest.boot().code.gate(0x20, guest.handler(asm -> asm.tell(2)), 0xE, 0).storeImmediate(OFFSET + DATA + GuestData.BLOCKED_INTERRUPTS, 0)
          .hypercall(Hypercall.SET_CLOCKEVENT, 50_000_000, 0, 0).hypercall(Hypercall.HALT, 0, 0, 0);
      guest.open(sleeper).expectTell(2);
      told.removeIf("busy"::equals); // on a machine that is busy itself even a short way takes long
      assertEquals(Set.of("a while"), Set.copyOf(told), "a sleep may end early for no reason, and is slept on");
    }
    told.clear();
    try (TestGuest guest = new TestGuest()) {
      owner.set(guest);
      guest.boot().code.gate(0x20, guest.handler(asm -> asm.label("loop").increment(OFFSET + RESULT).jump("loop")), 0xE, 0).storeImmediate(OFFSET + DATA + GuestData.BLOCKED_INTERRUPTS, 0)
          .hypercall(Hypercall.SET_CLOCKEVENT, 5_000_000, 0, 0).hypercall(Hypercall.HALT, 0, 0, 0);
      guest.open(sleeper);
      Thread.ofVirtual().start(() -> {
        while (!told.contains("busy")) Thread.onSpinWait();
        int rounds = guest.get(RESULT);
        while (guest.get(RESULT) < rounds + 1_000_000) Thread.onSpinWait();
        guest.host.breakIn();
      });
      assertEquals(BREAK, guest.host.run());
      told.removeIf("a while"::equals);
      assertEquals(List.of("busy", "wake"), told, "once until it sleeps again");
    }
  }

  @Test void breakBeforeTheFirstInstruction() {
    try (TestGuest guest = new TestGuest()) {
      guest.boot().code.tell(1);
      guest.open();
      guest.host.breakIn();
      assertEquals(BREAK, guest.host.run());
      assertEquals(0, guest.host.instructions());
      guest.host.release();
      guest.expectTell(1);
    }
  }

  @Test void dmaGoesBeforeBreak() {
    try (TestGuest guest = new TestGuest()) {
      guest.boot().code.tell(1).hypercall(Hypercall.FLUSH_ASYNC, 0, 0, 0).tell(2);
      guest.open().expectTell(1);
      guest.ring(0, Hypercall.SEND_DMA, 0, 0x33, 0);
      guest.host.breakIn();
      guest.expectTell(0x33);
      assertEquals(BREAK, guest.host.run());
      guest.host.release();
      guest.expectTell(2);
    }
  }

  /** The guest executes a function, somebody else replaces it, the guest is told, and executes it again. */
  @Test void codeWrittenFromOutsideIsExecuted() {
    try (TestGuest guest = new TestGuest()) {
      int function = guest.handler(asm -> asm.mov(Asm.ESI, 1).bytes(0xC3));
      guest.boot().code.label("again").mov(Asm.EAX, function).bytes(0xFF, 0xD0) // call eax
          .store(OFFSET + RESULT, Asm.ESI).tell(1).jump("again");
      guest.open().expectTell(1);
      assertEquals(1, guest.get(RESULT));
      guest.memory.segment().set(ValueLayout.JAVA_BYTE, function + 1 - OFFSET & 0xFFFFF, (byte) 2);
      guest.host.memoryWritten(function + 1 - OFFSET & 0xFFFFF, 1);
      guest.expectTell(1);
      assertEquals(2, guest.get(RESULT));
    }
  }

  @Test void afterCloseLateCallersAreHarmless() {
    TestGuest guest = new TestGuest();
    guest.boot().code.tell(1);
    guest.open().expectTell(1);
    long instructions = guest.host.instructions();
    guest.host.close();
    guest.host.close();
    guest.host.interrupt(3);
    guest.host.breakIn();
    guest.host.release();
    guest.host.memoryWritten(0, 4096);
    assertTrue(guest.host.getDma(0).isEmpty());
    assertEquals(instructions, guest.host.instructions());
    assertFalse(guest.host.statistics().isEmpty());
    assertThrows(IllegalStateException.class, guest.host::run);
    guest.close();
  }

  @Test void theClockStopsWithTheLastGuest() throws Exception {
    TestGuest one = new TestGuest(), other = new TestGuest(one.provider);
    one.boot().open();
    other.boot().open();
    Thread clock = Thread.getAllStackTraces().keySet().stream().filter(thread -> thread.getName().equals("lguest alarm clock")).findAny().orElseThrow();
    one.close();
    assertTrue(clock.isAlive());
    other.close();
    clock.join(10_000);
    assertFalse(clock.isAlive());
    try (TestGuest late = new TestGuest(one.provider)) {
      late.boot().code.gate(0x20, late.handler(asm -> asm.tell(2)), 0xE, 0).storeImmediate(OFFSET + DATA + GuestData.BLOCKED_INTERRUPTS, 0)
          .storeImmediate(OFFSET + DATA, 0x200).hypercall(Hypercall.SET_CLOCKEVENT, 1_000_000, 0, 0).spin();
      late.open().expectTell(2);
    }
  }

  @Test void wrongConfigurationsAreRefused() {
    try (TestGuest guest = new TestGuest()) {
      assertRefused("page offset", new HostConfig(0, guest.memory, DIRECTORY, 0, 0xFFC0_0000L));
      assertRefused("page directory", new HostConfig(0, guest.memory, MEMORY, 0, 0));
      assertRefused("start address", new HostConfig(0, guest.memory, DIRECTORY, 1L << 32, 0));
      assertRefused("guest number", new HostConfig(0x1_0000, guest.memory, DIRECTORY, 0, 0));
    }
  }

  private static void assertRefused(String what, HostConfig config) {
    String message = assertThrows(IllegalArgumentException.class, () -> new SoftwareHostProvider().open(config)).getMessage();
    assertTrue(message.contains(what), message);
  }
}
