package lguest.host.software;

import static lguest.host.software.TestGuest.*;
import static org.junit.jupiter.api.Assertions.*;

import java.util.Optional;
import lguest.host.Host;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;

/** The asynchronous ring (ABI §2.4). */
@Timeout(60)
class RingTest {
  private static final int BOUND = 0x5000;

  @Test void doneInOrderBeforeTheDirectCall() {
    try (TestGuest guest = new TestGuest()) {
      guest.boot().code.tell(1).hypercall(Hypercall.BIND_DMA, BOUND, LISTS, 0).store(OFFSET + RESULT, Asm.EAX).tell(2);
      guest.open().expectTell(1);
      // Bind, unbind, bind: only in this order does the guest's own unbind find one.
      guest.ring(0, Hypercall.BIND_DMA, BOUND, LISTS, 1 << 8 | 4);
      guest.ring(1, Hypercall.BIND_DMA, BOUND, LISTS, 0);
      guest.ring(2, Hypercall.BIND_DMA, BOUND, LISTS, 1 << 8 | 4);
      guest.expectTell(2);
      assertEquals(1, guest.get(RESULT));
      for (int slot = 0; slot < 3; slot++) assertEquals(0xFF, guest.ringStatus(slot), "slot " + slot);
      assertEquals(3, guest.host.statistics().get("ring_calls"));
    }
  }

  @Test void anyOtherStatusIsPendingAndAGapStops() {
    try (TestGuest guest = new TestGuest()) {
      guest.boot().code.tell(1).hypercall(Hypercall.FLUSH_ASYNC, 0, 0, 0).tell(2);
      guest.open().expectTell(1);
      guest.ring(0, Hypercall.FLUSH_TLB, 0, 0, 0);
      guest.memory.segment().set(java.lang.foreign.ValueLayout.JAVA_BYTE, DATA + GuestData.STATUS, (byte) 0x7E);
      guest.ring(2, Hypercall.FLUSH_TLB, 0, 0, 0);
      guest.expectTell(2);
      assertEquals(0xFF, guest.ringStatus(0));
      assertEquals(0, guest.ringStatus(2), "nothing waits in slot 1");
    }
  }

  @Test void wrapsAndEachEntryIsDoneOnce() {
    try (TestGuest guest = new TestGuest()) {
      guest.boot().code.tell(1).hypercall(Hypercall.FLUSH_ASYNC, 0, 0, 0).tell(2).hypercall(Hypercall.FLUSH_ASYNC, 0, 0, 0).tell(3);
      guest.open().expectTell(1);
      for (int slot = 0; slot < 64; slot++) guest.ring(slot, Hypercall.FLUSH_TLB, 0, 0, 0);
      guest.expectTell(2);
      assertEquals(64, guest.host.statistics().get("hypercall.flush_tlb"));
      guest.ring(0, Hypercall.FLUSH_TLB, 0, 0, 0);
      guest.expectTell(3);
      assertEquals(65, guest.host.statistics().get("hypercall.flush_tlb"));
    }
  }

  @Test void launcherDmaSuspendsTheRestAndTheDirectCall() {
    try (TestGuest guest = new TestGuest()) {
      guest.ring(0, Hypercall.SEND_DMA, 0, 0x111, 0);
      guest.ring(1, Hypercall.SEND_DMA, 4, 0x222, 0);
      guest.ring(2, Hypercall.FLUSH_TLB, 0, 0, 0);
      guest.set(DATA + GuestData.STATUS, -1); // written, not yet handed over: the guest does that itself
      guest.boot().code.storeImmediate(OFFSET + DATA + GuestData.STATUS, 0xFF00_0000)
          .hypercall(Hypercall.BIND_DMA, BOUND, LISTS, 1 << 8 | 7).store(OFFSET + RESULT, Asm.EAX).tell(2);
      guest.open();
      assertEquals(new Host.Outcome.Dma(0x111, 0), guest.host.run());
      assertEquals(0xFF, guest.ringStatus(0), "the slot is free again when the Launcher hears of it");
      assertEquals(0, guest.ringStatus(1));
      assertEquals(Optional.empty(), guest.host.getDma(BOUND), "the direct call waits");
      assertEquals(new Host.Outcome.Dma(0x222, 4), guest.host.run());
      assertEquals(0, guest.get(RESULT));
      guest.expectTell(2);
      assertEquals(0xFF, guest.ringStatus(2));
      assertEquals(1, guest.get(RESULT));
      assertEquals(Optional.of(new Host.DmaBuffer(LISTS, 7)), guest.host.getDma(BOUND));
    }
  }

  @Test void drainedAtAnyExit() {
    try (TestGuest guest = new TestGuest()) {
      int handler = guest.handler(asm -> asm.bytes(0x8B, 0x1D).bytes(0x14, 0x80, 0x00, 0xC0).store(OFFSET + RESULT, Asm.EBX).tell(2)); // mov ebx, [status]
      guest.boot().code.gate(6, handler, 0xF, 0).tell(1).bytes(0x0F, 0x0B); // ud2
      guest.open().expectTell(1);
      guest.ring(0, Hypercall.FLUSH_TLB, 0, 0, 0);
      guest.expectTell(2);
      assertEquals(0xFF, guest.get(RESULT) & 0xFF, "the ring was done before the handler ran");
    }
  }

  @Test void badCallInTheRingKills() {
    try (TestGuest guest = new TestGuest()) {
      guest.boot().code.tell(1).tell(2);
      guest.open().expectTell(1);
      guest.ring(0, 77, 0, 0, 0);
      guest.expectDead("Bad hypercall 77\n");
    }
  }

  @Test void notLookedAtBeforeInit() {
    try (TestGuest guest = new TestGuest()) {
      guest.ring(0, 77, 0, 0, 0);
      guest.code.hypercall(Hypercall.LGUEST_INIT, DATA, 0, 0).hypercall(Hypercall.FLUSH_ASYNC, 0, 0, 0);
      guest.open().expectDead("Bad hypercall 77\n");
      assertEquals(1, guest.host.statistics().get("hypercall.lguest_init"), "LGUEST_INIT came first");
    }
  }
}
