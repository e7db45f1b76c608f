package lguest.host.software;

import static lguest.host.software.TestGuest.*;
import static org.junit.jupiter.api.Assertions.*;

import java.util.concurrent.CountDownLatch;
import lguest.host.Host;
import lguest.memory.PageIdentity;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;

/** Packets between guests that map the same page of a file (ABI §3.7). They see it at different addresses, as real ones do. */
@Timeout(60)
class DmaBetweenGuestsTest {
  private static final PageIdentity.Shared NETWORK = new PageIdentity.Shared(8, 4711, 0);
  private static final int SENDER_PAGE = 0x5000, RECEIVER_PAGE = 0x6000, SLOT = 8, IRQ = 5;
  private static final int FROM = 0x4_0000, TO = 0x5_0000;
  private static final int FLAG = OFFSET + DATA + GuestData.IRQ_ENABLED;

  private final SoftwareHostProvider provider = new SoftwareHostProvider();
  private final TestGuest sender = new TestGuest(provider), receiver = new TestGuest(provider);

  @BeforeEach void share() {
    sender.memory.share(SENDER_PAGE, NETWORK);
    receiver.memory.share(RECEIVER_PAGE, NETWORK);
  }

  @AfterEach void close() {
    sender.close();
    receiver.close();
  }

  /** The receiver binds {@code count} structures at LISTS and waits in HALT; its interrupt handler tells 0x100 + irq. */
  private void receive(int count) {
    receiver.boot().code.gate(0x20 + IRQ, receiver.handler(asm -> asm.tell(0x100 + IRQ).storeImmediate(FLAG, 0x200).iret()), 0xE, 0)
        .gate(0x21 + IRQ, receiver.handler(asm -> asm.tell(0x101 + IRQ).storeImmediate(FLAG, 0x200).iret()), 0xE, 0)
        .hypercall(Hypercall.BIND_DMA, RECEIVER_PAGE + SLOT, LISTS, count << 8 | IRQ).tell(1)
        .label("idle").hypercall(Hypercall.HALT, 0, 0, 0).jump("idle");
    receiver.open().expectTell(1);
  }

  /** The sender sends the structure at LISTS that often. */
  private void send(int times) {
    sender.boot().code.tell(1);
    for (int i = 0; i < times; i++) sender.code.hypercall(Hypercall.SEND_DMA, SENDER_PAGE + SLOT, LISTS, 0).tell(10 + i);
    sender.open().expectTell(1);
  }

  /** Nobody here has it: the Launcher hears of it, whose device may know of somebody in another process. */
  private void expectOffer() { assertEquals(new Host.Outcome.Dma(LISTS, SENDER_PAGE + SLOT), sender.host.run()); }

  private long delivered() { return sender.host.statistics().getOrDefault("dma_to_guest", 0L); }

  @Test void dataThenLengthThenInterrupt() {
    receiver.list(LISTS, TO, 1500);
    sender.list(LISTS, FROM, 100, FROM + 0x1000, 50);
    sender.text(FROM, "a".repeat(100));
    sender.text(FROM + 0x1000, "b".repeat(50));
    receive(1);
    send(1);
    sender.expectTell(10);
    assertEquals(150, sender.get(LISTS));
    assertEquals(150, receiver.get(LISTS));
    assertEquals("a".repeat(100) + "b".repeat(50) + "\0", receiver.text(TO, 151));
    receiver.expectTell(0x100 + IRQ);
  }

  /** One source section over several destination sections, where the original went wrong (appendix B 6), and the other way round. */
  @Test void sectionsNeedNotMatch() {
    String text = "0123456789".repeat(30);
    sender.text(FROM, text);
    sender.list(LISTS, FROM, 250, FROM + 250, 50);
    receiver.list(LISTS, TO, 7, TO + 0x1000, 100, TO + 0x2000, 1, TO + 0x3000, 4096);
    receive(1);
    send(1);
    sender.expectTell(10);
    assertEquals(300, receiver.get(LISTS));
    assertEquals(text, receiver.text(TO, 7) + receiver.text(TO + 0x1000, 100) + receiver.text(TO + 0x2000, 1) + receiver.text(TO + 0x3000, 192));
  }

  @Test void aShorterReceiverGetsTheBeginning() {
    sender.list(LISTS, FROM, 1000);
    receiver.list(LISTS, TO, 10, TO + 0x1000, 20);
    receive(1);
    send(1);
    sender.expectTell(10);
    assertEquals(30, sender.get(LISTS));
    assertEquals(30, receiver.get(LISTS));
  }

  @Test void buffersInTurn() {
    for (int i = 0; i < 3; i++) receiver.list(LISTS + i * 100, TO + i * 0x1000, 64);
    sender.list(LISTS, FROM, 4);
    receive(3);
    send(4);
    for (int i = 0; i < 3; i++) {
      sender.set(FROM, 100 + i);
      sender.expectTell(10 + i);
      assertEquals(100 + i, receiver.get(TO + i * 0x1000));
      if (i == 0) receiver.set(LISTS, 0); // refilled at once; its turn comes after the others
    }
    sender.set(FROM, 103);
    sender.expectTell(13);
    assertEquals(103, receiver.get(TO));
    assertEquals(4, delivered());
  }

  @Test void fullReceiverIsInterruptedButGetsNothing() {
    receiver.list(LISTS, TO, 64);
    receiver.set(LISTS, 64);
    sender.list(LISTS, FROM, 64);
    receive(1);
    send(1);
    sender.expectTell(10);
    assertEquals(0, sender.get(LISTS));
    receiver.expectTell(0x100 + IRQ);
    assertEquals(0, delivered());
  }

  @Test void nobodyThere() {
    sender.list(LISTS, FROM, 64);
    send(1);
    expectOffer();
    sender.expectTell(10);
    assertEquals(0, sender.get(LISTS));
    assertEquals(1, sender.host.statistics().get("dma_without_receiver"));
  }

  @Test void anotherSlotIsAnotherPlace() {
    receiver.list(LISTS, TO, 64);
    receiver.boot().code.hypercall(Hypercall.BIND_DMA, RECEIVER_PAGE + SLOT + 4, LISTS, 1 << 8 | IRQ).tell(1);
    receiver.open().expectTell(1);
    sender.list(LISTS, FROM, 64);
    send(1);
    expectOffer();
    sender.expectTell(10);
    assertEquals(0, delivered());
  }

  @Test void neverToItself() {
    sender.list(LISTS, FROM, 64);
    sender.list(LISTS + 100, TO, 64);
    sender.boot().code.hypercall(Hypercall.BIND_DMA, SENDER_PAGE + SLOT, LISTS + 100, 1 << 8 | IRQ).hypercall(Hypercall.SEND_DMA, SENDER_PAGE + SLOT, LISTS, 0).tell(1);
    sender.open();
    expectOffer();
    sender.expectTell(1);
    assertEquals(0, sender.get(LISTS));
    assertEquals(0, sender.get(LISTS + 100));
  }

  @Test void unboundGetsNothing() {
    receiver.list(LISTS, TO, 64);
    receiver.boot().code.hypercall(Hypercall.BIND_DMA, RECEIVER_PAGE + SLOT, LISTS, 1 << 8 | IRQ)
        .hypercall(Hypercall.BIND_DMA, RECEIVER_PAGE + SLOT, LISTS, 0).store(OFFSET + RESULT, Asm.EAX).tell(1);
    receiver.open().expectTell(1);
    assertEquals(1, receiver.get(RESULT));
    sender.list(LISTS, FROM, 64);
    send(1);
    expectOffer();
    sender.expectTell(10);
    assertEquals(0, delivered());
  }

  @Test void closedReceiverIsNobody() {
    receiver.list(LISTS, TO, 64);
    receive(1);
    receiver.close();
    sender.list(LISTS, FROM, 64);
    send(1);
    expectOffer();
    sender.expectTell(10);
    assertEquals(1, sender.host.statistics().get("dma_without_receiver"));
  }

  @Test void emptySendInterruptsAndLeavesTheBufferFree() {
    receiver.list(LISTS, TO, 64);
    sender.list(LISTS);
    receive(1);
    send(1);
    sender.expectTell(10);
    assertEquals(0, receiver.get(LISTS));
    receiver.expectTell(0x100 + IRQ);
  }

  @Test void anEmptyReceiveListIsLeftAlone() {
    receiver.list(LISTS);
    sender.list(LISTS, FROM, 64);
    receive(1);
    send(1);
    sender.expectTell(10);
    assertEquals(0, sender.get(LISTS));
    receiver.host.interrupt(IRQ + 1);
    receiver.expectTell(0x101 + IRQ); // the higher line, so nothing waited on the lower
  }

  @Test void wakesASleepingReceiver() throws Exception {
    receiver.list(LISTS, TO, 64);
    sender.list(LISTS, FROM, 64);
    receive(1);
    send(1);
    CountDownLatch woken = new CountDownLatch(1);
    Thread thread = Thread.ofPlatform().start(() -> {
      receiver.expectTell(0x100 + IRQ);
      woken.countDown();
    });
    while (thread.getState() != Thread.State.WAITING) Thread.onSpinWait();
    sender.expectTell(10);
    woken.await();
    thread.join();
  }

  private void senderDies(String reason) {
    receiver.list(LISTS, TO, 4096);
    receive(1);
    send(1);
    sender.expectDead(reason);
    receiver.set(DATA + GuestData.BLOCKED_INTERRUPTS, -1);
    receiver.host.breakIn();
    assertEquals(new Host.Outcome.Break(), receiver.host.run(), "the receiver lives");
  }

  @Test void sectionAcrossPages() {
    sender.list(LISTS, FROM + 0xFF0, 0x11);
    senderDies("bad DMA entry: 17@0x40ff0");
  }

  @Test void sectionTooLong() {
    sender.list(LISTS, FROM, 0x1001);
    senderDies("bad DMA entry: 4097@0x40000");
  }

  @Test void sectionOutsideMemory() {
    sender.list(LISTS, FROM, 16, 0xFFFF_F000, 0xFFF);
    senderDies("bad DMA entry: 4095@0xfffff000");
  }

  @Test void sendersListOutsideMemory() {
    receiver.list(LISTS, TO, 4096);
    receive(1);
    sender.boot().code.hypercall(Hypercall.SEND_DMA, SENDER_PAGE + SLOT, MEMORY - 96, 0);
    sender.open().expectDead("bad read address 0xfffa0 len 100");
  }

  @Test void receiversBadListEndsTheReceiver() {
    receiver.list(LISTS, TO + 1, 4096);
    sender.list(LISTS, FROM, 64);
    receive(1);
    send(1);
    sender.expectTell(10);
    assertEquals(0, sender.get(LISTS));
    receiver.expectDead("bad DMA entry: 4096@0x50001");
  }

  @Test void receiversArrayOutsideMemoryEndsTheReceiver() {
    receiver.boot().code.hypercall(Hypercall.BIND_DMA, RECEIVER_PAGE + SLOT, 0xFFFF_FFFF, 0xFFFF << 8 | IRQ).tell(1);
    receiver.open().expectTell(1);
    sender.list(LISTS, FROM, 64);
    send(1);
    sender.expectTell(10);
    receiver.expectDead("bad address in registered DMA struct");
  }

  @Test void aHaltedReceiverDiesInItsSleep() throws Exception {
    receiver.list(LISTS, TO + 1, 4096);
    sender.list(LISTS, FROM, 64);
    receive(1);
    send(1);
    Thread thread = Thread.ofPlatform().start(() -> assertEquals(new Host.Outcome.Dead("bad DMA entry: 4096@0x50001"), receiver.host.run()));
    while (thread.getState() != Thread.State.WAITING) Thread.onSpinWait();
    sender.expectTell(10);
    thread.join();
  }

  /** Two guests that flood each other while a third comes and goes: nothing deadlocks, nobody writes to a closed guest. */
  @Test void floodingBothWaysWhileOthersComeAndGo() throws Exception {
    int rounds = 20_000;
    Thread[] threads = new Thread[2];
    TestGuest[] guests = {sender, receiver};
    int[] pages = {SENDER_PAGE, RECEIVER_PAGE};
    for (int i = 0; i < 2; i++) {
      TestGuest guest = guests[i];
      int own = pages[i] + 4 * i, peer = pages[i] + 4 * (1 - i);
      for (int b = 0; b < 8; b++) guest.list(LISTS + b * 100, TO + b * 0x1000, 1514);
      guest.list(LISTS + 0x800, FROM, 1514);
      int handler = guest.handler(asm -> { // everything that came is free again
        for (int b = 0; b < 8; b++) asm.storeImmediate(OFFSET + LISTS + b * 100, 0);
        asm.increment(OFFSET + RESULT + 4).storeImmediate(FLAG, 0x200).iret();
      });
      // Registers survive: the handler uses none.
      guest.boot().code.gate(0x20 + IRQ, handler, 0xE, 0).hypercall(Hypercall.BIND_DMA, own, LISTS, 8 << 8 | IRQ).storeImmediate(FLAG, 0x200)
          .label("again").hypercall(Hypercall.SEND_DMA, peer, LISTS + 0x800, 0).increment(OFFSET + RESULT)
          .compare(OFFSET + RESULT, rounds).jumpIfNotEqual("again").tell(7);
      guest.open();
      threads[i] = Thread.ofPlatform().start(() -> {
        // Until the other has bound its buffers there is nobody.
        Host.Outcome outcome = guest.host.run();
        while (outcome.equals(new Host.Outcome.Dma(LISTS + 0x800, peer))) outcome = guest.host.run();
        assertEquals(new Host.Outcome.Dma(7, 0), outcome);
      });
    }
    while (threads[0].isAlive() || threads[1].isAlive()) {
      try (TestGuest visitor = new TestGuest(provider)) {
        visitor.memory.share(SENDER_PAGE, NETWORK);
        visitor.list(LISTS, TO, 1514);
        visitor.boot().code.hypercall(Hypercall.BIND_DMA, SENDER_PAGE, LISTS, 1 << 8 | IRQ).tell(1);
        visitor.open().expectTell(1);
      }
    }
    for (TestGuest guest : guests) {
      assertEquals(rounds, guest.get(RESULT));
      assertTrue(guest.get(RESULT + 4) > 0, "interrupted");
    }
  }
}
