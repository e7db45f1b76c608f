package lguest.device.console;

import static java.nio.charset.StandardCharsets.US_ASCII;
import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.io.ByteArrayOutputStream;
import java.nio.ByteBuffer;
import java.time.Duration;
import java.util.Optional;
import java.util.Random;
import java.util.concurrent.atomic.AtomicLong;
import lguest.device.Attachable;
import lguest.device.DeviceState;
import lguest.device.fake.FakeContext;
import lguest.device.fake.FakeRequest;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;

@Timeout(60)
class ConsoleInputTest {
  private static final Duration SOON = Duration.ofSeconds(30);
  private static final long MILLI = 1_000_000;
  private static final String END = "Failed to get console input, ignoring console.";
  private final FakeContext guest = new FakeContext();
  private final AtomicLong clock = new AtomicLong();
  private Console console = new Console(guest, ConsoleState.FRESH, clock::get);
  private Attachable.Attachment user = console.attach(Party.quick(), false);

  @AfterEach void close() throws Exception {
    console.close();
    guest.close();
  }

  private void type(String text) throws InterruptedException { user.input(ByteBuffer.wrap(text.getBytes(US_ASCII))); }

  private boolean endReported() { return guest.lines().stream().anyMatch(line -> line.text().equals(END)); }

  /** What a guest reads that offers buffers of this size, until nothing more comes. */
  private byte[] read(int size) throws Exception {
    ByteArrayOutputStream all = new ByteArrayOutputStream();
    while (true) {
      FakeRequest buffer = guest.offer(0, size);
      guest.serve(console);
      if (!buffer.isComplete()) {
        guest.offered(0); // takes it back
        return all.toByteArray();
      }
      all.write(buffer.received());
      guest.wake(); // a guest that has got something looks for more
    }
  }

  @Test void whatIsTypedArrivesWithAnInterrupt() throws Exception {
    FakeRequest buffer = guest.offer(0, 3, 100);
    type("ls -l\n");
    guest.awaitAndServe(console, SOON);
    assertEquals("ls -l\n", new String(buffer.received(), US_ASCII));
    assertEquals(1, guest.interrupts());
    assertEquals(6, guest.counters().get("bytes.in"));
  }

  @Test void inputWaitsForABufferAndKeepsItsOrder() throws Exception {
    type("first ");
    type("second");
    assertTrue(guest.serve(console));
    assertEquals(1, guest.retries(), "no buffer: ask again later");
    assertEquals(0, guest.interrupts());
    assertEquals("first second", new String(read(5), US_ASCII));
  }

  @Test void theQueueIsBoundedAndTheTypistWaits() throws Exception {
    byte[] flood = new byte[3 * InputQueue.CAPACITY + 17];
    new Random(3).nextBytes(flood);
    ByteBuffer data = ByteBuffer.wrap(flood);
    Thread typist = Thread.ofPlatform().daemon().start(() -> {
      try {
        user.input(data);
      } catch (InterruptedException e) {
        // ends
      }
    });
    while (typist.getState() != Thread.State.WAITING) Thread.onSpinWait();
    assertEquals(InputQueue.CAPACITY, data.position(), "as much as the queue holds is taken, no more");
    ByteArrayOutputStream all = new ByteArrayOutputStream();
    while (all.size() < flood.length) {
      FakeRequest buffer = guest.offer(0, 4096);
      guest.wake(); // a guest that has got something looks for more
      while (!buffer.isComplete()) guest.awaitAndServe(console, SOON);
      all.write(buffer.received());
    }
    typist.join();
    assertArrayEquals(flood, all.toByteArray());
  }

  @Test void aWaitingTypistCanBeInterrupted() throws Exception {
    AtomicLong taken = new AtomicLong(-1);
    ByteBuffer data = ByteBuffer.allocate(2 * InputQueue.CAPACITY);
    Thread typist = Thread.ofPlatform().daemon().start(() -> {
      try {
        user.input(data);
      } catch (InterruptedException e) {
        taken.set(data.position());
      }
    });
    while (typist.getState() != Thread.State.WAITING) Thread.onSpinWait();
    typist.interrupt();
    typist.join();
    assertEquals(InputQueue.CAPACITY, taken.get());
  }

  @Test void aBufferOfNoBytesDoesNotHoldUsUp() throws Exception {
    guest.offer(0, new int[0]);
    type("x");
    guest.awaitAndServe(console, SOON);
    assertEquals("x", new String(read(10), US_ASCII));
  }

  @Test void theEndOfInputIsToldOnceTheGuestHasReadAll() throws Exception {
    type("bye");
    user.endOfInput();
    assertFalse(endReported());
    read(10);
    assertTrue(endReported());
    console.service();
    assertEquals(1, guest.lines().size(), "once is enough");
    assertEquals(System.Logger.Level.WARNING, guest.lines().getFirst().level());
    assertTrue(guest.ended().isEmpty(), "the guest goes on");
  }

  @Test void theEndOfAnEmptyInputIsToldAtOnce() {
    user.endOfInput();
    assertTrue(endReported());
  }

  @Test void threeInterruptKeysEndTheGuestWithStatusTwo() throws Exception {
    type("\3");
    clock.addAndGet(500 * MILLI);
    type("\3");
    assertTrue(guest.ended().isEmpty());
    clock.addAndGet(400 * MILLI);
    type("\3");
    assertEquals(2, guest.ended().orElseThrow().status());
    assertEquals("\3\3\3", new String(read(10), US_ASCII), "and the guest gets them too");
  }

  @Test void slowOnesOrOthersBetweenOrSeveralInOneReadDoNot() throws Exception {
    type("\3");
    clock.addAndGet(1_500 * MILLI);
    type("\3");
    clock.addAndGet(1_500 * MILLI);
    type("\3");
    assertTrue(guest.ended().isEmpty(), "three seconds are no second");
    type("\3");
    type("\3");
    type("a");
    type("\3");
    type("\3");
    assertTrue(guest.ended().isEmpty(), "the a starts it anew");
    type("b");
    type("\3\3\3");
    assertTrue(guest.ended().isEmpty(), "one read of three is not three reads of one");
  }

  @Test void anExchangeKeepsWhatIsTypedAndTheCountOfInterruptKeys() throws Exception {
    type("half a line");
    type("\3");
    type("\3");
    DeviceState state = console.drain().orElseThrow();
    ByteBuffer late = ByteBuffer.wrap(new byte[] {'z'});
    user.input(late);
    assertEquals(0, late.position(), "what comes too late is left to the caller");
    console.close();
    console = new Console(guest, ConsoleState.read(state), clock::get);
    user = console.attach(Party.quick(), false);
    type("\3");
    assertEquals(Optional.of(2), guest.ended().map(FakeContext.Ended::status));
    assertEquals("half a line\3\3\3", new String(read(100), US_ASCII));
  }

  @Test void anExchangeWakesTheNewConsoleForWhatWaits() throws Exception {
    type("waiting");
    DeviceState state = console.drain().orElseThrow();
    console.close();
    guest.serve(console);
    console = new Console(guest, ConsoleState.read(state), clock::get);
    FakeRequest buffer = guest.offer(0, 100);
    guest.awaitAndServe(console, SOON);
    assertEquals("waiting", new String(buffer.received(), US_ASCII));
  }
}
