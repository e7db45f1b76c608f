package lguest.device.console;

import static java.nio.charset.StandardCharsets.US_ASCII;
import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.time.Duration;
import java.util.Arrays;
import java.util.Random;
import lguest.device.Attachable;
import lguest.device.DeviceConfig;
import lguest.device.DeviceException;
import lguest.device.DeviceState;
import lguest.device.fake.FakeContext;
import lguest.device.fake.FakeRequest;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;

@Timeout(60)
class ConsoleOutputTest {
  private static final Duration SOON = Duration.ofSeconds(30);
  private final FakeContext guest = new FakeContext();
  private Console console;

  @BeforeEach void open() throws Exception { console = open(FakeContext.config("")); }

  @AfterEach void close() throws Exception {
    console.close();
    guest.close();
  }

  private Console open(DeviceConfig config) throws DeviceException { return (Console) new ConsoleProvider().open(config, guest); }

  private static byte[] noise(int length) {
    byte[] noise = new byte[length];
    new Random(length).nextBytes(noise);
    return noise;
  }

  private FakeRequest print(byte[]... parts) {
    FakeRequest request = guest.send(0, parts);
    console.request(request);
    return request;
  }

  @Test void theGuestFindsAConsoleWithoutPages() {
    assertEquals(1, guest.type());
    assertEquals(0, guest.features());
    assertEquals(0, guest.pages());
    assertEquals(1, guest.channels());
  }

  @Test void anArgumentIsRefused() {
    try (FakeContext other = new FakeContext()) {
      DeviceException refused = assertThrows(DeviceException.class, () -> new ConsoleProvider()
          .open(FakeContext.config("/dev/ttyS0"), other));
      assertTrue(refused.getMessage().contains("/dev/ttyS0"), refused.getMessage());
    }
  }

  @Test void allPartsComeOutInOrder() throws Exception {
    Party user = Party.quick();
    console.attach(user, false);
    assertEquals(12, print("Hello".getBytes(US_ASCII), ", ".getBytes(US_ASCII), "guest".getBytes(US_ASCII)).completedLength());
    assertEquals("Hello, guest", new String(user.await(12), US_ASCII));
    assertEquals(12, guest.counters().get("bytes.out"));
  }

  @Test void withNobodyThereTheGuestDoesNotWaitAndTheLast64KiBStay() throws Exception {
    byte[] flood = noise(1_000_003);
    assertEquals(flood.length, print(flood).completedLength());
    Party late = Party.quick(), later = Party.quick();
    console.attach(late, true);
    console.attach(later, false);
    print("!".getBytes(US_ASCII));
    byte[] expected = Arrays.copyOf(Arrays.copyOfRange(flood, flood.length - 65536, flood.length), 65537);
    expected[65536] = '!';
    assertArrayEquals(expected, late.await(65537));
    assertEquals("!", new String(later.await(1), US_ASCII), "without replay only what is new");
  }

  @Test void megabytesThroughSmallRequestsAreNotLost() throws Exception {
    Party user = Party.quick();
    Attachable.Attachment attachment = console.attach(user, false);
    byte[] all = noise(5_000_000);
    Random random = new Random(1);
    for (int at = 0; at < all.length; ) {
      int length = Math.min(all.length - at, 1 + random.nextInt(70_000));
      print(Arrays.copyOfRange(all, at, at + length)).await(SOON);
      at += length;
    }
    attachment.close();
    assertArrayEquals(all, user.seen());
  }

  @Test void aSlowReaderMakesTheGuestWaitAndLosesNothing() throws Exception {
    Party user = Party.stuck();
    Attachable.Attachment attachment = console.attach(user, false);
    byte[] flood = noise(700_000);
    FakeRequest request = print(flood);
    assertFalse(request.isComplete(), "the guest must wait while nobody takes its output");
    user.allow(1_000_000);
    assertEquals(flood.length, request.await(SOON));
    attachment.close();
    assertArrayEquals(flood, user.seen());
  }

  @Test void theSlowestOfTwoSetsThePaceAndBothGetAll() throws Exception {
    Party quick = Party.quick(), slow = Party.stuck();
    Attachable.Attachment first = console.attach(quick, false), second = console.attach(slow, false);
    byte[] flood = noise(600_000);
    FakeRequest request = print(flood);
    assertFalse(request.isComplete());
    slow.allow(1_000_000);
    request.await(SOON);
    first.close();
    second.close();
    assertArrayEquals(flood, quick.seen());
    assertArrayEquals(flood, slow.seen());
  }

  @Test void whoFailsIsDetachedAndTheGuestGoesOn() throws Exception {
    Party user = Party.stuck();
    console.attach(user, false);
    FakeRequest request = print(noise(700_000));
    assertFalse(request.isComplete());
    user.breakDown();
    assertEquals(700_000, request.await(SOON));
    assertTrue(print(noise(700_000)).isComplete(), "nobody is there any more to wait for");
  }

  @Test void detachingOneWhoIsStuckCanBeInterruptedAndLetsTheGuestGo() throws Exception {
    Party user = Party.stuck();
    Attachable.Attachment attachment = console.attach(user, false);
    FakeRequest request = print(noise(700_000));
    Thread.currentThread().interrupt();
    assertThrows(InterruptedException.class, attachment::close);
    assertEquals(700_000, request.await(SOON));
    user.allow(1_000);
  }

  @Test void anExchangeKeepsTheHistoryAndGoesOnInTheMiddleOfARequest() throws Exception {
    byte[] before = noise(100_000), flood = noise(900_000);
    print(before);
    Party user = Party.stuck();
    Attachable.Attachment attachment = console.attach(user, false);
    FakeRequest request = print(flood);
    assertFalse(request.isComplete());
    DeviceState state = console.drain().orElseThrow();
    attachment.close(); // does not wait for one who is stuck: the next console goes on with him
    console.close();

    console = open(new DeviceConfig("", java.util.Optional.of(state)));
    Party newcomer = Party.quick();
    Attachable.Attachment again = console.attach(user, false);
    console.attach(newcomer, true);
    assertArrayEquals(Arrays.copyOf(newcomer.await(OutputRing.REPLAY), 10),
        Arrays.copyOfRange(flood, OutputRing.CAPACITY - OutputRing.REPLAY, OutputRing.CAPACITY - OutputRing.REPLAY + 10),
        "the history came along");
    assertFalse(request.isComplete(), "the old console must leave it alone");
    user.allow(1_000_000);
    console.request(request);
    assertEquals(flood.length, request.await(SOON));
    again.close();
    assertArrayEquals(flood, user.await(flood.length), "every byte once, in order, across both consoles");
  }

  @Test void aStateOfAnotherVersionIsRefused() {
    DeviceState alien = new DeviceState(99, java.util.Map.of());
    DeviceException refused = assertThrows(DeviceException.class, () -> open(new DeviceConfig("", java.util.Optional.of(alien))));
    assertTrue(refused.getMessage().contains("99"), refused.getMessage());
  }
}
