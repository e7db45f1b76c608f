package lguest.device.testkit;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.lang.foreign.MemorySegment;
import java.lang.ref.WeakReference;
import java.nio.file.Path;
import java.time.Duration;
import java.util.Arrays;
import java.util.LinkedHashSet;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Random;
import java.util.Set;
import java.util.concurrent.atomic.AtomicBoolean;
import java.util.concurrent.atomic.AtomicReference;
import lguest.device.DeviceConfig;
import lguest.device.DeviceException;
import lguest.device.DeviceProvider;
import lguest.device.DeviceState;
import lguest.device.fake.FakeContext;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;

/**
 * What is asked of every device: opened and closed a thousand times it leaves nothing behind, exchanged under load it loses nothing, and whatever a guest sends, it stands. A test
 * class of yours extends this and says how a guest talks to the device:
 *
 * <pre>{@code
 * class EchoKitTest extends DeviceTestKit {
 *   @Override protected DeviceProvider provider() { return new EchoProvider(); }
 *
 *   @Override protected void converse(TestGuest guest, int number) {
 *     byte[] text = ("hello " + number).getBytes();
 *     TestGuest.Buffer answer = guest.lend(0, 4096);
 *     guest.send(0, text);
 *     assertArrayEquals(text, guest.await(answer));
 *   }
 * }
 * }</pre>
 */
@Timeout(600)
public abstract class DeviceTestKit {
  private static final int OPENINGS = 1000, EXCHANGES = 100, LATE = 3;
  /** Of the random pages and requests; messages name the case, so that it can be found again. */
  private static final long SEED = 2623;
  private static final Duration A_WHILE = Duration.ofMillis(50), COLLECTION = Duration.ofSeconds(15);

  /** A folder for the test's files. */
  @TempDir protected Path folder;

  /** The provider, without a framework: its public constructor must do. A new one each time. */
  protected abstract DeviceProvider provider();

  /** What the user writes after the option's =; each open gets one. */
  protected String argument() throws Exception { return ""; }

  /** Arguments that {@link DeviceProvider#open} must refuse. */
  protected List<String> wrongArguments() { return List.of(); }

  /**
   * Talks to the device as a guest does, and makes sure that all comes back as it should. Called again and again, on the guest's thread, while the device may be exchanged at any
   * moment; begins and ends with nothing under way.
   *
   * @param number a different one each time, ascending within a guest
   */
  protected abstract void converse(TestGuest guest, int number) throws Exception;

  /** The reason by which the device ends a guest that has not lent the buffer it needs; empty: it waits for one. */
  protected Optional<String> withoutBuffer() { return Optional.empty(); }

  @Test void saysTheSameOfItselfEachTime() throws Exception {
    DeviceProvider provider = provider();
    assertTrue(provider.type().matches("[a-z][a-z0-9.-]*"), () -> "type '" + provider.type() + "': lower-case letters, digits, dots and dashes are expected");
    try (TestGuest one = new TestGuest(provider, argument())) {
      assertEquals(provider.type(), provider().type());
      // A slot of another guest may get other features, such as a place in a network, but what a driver is chosen by stays.
      try (TestGuest two = new TestGuest(provider(), argument())) {
        assertEquals(List.of(one.machine().type(), one.machine().pages(), one.machine().channels()),
            List.of(two.machine().type(), two.machine().pages(), two.machine().channels()));
      }
    }
  }

  @Test void opensAndClosesAThousandTimes() throws Exception {
    DeviceProvider provider = provider();
    Leaks before = null;
    for (int i = 0; i < OPENINGS; i++) {
      // What is made once and stays, such as loaded classes, is no leak.
      if (i == 20) before = Leaks.now();
      try (TestGuest guest = new TestGuest(provider, argument())) {
        if (i % 10 == 0) converse(guest, i);
      }
    }
    before.assertNothingNew("after " + OPENINGS + " times open and close");
  }

  @Test void refusesWrongArgumentsAndLeavesNothing() throws Exception {
    DeviceProvider provider = provider();
    for (String wrong : wrongArguments()) {
      refuses(provider, wrong, Optional.empty(), "the argument '" + wrong + "'");
      Leaks before = Leaks.now();
      for (int i = 0; i < 20; i++) refuses(provider, wrong, Optional.empty(), "the argument '" + wrong + "'");
      before.assertNothingNew("after the argument '" + wrong + "' was refused");
    }
  }

  @Test void isExchangedUnderLoadAndLosesNothing() throws Exception {
    AtomicBoolean enough = new AtomicBoolean();
    AtomicReference<Throwable> failure = new AtomicReference<>();
    Random pauses = new Random(SEED);
    try (TestGuest guest = new TestGuest(provider(), argument())) {
      Thread program = Thread.ofPlatform().name("guest program").start(() -> {
        try {
          for (int number = 0; !enough.get(); number++) converse(guest, number);
        } catch (Throwable e) {
          failure.set(e);
        }
      });
      try {
        for (int i = 0; i < EXCHANGES && program.isAlive(); i++) {
          guest.exchange();
          Thread.sleep(0, pauses.nextInt(3_000_000) % 999_999);
        }
      } finally {
        enough.set(true);
        program.join();
      }
      if (failure.get() != null) throw new AssertionError("the guest noticed that the device was exchanged: " + failure.get().getMessage(), failure.get());
      converse(guest, Integer.MAX_VALUE);
    }
  }

  @Test void leavesItsStateAsPlainData() throws Exception {
    Leaks before = null;
    for (int i = 0; i < 10; i++) {
      if (i == 5) before = Leaks.now();
      try (TestGuest guest = new TestGuest(provider(), argument())) {
        for (int number = 0; number < 5; number++) {
          converse(guest, number);
          // Through bytes: a state that holds on to the old device, or to its classes, does not come through.
          Optional<DeviceState> state = guest.park();
          guest.resume(state);
        }
        converse(guest, 5);
      }
    }
    before.assertNothingNew("after devices were exchanged");
  }

  @Test void refusesTheStateOfAVersionItDoesNotKnow() throws Exception {
    DeviceProvider provider = provider();
    Leaks before = null;
    for (int i = 0; i < 10; i++) {
      if (i == 5) before = Leaks.now();
      try (TestGuest guest = new TestGuest(provider, argument())) {
        converse(guest, 0);
        Optional<DeviceState> state = guest.park();
        if (state.isPresent()) {
          DeviceState newer = new DeviceState(state.get().version() + 1000, state.get().values(), state.get().descriptors());
          refusesToResume(guest, newer, "state of version " + newer.version());
          // Another maker's device may call itself the same and leave something else.
          refusesToResume(guest, new DeviceState(state.get().version(), Map.of("nobody's", "business")), "a state that lacks everything");
        }
        guest.resume(state);
        converse(guest, 1);
      }
    }
    before.assertNothingNew("after a state was refused");
  }

  private static void refusesToResume(TestGuest guest, DeviceState state, String what) {
    assertOneLine(assertThrows(DeviceException.class, () -> guest.resume(Optional.of(state)), () -> "open() must refuse " + what + " with a DeviceException"));
  }

  private static void refuses(DeviceProvider provider, String argument, Optional<DeviceState> state, String what) {
    try (FakeContext machine = new FakeContext()) {
      assertOneLine(assertThrows(DeviceException.class, () -> provider.open(new DeviceConfig(argument, state), machine).close(), () -> "open() must refuse " + what));
      assertEquals(List.of(), machine.watched(), () -> "descriptors left watched when " + what + " was refused");
    }
  }

  private static void assertOneLine(DeviceException refusal) {
    String message = refusal.getMessage();
    assertTrue(message != null && !message.isBlank() && message.lines().count() == 1, () -> "a refusal is one line for the user, and this is not: " + message);
  }

  @Test void standsEveryMalformedRequest() throws Exception {
    DeviceProvider provider = provider();
    int[][] shapes = {{}, {1}, {3, 1, 4, 1, 5}, {4096}, {65535}, repeat(1, 16), repeat(65535, 16)};
    int[][] loans = {null, {1}, repeat(4096, 16)};
    TestGuest guest = new TestGuest(provider, argument());
    try {
      for (int fill = 0; fill < 10; fill++)
        for (int channel : channels(guest.machine().channels()))
          for (int[] shape : shapes)
            for (int[] loan : loans) {
              String which = "page fill %d, channel %d, parts %s, lent %s, seed %d".formatted(fill, channel, Arrays.toString(shape), Arrays.toString(loan), SEED);
              try {
                Random random = new Random(SEED + fill);
                for (int page = 0; page < guest.machine().pages(); page++) fill(guest.page(page), fill, random);
                if (loan != null) guest.lend(channel, loan);
                // What it does not complete it may hold, but not for ever: close() must come through.
                if (!guest.trySend(A_WHILE, channel, parts(shape, random))) guest = anotherThan(guest, provider);
              } catch (TestGuest.Ended e) {
                assertFalse(e.getMessage() == null || e.getMessage().isBlank(), () -> "the guest was ended without a reason: " + which);
                guest = anotherThan(guest, provider);
              } catch (AssertionError e) {
                throw new AssertionError(which + ": " + e.getMessage(), e);
              }
            }
    } finally {
      guest.close();
    }
    try (TestGuest decent = new TestGuest(provider, argument())) { converse(decent, 0); }
  }

  private TestGuest anotherThan(TestGuest guest, DeviceProvider provider) throws Exception {
    guest.close();
    return new TestGuest(provider, argument());
  }

  private static int[] repeat(int size, int times) {
    int[] sizes = new int[times];
    Arrays.fill(sizes, size);
    return sizes;
  }

  private static Set<Integer> channels(int count) {
    Set<Integer> some = new LinkedHashSet<>();
    for (int channel = 0; channel < Math.min(count, 3); channel++) some.add(channel);
    some.add(count - 1);
    return some;
  }

  private static void fill(MemorySegment page, int how, Random random) {
    byte[] bytes = new byte[(int) page.byteSize()];
    switch (how) {
      case 0 -> {}
      case 1 -> Arrays.fill(bytes, (byte) 0xFF);
      case 2 -> Arrays.fill(bytes, (byte) 1);
      default -> random.nextBytes(bytes);
    }
    page.copyFrom(MemorySegment.ofArray(bytes));
  }

  private static byte[][] parts(int[] shape, Random random) {
    byte[][] parts = new byte[shape.length][];
    for (int i = 0; i < shape.length; i++) random.nextBytes(parts[i] = new byte[shape[i]]);
    return parts;
  }

  @Test void waitsForSlowBuffersAndDoesWithoutAbsentOnes() throws Exception {
    try (TestGuest absent = new TestGuest(provider(), argument())) {
      for (int i = 0; i < 20; i++) {
        absent.askForService();
        absent.idle(Duration.ofMillis(1));
      }
    }
    try (TestGuest slow = new TestGuest(provider(), argument())) {
      slow.lendLate(LATE);
      if (withoutBuffer().isPresent()) {
        String reason = withoutBuffer().get();
        assertEquals(reason, assertThrows(TestGuest.Ended.class, () -> converse(slow, 0), "the device should have ended a guest that lends no buffer").getMessage());
        return;
      }
      for (int number = 0; number < 20; number++) converse(slow, number);
      slow.exchange();
      converse(slow, 20);
    }
  }

  @Test void closesWithEverythingUnderWay() throws Exception {
    DeviceProvider provider = provider();
    Leaks before = null;
    for (int i = 0; i < 20; i++) {
      if (i == 10) before = Leaks.now();
      TestGuest guest = new TestGuest(provider, argument());
      Thread program = Thread.ofPlatform().name("guest program").start(() -> {
        try {
          for (int number = 0;; number++) converse(guest, number);
        } catch (Throwable e) {
          // The device is gone from under it, as it must be.
        }
      });
      Thread.sleep(2);
      // A guest that is stopped stops between two calls; then its device is closed, whatever it is at.
      guest.end("the test stops it");
      program.join();
      guest.close();
    }
    before.assertNothingNew("after devices were closed with requests under way");
  }

  @Test void leavesNoClassLoaderBehind() throws Exception {
    WeakReference<ClassLoader> loader = useInALoaderOfItsOwn();
    for (long end = System.nanoTime() + COLLECTION.toNanos(); loader.get() != null; Thread.sleep(20)) {
      clearSoftReferences();
      if (System.nanoTime() > end)
        throw new AssertionError("the provider's class loader is still held " + COLLECTION.toSeconds() + " s after its device was closed: by a thread, a thread's local, a hook, a"
            + " cleaner, a native registration; in the platform every update of the bundle would leave one behind");
    }
  }

  /**
   * The JDK holds on to what it has once computed by soft references, which would let go only when memory is short. So we ask for more than there is, which the JVM refuses, but not before it
   * has let go.
   */
  private static void clearSoftReferences() {
    System.gc();
    long longs = Runtime.getRuntime().maxMemory() / Long.BYTES + 1;
    if (longs > Integer.MAX_VALUE - 8) return;
    try {
      long[] tooMuch = new long[(int) longs];
      java.lang.ref.Reference.reachabilityFence(tooMuch);
    } catch (OutOfMemoryError e) {
      // As it should be.
    }
  }

  private WeakReference<ClassLoader> useInALoaderOfItsOwn() throws Exception {
    ProviderLoader loader = new ProviderLoader(provider().getClass());
    try {
      DeviceProvider provider = loader.provider();
      try (TestGuest guest = new TestGuest(provider, argument())) {
        converse(guest, 0);
        guest.exchange();
        converse(guest, 1);
      }
      return new WeakReference<>(loader);
    } finally {
      loader.close();
    }
  }
}
