package lguest.launcher.run;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.concurrent.atomic.AtomicReference;
import lguest.device.DeviceException;
import lguest.device.DeviceState;
import lguest.device.Request;
import lguest.launcher.DeviceSlot;
import lguest.launcher.Guest;
import lguest.launcher.GuestEnd;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;

/** Devices come and go under a running guest, which sees a slow device and nothing else. */
@Timeout(60)
class ExchangeTest {
  private static final long DMA = 0x2000, DATA = 0x3000, BUFFER = 0x4000;

  private final GuestFixture fixture = new GuestFixture();
  private final TestDevice one = new TestDevice("test"), two = new TestDevice("test");
  private Guest guest;

  @AfterEach void close() throws Exception { fixture.close(); }

  private DeviceSlot slot() { return guest.slots().get(0); }

  private void start() throws Exception {
    fixture.add(one);
    guest = fixture.create("test");
    guest.start();
  }

  private void awaitState(DeviceSlot.State state) { GuestFixture.await(state + ", not " + slot().state() + slot().reason(), () -> slot().state() == state); }

  private GuestEnd powerOff() throws Exception {
    fixture.host().die("CRASH: Power down");
    return guest.await();
  }

  @Test void aProviderThatLeavesIsDrainedAndClosedBeforeItIsGone() throws Exception {
    one.state = Optional.of(new DeviceState(1, Map.of("position", 7L)));
    start();
    fixture.remove(one);
    assertEquals(List.of("open argument", "drain", "close"), one.events);
    awaitState(DeviceSlot.State.PARKED);
    GuestFixture.await("a reason", () -> slot().reason().equals(Optional.of("there is no provider of type 'test'; requests wait for one")));
    fixture.add(two);
    awaitState(DeviceSlot.State.ACTIVE);
    assertEquals(Optional.empty(), slot().reason());
    assertEquals("open argument {position=7}", two.events.get(0));
    fixture.host().send(DMA, 0, DATA, 1);
    assertEquals(0, powerOff().status());
    assertTrue(two.events.contains("request 0 \0"));
    assertEquals(3, one.events.size());
  }

  @Test void requestsWaitForTheNextProviderAndTheGuestWithThem() throws Exception {
    start();
    fixture.remove(one);
    fixture.write(DATA, "wait");
    AtomicInteger used = new AtomicInteger(-1);
    fixture.host().send(DMA, 0, DATA, 4);
    fixture.host().step(() -> {
      used.set(fixture.host().usedLength(DMA));
      return null;
    });
    long runs = fixture.host().runs;
    awaitState(DeviceSlot.State.PARKED);
    assertTrue(fixture.host().runs <= runs + 1);
    assertEquals(-1, used.get());
    fixture.add(two);
    assertEquals(0, powerOff().status());
    assertEquals(4, used.get());
    assertTrue(two.events.contains("request 0 wait"));
  }

  @Test void aBetterProviderTakesOverAndTheOldOneReturnsWhenItLeaves() throws Exception {
    start();
    fixture.add(two, -1);
    fixture.remove(two);
    assertEquals(List.of(), two.events, "a worse one is not asked");
    fixture.add(two, 10);
    GuestFixture.await("the better one", () -> two.events.contains("open argument"));
    awaitState(DeviceSlot.State.ACTIVE);
    assertEquals(List.of("open argument", "drain", "close"), one.events);
    fixture.remove(two);
    GuestFixture.await("the old one", () -> one.events.size() > 3);
    assertEquals("open argument", one.events.get(3));
    assertEquals("close", two.events.get(two.events.size() - 1));
  }

  @Test void aRequestNotFinishedGoesToTheNextDeviceInOrder() throws Exception {
    CountDownLatch given = new CountDownLatch(2);
    AtomicReference<Request> late = new AtomicReference<>();
    one.onRequest = (request, context) -> {
      late.set(request);
      if (given.getCount() == 2) request.defer();
      given.countDown();
    };
    start();
    fixture.write(DATA, "ab");
    fixture.host().send(DMA, 0, DATA, 1);
    fixture.host().send(DMA + 0x100, 0, DATA + 1, 1);
    given.await();
    fixture.remove(one);
    assertThrows(IllegalStateException.class, () -> late.get().complete(1), "it is not the old device's any more");
    assertThrows(IllegalStateException.class, () -> late.get().parts().get(0).set(ValueLayout.JAVA_BYTE, 0, (byte) 0), "nor is the memory");
    fixture.add(two);
    assertEquals(0, powerOff().status());
    assertEquals(List.of("request 0 a", "request 0 b"), two.events.stream().filter(event -> event.startsWith("request")).toList());
    assertEquals(List.of("request 0 a", "request 0 b"), one.events.stream().filter(event -> event.startsWith("request")).toList());
  }

  @Test void aRequestFinishedWhileDrainingIsNotRepeated() throws Exception {
    AtomicReference<Request> held = new AtomicReference<>();
    one.onRequest = (request, context) -> held.set(request);
    one.onDrain = (nothing, context) -> held.get().complete(1);
    start();
    fixture.host().send(DMA, 0, DATA, 1);
    GuestFixture.await("the request", () -> held.get() != null);
    fixture.remove(one);
    fixture.add(two);
    assertEquals(0, powerOff().status());
    assertEquals(List.of(), two.events.stream().filter(event -> event.startsWith("request")).toList());
  }

  @Test void aBufferTheOldDeviceHeldIsOfferedToTheNext() throws Exception {
    AtomicReference<Request> held = new AtomicReference<>();
    one.onService = (nothing, context) -> context.offered(0).ifPresent(held::set);
    two.onService = (nothing, context) -> context.offered(0).ifPresent(buffer -> {
      buffer.parts().get(0).copyFrom(MemorySegment.ofArray("in".getBytes()));
      buffer.complete(2);
    });
    start();
    fixture.host().bind(0, DMA, 1, BUFFER, 8);
    one.context().wake();
    GuestFixture.await("the buffer", () -> held.get() != null);
    fixture.remove(one);
    fixture.add(two);
    GuestFixture.await("the interrupt", () -> !fixture.host().interrupts.isEmpty());
    assertEquals("in\0", fixture.read(BUFFER, 3));
    assertEquals(2, fixture.host().usedLength(DMA));
    assertThrows(IllegalStateException.class, () -> held.get().complete(2));
  }

  @Test void aDeviceThatThrowsIsNamedAndParkedAndItsRequestWaits() throws Exception {
    one.onRequest = (request, context) -> { throw new IllegalStateException("a bug"); };
    start();
    fixture.host().send(DMA, 0, DATA, 1);
    awaitState(DeviceSlot.State.PARKED);
    assertEquals("device 'test' in slot 0 failed: java.lang.IllegalStateException: a bug; its requests wait for another version of it", slot().reason().get());
    assertTrue(fixture.log.stream().anyMatch(line -> line.startsWith("ERROR device 'test' in slot 0 failed") && line.endsWith("java.lang.IllegalStateException: a bug")), fixture.log.toString());
    assertEquals("close", one.events.get(one.events.size() - 1));
    assertEquals(1, one.contexts.size(), "it is not tried again");
    fixture.add(two, 1);
    assertEquals(0, powerOff().status());
    assertTrue(two.events.contains("request 0 \0"));
  }

  @Test void aDeviceThatThrowsInServiceOrAThreadOfItsOwnIsParkedToo() throws Exception {
    one.onService = (nothing, context) -> { throw new NoSuchMethodError("an old version"); };
    start();
    one.context().wake();
    awaitState(DeviceSlot.State.PARKED);
    two.onRequest = (request, context) -> context.executor().execute(() -> { throw new IllegalArgumentException("elsewhere"); });
    fixture.add(two, 1);
    awaitState(DeviceSlot.State.ACTIVE);
    fixture.host().send(DMA, 0, DATA, 1);
    awaitState(DeviceSlot.State.PARKED);
    assertTrue(slot().reason().get().contains("elsewhere"));
    // The same bundle, updated.
    fixture.remove(two);
    two.onRequest = (request, context) -> request.complete(1);
    fixture.add(two, 1);
    assertEquals(0, powerOff().status());
  }

  @Test void aProviderThatFailsToOpenLeavesTheReason() throws Exception {
    one.state = Optional.of(new DeviceState(1, Map.of("kept", true)));
    start();
    two.onOpen = (config, context) -> { throw new DeviceException("disk.img is in use; close the other guest"); };
    fixture.add(two, 5);
    awaitState(DeviceSlot.State.PARKED);
    GuestFixture.await("the reason", () -> slot().reason().get().contains("could not be opened: disk.img is in use"));
    two.onOpen = (config, context) -> { throw new NullPointerException("a bug"); };
    fixture.remove(two);
    GuestFixture.await("the other again", () -> slot().state() == DeviceSlot.State.ACTIVE);
    fixture.add(two, 5);
    GuestFixture.await("the reason", () -> slot().reason().filter(reason -> reason.contains("NullPointerException")).isPresent());
    TestDevice three = new TestDevice("test");
    fixture.add(three, 6);
    awaitState(DeviceSlot.State.ACTIVE);
    assertEquals("open argument {kept=true}", three.events.get(0), "the state waits as well");
  }

  @Test void aProviderThatLeavesWhileItsDeviceIsBeingOpenedIsWaitedFor() throws Exception {
    start();
    fixture.remove(one);
    CountDownLatch opening = new CountDownLatch(1), go = new CountDownLatch(1);
    two.onOpen = (config, context) -> {
      opening.countDown();
      go.await();
      context.describe(7, 0, 0);
    };
    fixture.add(two);
    opening.await();
    Thread leaving = Thread.startVirtualThread(() -> fixture.remove(two));
    leaving.join(java.time.Duration.ofMillis(100));
    assertTrue(leaving.isAlive(), "OSGi would tear the bundle down under it");
    go.countDown();
    leaving.join();
    assertEquals("close", two.events.get(two.events.size() - 1));
    awaitState(DeviceSlot.State.PARKED);
  }

  @Test void aProviderThatIsTornDownWhileItsDeviceIsOpenedIsNoFault() throws Exception {
    start();
    CountDownLatch opening = new CountDownLatch(1), go = new CountDownLatch(1);
    two.onOpen = (config, context) -> {
      opening.countDown();
      go.await();
      throw new NoClassDefFoundError("torn down");
    };
    fixture.add(two, 5);
    opening.await();
    Thread leaving = Thread.startVirtualThread(() -> fixture.remove(two));
    GuestFixture.await("the wish", () -> leaving.getState() == Thread.State.TIMED_WAITING);
    go.countDown();
    leaving.join();
    GuestFixture.await("the first again", () -> slot().state() == DeviceSlot.State.ACTIVE && one.contexts.size() == 2);
    assertEquals(List.of(), fixture.log.stream().filter(line -> line.startsWith("ERROR") || line.startsWith("WARNING")).toList());
  }

  @Test void aNewVersionThatDescribesAnotherDeviceIsRefused() throws Exception {
    start();
    two.onOpen = (config, context) -> context.describe(7, 1, 0);
    fixture.add(two, 5);
    GuestFixture.await("the reason", () -> slot().reason().filter(reason -> reason.contains("the guest has already read")).isPresent());
  }

  @Test void aDeviceThatDoesNotDrainIsLeftBehindInBoundedTime() throws Exception {
    CountDownLatch never = new CountDownLatch(1);
    one.onDrain = (nothing, context) -> { while (never.getCount() > 0) Thread.onSpinWait(); };
    start();
    fixture.remove(one);
    fixture.add(two);
    awaitState(DeviceSlot.State.ACTIVE);
    assertTrue(fixture.log.stream().anyMatch(line -> line.contains("did not drain within 1000 ms")), fixture.log.toString());
    assertEquals("open argument", two.events.get(0));
    never.countDown();
  }

  @Test void aDeviceThatBlocksTheGuestsThreadIsInterruptedToLeave() throws Exception {
    one.onRequest = (request, context) -> new CountDownLatch(1).await();
    start();
    fixture.host().send(DMA, 0, DATA, 1);
    GuestFixture.await("the request", () -> one.events.size() > 1);
    fixture.remove(one);
    fixture.add(two);
    assertEquals(0, powerOff().status());
    assertTrue(two.events.contains("request 0 \0"));
  }

  @Test void countersAndPagesBelongToTheSlot() throws Exception {
    one.pages = two.pages = 1;
    AtomicReference<MemorySegment> old = new AtomicReference<>();
    one.onRequest = (request, context) -> {
      context.counter("requests").increment();
      old.set(context.page(0));
      context.page(0).set(ValueLayout.JAVA_INT, 0, 0x1234);
      request.complete(0);
    };
    two.onRequest = (request, context) -> {
      context.counter("requests").increment();
      assertEquals(0x1234, context.page(0).get(ValueLayout.JAVA_INT, 0));
      request.complete(0);
    };
    start();
    long page = GuestFixture.RAM + 4096;
    fixture.host().send(DMA, page, DATA, 1);
    GuestFixture.await("the first", () -> slot().counters().equals(Map.of("requests", 1L)));
    fixture.remove(one);
    assertThrows(IllegalStateException.class, () -> old.get().get(ValueLayout.JAVA_INT, 0));
    fixture.add(two);
    fixture.host().send(DMA, page, DATA, 1);
    assertEquals(0, powerOff().status());
    assertEquals(Map.of("requests", 2L), slot().counters());
  }

  @Test void manyExchangesUnderLoadLoseAndRepeatNothing() throws Exception {
    List<String> served = new java.util.concurrent.CopyOnWriteArrayList<>();
    for (TestDevice device : List.of(one, two)) device.onRequest = (request, context) -> {
      String text = TestDevice.text(request);
      if (Integer.parseInt(text) % 3 == 0) {
        request.complete(4);
        served.add(text);
      } else context.executor().execute(() -> {
        try {
          request.complete(4);
          served.add(text);
        } catch (IllegalStateException taken) {
          // The next device has it.
        }
      });
    };
    start();
    int count = 3000;
    AtomicInteger sent = new AtomicInteger(1000);
    class Sender {
      void next() {
        fixture.host().step(() -> {
          if (sent.get() > 1000) assertEquals(4, fixture.host().usedLength(DMA));
          if (sent.incrementAndGet() > 1000 + count) return new lguest.host.Host.Outcome.Dead("CRASH: Power down");
          fixture.host().dma(DMA, DATA, 4);
          fixture.write(DATA, Integer.toString(sent.get()));
          next();
          return new lguest.host.Host.Outcome.Dma(DMA, 0);
        });
      }
    }
    new Sender().next();
    int exchanges = 0;
    for (TestDevice here = one, next = two; guest.state() != Guest.State.ENDED; exchanges++) {
      // Now with a gap between them, now with the next there first.
      if (exchanges % 2 == 0) fixture.add(next);
      fixture.remove(here);
      if (exchanges % 2 == 1) fixture.add(next);
      GuestFixture.await("the next device", () -> slot().state() == DeviceSlot.State.ACTIVE || guest.state() == Guest.State.ENDED);
      TestDevice swap = here;
      here = next;
      next = swap;
    }
    assertEquals(new GuestEnd(GuestEnd.Kind.POWER_OFF, "Power down", 0), guest.await(), fixture.log.toString());
    assertTrue(exchanges > 1);
    GuestFixture.await("every request once, not " + served.size(), () -> served.size() == count);
    assertEquals(java.util.stream.IntStream.rangeClosed(1001, 1000 + count).mapToObj(Integer::toString).toList(), served.stream().sorted().toList(), exchanges + " exchanges");
  }
}
