package lguest.host.software;

import static lguest.host.software.TestGuest.*;
import static org.junit.jupiter.api.Assertions.*;

import java.util.Optional;
import java.util.function.Consumer;
import lguest.host.Host;
import lguest.host.Host.DmaBuffer;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;

/** Binding, sending to the Launcher and being given buffers by it (ABI §3.5 to §3.8). Between guests: {@link DmaBetweenGuestsTest}. */
@Timeout(60)
class DmaTest {
  private static final int KEY = 0x5010;

  private static TestGuest bound(int array, int count, int irq) {
    TestGuest guest = new TestGuest();
    guest.boot().code.hypercall(Hypercall.BIND_DMA, KEY, array, count << 8 | irq).tell(1).tell(2);
    guest.open().expectTell(1);
    return guest;
  }

  @Test void launcherIsGivenTheFreeBuffer() {
    try (TestGuest guest = bound(LISTS, 3, 9)) {
      guest.set(LISTS, 7); // taken
      assertEquals(Optional.of(new DmaBuffer(LISTS + 100, 9)), guest.host.getDma(KEY));
      assertEquals(9, guest.get(LISTS + 100), "the interrupt number marks it as handed out");
      assertEquals(Optional.of(new DmaBuffer(LISTS + 200, 9)), guest.host.getDma(KEY));
      assertEquals(Optional.empty(), guest.host.getDma(KEY), "all are in use (appendix B 5)");
      assertEquals(9, guest.get(LISTS + 200));
      guest.set(LISTS, 0);
      assertEquals(Optional.of(new DmaBuffer(LISTS, 9)), guest.host.getDma(KEY), "always from the first");
    }
  }

  @Test void nothingBoundNothingGiven() {
    try (TestGuest guest = bound(LISTS, 1, 9)) {
      assertEquals(Optional.empty(), guest.host.getDma(KEY + 4));
      assertEquals(Optional.empty(), guest.host.getDma(KEY + 0x1000));
    }
  }

  @Test void noBuffersAtAll() {
    try (TestGuest guest = bound(LISTS, 0, 9)) {
      assertEquals(Optional.empty(), guest.host.getDma(KEY));
    }
  }

  @Test void largestCountIsSearched() {
    try (TestGuest guest = bound(0, 0xFFFF, 9)) {
      guest.memory.segment().asSlice(0xA0000, 0x60000).fill((byte) 1);
      // Structures from 0: the first whose used_len is 0 lies somewhere in the zeroed low memory.
      DmaBuffer buffer = guest.host.getDma(KEY).orElseThrow();
      assertEquals(0, buffer.address() % 100);
      guest.memory.segment().fill((byte) 1);
      assertEquals(Optional.empty(), guest.host.getDma(KEY));
      assertEquals(new Host.Outcome.Dead("bad read address 0xfffb4 len 100"), guest.host.run(), "the array leaves memory");
    }
  }

  @Test void badKeyOfTheLaunchersEndsTheGuest() {
    for (long key : new long[] {2, MEMORY, 0xFFFF_FFFCL}) {
      try (TestGuest guest = bound(LISTS, 1, 9)) {
        assertEquals(Optional.empty(), guest.host.getDma(key));
        guest.expectDead("bad registered DMA buffer");
        assertEquals(Optional.empty(), guest.host.getDma(KEY), "the dead offer nothing");
      }
    }
  }

  private static int result(Consumer<Asm> program) {
    try (TestGuest guest = new TestGuest()) {
      guest.boot();
      program.accept(guest.code);
      guest.code.store(OFFSET + RESULT, Asm.EAX).tell(1);
      guest.open().expectTell(1);
      return guest.get(RESULT);
    }
  }

  private static Asm bind(Asm asm, int array, int countAndIrq) { return asm.hypercall(Hypercall.BIND_DMA, KEY, array, countAndIrq); }

  @Test void bindAndUnbindAnswerInEax() {
    assertEquals(1, result(asm -> bind(asm, LISTS, 1 << 8 | 1)));
    assertEquals(1, result(asm -> bind(asm, LISTS, 1 << 8 | 31)));
    assertEquals(0, result(asm -> bind(asm, LISTS, 1 << 8 | 32)), "there is no such interrupt");
    assertEquals(0, result(asm -> bind(asm, LISTS, 0)), "nothing to unbind");
    assertEquals(1, result(asm -> bind(bind(asm, LISTS, 1 << 8 | 1), LISTS, 0)));
    assertEquals(0, result(asm -> bind(bind(asm, LISTS, 1 << 8 | 1), LISTS + 4, 0)), "another array");
    assertEquals(0, result(asm -> bind(bind(bind(asm, LISTS, 1 << 8 | 1), LISTS, 0), LISTS, 0)), "twice (appendix B 7)");
  }

  @Test void thirtyTwoRegistrations() {
    assertEquals(1, result(asm -> { for (int i = 0; i < 32; i++) bind(asm, LISTS + i * 4, 1 << 8 | 1); }));
    assertEquals(0, result(asm -> { for (int i = 0; i < 33; i++) bind(asm, LISTS + i * 4, 1 << 8 | 1); }));
    assertEquals(1, result(asm -> {
      for (int i = 0; i < 33; i++) bind(asm, LISTS + i * 4, 1 << 8 | 1);
      bind(bind(asm, LISTS, 0), LISTS, 1 << 8 | 1);
    }), "one was given back");
  }

  @Test void newestRegistrationFirst() {
    try (TestGuest guest = new TestGuest()) {
      bind(bind(guest.boot().code, LISTS, 1 << 8 | 4), LISTS + 200, 1 << 8 | 5).tell(1);
      guest.open().expectTell(1);
      assertEquals(Optional.of(new DmaBuffer(LISTS + 200, 5)), guest.host.getDma(KEY));
    }
  }

  @Test void sendToTheLauncherChecksTheKeyOnly() {
    try (TestGuest guest = new TestGuest()) {
      guest.boot().code.hypercall(Hypercall.SEND_DMA, KEY, 0xFFFF_FFF0, 0).store(OFFSET + RESULT, Asm.EAX).tell(1);
      guest.open();
      assertEquals(new Host.Outcome.Dma(0xFFFF_FFF0L, KEY), guest.host.run());
      assertEquals(0, guest.get(RESULT), "the guest stands still until the Launcher comes back");
      guest.expectTell(1);
      assertEquals(Hypercall.SEND_DMA.number, guest.get(RESULT));
    }
  }

  @Test void keysAtTheEndOfMemory() {
    try (TestGuest guest = new TestGuest()) {
      guest.boot().code.hypercall(Hypercall.SEND_DMA, MEMORY - 4, 1, 0);
      guest.open();
      assertEquals(new Host.Outcome.Dma(1, MEMORY - 4), guest.host.run());
    }
  }

  private static void dies(String reason, Hypercall call, int key) {
    try (TestGuest guest = new TestGuest()) {
      guest.boot().code.hypercall(call, key, LISTS, 1 << 8 | 1);
      guest.open().expectDead(reason);
    }
  }

  @Test void badKeysKill() {
    dies("bad dma key 0x5011", Hypercall.BIND_DMA, 0x5011);
    dies("bad dma key 0x100000", Hypercall.BIND_DMA, MEMORY);
    dies("bad dma key 0xfffffffc", Hypercall.BIND_DMA, -4);
    dies("bad sending DMA key", Hypercall.SEND_DMA, 2);
    dies("bad sending DMA key", Hypercall.SEND_DMA, MEMORY);
    dies("bad sending DMA key", Hypercall.SEND_DMA, -4);
  }
}
