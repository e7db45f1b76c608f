package lguest.device.testkit;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.io.FileInputStream;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.TreeMap;
import lguest.device.Device;
import lguest.device.DeviceConfig;
import lguest.device.DeviceContext;
import lguest.device.DeviceException;
import lguest.device.DeviceProvider;
import lguest.device.DeviceState;
import lguest.device.Request;
import org.junit.jupiter.api.Test;
import org.junit.platform.engine.TestExecutionResult;
import org.junit.platform.engine.discovery.DiscoverySelectors;
import org.junit.platform.launcher.LauncherDiscoveryRequest;
import org.junit.platform.launcher.TestExecutionListener;
import org.junit.platform.launcher.TestIdentifier;
import org.junit.platform.launcher.core.LauncherDiscoveryRequestBuilder;
import org.junit.platform.launcher.core.LauncherFactory;

/** A test kit is worth what it finds: a decent device passes, and each flaw is found by the test meant for it, with words that help. */
class DeviceTestKitTest {
  /** The tests of a kit class, or one of them, run on their own: names and why each failed, empty if it did not. */
  private static Map<String, String> run(Class<?> kit, String method) {
    Map<String, String> outcomes = new TreeMap<>();
    LauncherDiscoveryRequest request = LauncherDiscoveryRequestBuilder.request()
        .selectors(method == null ? DiscoverySelectors.selectClass(kit) : DiscoverySelectors.selectMethod(kit, method)).build();
    LauncherFactory.create().execute(request, new TestExecutionListener() {
      @Override public void executionFinished(TestIdentifier test, TestExecutionResult result) {
        if (test.isTest()) outcomes.put(test.getDisplayName(), result.getThrowable().map(Throwable::toString).orElse(""));
      }
    });
    return outcomes;
  }

  private static void assertFinds(Class<?> kit, String method, String words) {
    Map<String, String> outcomes = run(kit, method);
    assertEquals(1, outcomes.size());
    outcomes.values().forEach(why -> assertTrue(why.contains(words), () -> "'" + words + "' is not in: " + why));
  }

  @Test void aDecentDevicePassesAll() {
    Map<String, String> outcomes = run(Echo.Kit.class, null);
    assertTrue(outcomes.size() >= 9, outcomes::toString);
    outcomes.forEach((test, why) -> assertEquals("", why, test));
  }

  static final class LeavesAThread extends Echo.Kit {
    @Override protected DeviceProvider provider() { return new Provider(); }

    static final class Provider extends Echo {
      @Override EchoDevice device(DeviceContext context, long count, byte[] unsent) throws DeviceException {
        Thread.ofPlatform().daemon().name("left over").start(() -> {
          try {
            Thread.sleep(30_000);
          } catch (InterruptedException e) {
            // The end.
          }
        });
        return super.device(context, count, unsent);
      }
    }
  }

  @Test void findsAThread() { assertFinds(LeavesAThread.class, "closesWithEverythingUnderWay", "thread 'left over'"); }

  static final class LeavesADescriptor extends Echo.Kit {
    @Override protected DeviceProvider provider() { return new Provider(); }

    static final class Provider extends Echo {
      static final List<FileInputStream> OPEN = new ArrayList<>();

      @Override EchoDevice device(DeviceContext context, long count, byte[] unsent) throws DeviceException {
        try {
          OPEN.add(new FileInputStream("/dev/null"));
        } catch (java.io.IOException e) {
          throw new DeviceException(e.getMessage());
        }
        return super.device(context, count, unsent);
      }
    }
  }

  @Test void findsADescriptor() {
    org.junit.jupiter.api.Assumptions.assumeTrue(java.nio.file.Files.isDirectory(java.nio.file.Path.of("/proc/self/fd")), "needs /proc");
    assertFinds(LeavesADescriptor.class, "leavesItsStateAsPlainData", "on /dev/null");
  }

  static final class LeavesItsClasses extends Echo.Kit {
    @Override protected DeviceProvider provider() { return new Provider(); }

    static final class Provider extends Echo {
      @Override EchoDevice device(DeviceContext context, long count, byte[] unsent) throws DeviceException {
        // Removed again by nobody: what holds a loader most often.
        Runtime.getRuntime().addShutdownHook(new Thread(() -> count(), "hook"));
        return super.device(context, count, unsent);
      }

      private static void count() {}
    }
  }

  @Test void findsAClassLoader() { assertFinds(LeavesItsClasses.class, "leavesNoClassLoaderBehind", "class loader is still held"); }

  static final class Forgets extends Echo.Kit {
    @Override protected DeviceProvider provider() { return new Provider(); }

    static final class Provider extends Echo {
      @Override EchoDevice device(DeviceContext context, long count, byte[] unsent) {
        return new EchoDevice(context, count, unsent) {
          @Override public Optional<DeviceState> drain() { return Optional.empty(); }
        };
      }
    }
  }

  @Test void findsWhatIsLostInAnExchange() {
    assertFinds(Forgets.class, "isExchangedUnderLoadAndLosesNothing", "noticed that the device was exchanged: the count goes on");
    assertFinds(Forgets.class, "leavesItsStateAsPlainData", "the count goes on");
  }

  static final class TakesAnything extends Echo.Kit {
    @Override protected DeviceProvider provider() { return new Provider(); }

    static final class Provider extends Echo {
      @Override public Device open(DeviceConfig config, DeviceContext context) throws DeviceException {
        context.describe(77, 0, 1);
        return new EchoDevice(context, config.state().map(state -> (Long) state.values().get("count")).orElse(0L), null);
      }
    }
  }

  @Test void findsThatAStateOrAnArgumentIsNotLookedAt() {
    assertFinds(TakesAnything.class, "refusesTheStateOfAVersionItDoesNotKnow", "must refuse state of version 1001");
    assertFinds(TakesAnything.class, "refusesWrongArgumentsAndLeavesNothing", "must refuse the argument 'nonsense'");
  }

  /** Trips over a request of no bytes. */
  static final class Trips extends Echo.Kit {
    @Override protected DeviceProvider provider() { return new Provider(); }

    static final class Provider extends Echo {
      @Override EchoDevice device(DeviceContext context, long count, byte[] unsent) {
        return new EchoDevice(context, count, unsent) {
          @Override public void request(Request request) throws Exception {
            request.parts().getFirst();
            super.request(request);
          }
        };
      }
    }
  }

  @Test void findsWhatTripsOverAnEmptyRequest() {
    assertFinds(Trips.class, "standsEveryMalformedRequest", "page fill 0, channel 0, parts [], lent null");
    assertFinds(Trips.class, "standsEveryMalformedRequest", "NoSuchElementException");
  }

  /** Takes a buffer that is not there for one that is. */
  static final class Impatient extends Echo.Kit {
    @Override protected DeviceProvider provider() { return new Provider(); }

    static final class Provider extends Echo {
      @Override EchoDevice device(DeviceContext context, long count, byte[] unsent) {
        return new EchoDevice(context, count, unsent) {
          @Override public void service() {
            if (unsent == null) return;
            answer(context.offered(0).orElseThrow());
            unsent = null;
          }
        };
      }
    }
  }

  @Test void findsImpatience() { assertFinds(Impatient.class, "waitsForSlowBuffersAndDoesWithoutAbsentOnes", "No value present"); }

  /** Completes from a thread of its own, also when it has been drained. */
  static final class Late extends Echo.Kit {
    @Override protected DeviceProvider provider() { return new Provider(); }

    static final class Provider extends Echo {
      @Override EchoDevice device(DeviceContext context, long count, byte[] unsent) {
        return new EchoDevice(context, count, unsent) {
          @Override public void request(Request request) throws Exception {
            super.request(new Request() {
              @Override public int channel() { return request.channel(); }

              @Override public List<java.lang.foreign.MemorySegment> parts() { return request.parts(); }

              @Override public void complete(long length) { context.executor().execute(() -> soon(() -> request.complete(length))); }

              @Override public void defer() { request.defer(); }
            });
          }

          private void soon(Runnable what) {
            try {
              Thread.sleep(1);
            } catch (InterruptedException e) {
              // It is drained, and completes all the same.
            }
            what.run();
          }
        };
      }
    }
  }

  @Test void findsWhoCompletesAfterItWasDrained() { assertFinds(Late.class, "isExchangedUnderLoadAndLosesNothing", "after drain() had returned"); }

  /** Completes all twice. */
  static final class Twice extends Echo.Kit {
    @Override protected DeviceProvider provider() { return new Provider(); }

    static final class Provider extends Echo {
      @Override EchoDevice device(DeviceContext context, long count, byte[] unsent) {
        return new EchoDevice(context, count, unsent) {
          @Override public void request(Request request) throws Exception {
            super.request(request);
            request.complete(0);
          }
        };
      }
    }
  }

  @Test void findsWhoCompletesTwice() { assertFinds(Twice.class, "opensAndClosesAThousandTimes", "twice"); }
}
