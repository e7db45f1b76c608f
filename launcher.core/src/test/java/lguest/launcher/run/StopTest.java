package lguest.launcher.run;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.concurrent.CountDownLatch;
import java.util.stream.Stream;
import lguest.host.Host;
import lguest.launcher.DeviceSlot;
import lguest.launcher.Guest;
import lguest.launcher.GuestEnd;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;

/** A guest can be stopped whatever it does, and leaves nothing. */
@Timeout(60)
class StopTest {
  private static final long DMA = 0x2000, DATA = 0x3000;
  private static final GuestEnd STOPPED = new GuestEnd(GuestEnd.Kind.STOPPED, "stopped", 1);

  private final GuestFixture fixture = new GuestFixture();
  private final TestDevice device = new TestDevice("test");

  @AfterEach void close() throws Exception { fixture.close(); }

  private Guest started() throws Exception {
    fixture.add(device);
    Guest guest = fixture.create("test");
    guest.start();
    return guest;
  }

  private void stops(Guest guest) throws Exception {
    guest.stop();
    assertEquals(Guest.State.ENDED, guest.state());
    assertEquals(STOPPED, guest.await());
    assertTrue(fixture.host().closed);
    assertEquals(DeviceSlot.State.GONE, guest.slots().get(0).state());
    guest.stop();
    guest.close();
    assertEquals(0, fixture.launcher.guests().size());
    assertThrows(IllegalStateException.class, guest::start);
    leavesNothing(guest.name());
  }

  private void leavesNothing(String name) throws IOException {
    assertEquals(0, Thread.getAllStackTraces().keySet().stream().filter(thread -> thread.getName().startsWith(name)).count(), "threads");
    try (Stream<String> maps = Files.lines(Path.of("/proc/self/maps"))) {
      assertFalse(maps.anyMatch(line -> line.contains(fixture.image.toString())), "mapped files");
    }
  }

  @Test void beforeItIsStarted() throws Exception {
    fixture.add(device);
    stops(fixture.create("test"));
    assertTrue(device.events.contains("close"));
  }

  @Test void whileItIsHalted() throws Exception {
    Guest guest = started();
    GuestFixture.await("the halt", () -> fixture.host().runs > 0);
    stops(guest);
  }

  @Test void whileItLoops() throws Exception {
    fixture.add(device);
    Guest guest = fixture.create("test");
    class Loop {
      void next() {
        fixture.host().step(() -> {
          next();
          return new Host.Outcome.Dma(DMA, 0x7777_7770L);
        });
      }
    }
    new Loop().next();
    guest.start();
    GuestFixture.await("its loop", () -> fixture.host().runs > 100);
    stops(guest);
  }

  @Test void whileARequestIsNotCompleted() throws Exception {
    device.onRequest = (request, context) -> {};
    Guest guest = started();
    fixture.host().send(DMA, 0, DATA, 1);
    GuestFixture.await("the request", () -> device.events.size() > 1);
    stops(guest);
  }

  @Test void whileItsDeviceBlocks() throws Exception {
    device.onRequest = (request, context) -> new CountDownLatch(1).await();
    Guest guest = started();
    fixture.host().send(DMA, 0, DATA, 1);
    GuestFixture.await("the request", () -> device.events.size() > 1);
    stops(guest);
    assertFalse(device.events.contains("drain"));
    assertFalse(fixture.log.stream().anyMatch(line -> line.startsWith("ERROR")), "a device that is interrupted is not at fault: " + fixture.log);
  }

  @Test void whileItsDeviceBlocksInThreadsOfItsOwn() throws Exception {
    CountDownLatch interrupted = new CountDownLatch(1);
    device.onRequest = (request, context) -> context.executor().execute(() -> {
      try {
        new CountDownLatch(1).await();
      } catch (InterruptedException e) {
        interrupted.countDown();
      }
    });
    Guest guest = started();
    fixture.host().send(DMA, 0, DATA, 1);
    GuestFixture.await("the request", () -> device.events.size() > 1);
    guest.stop();
    interrupted.await();
    GuestFixture.await("no threads left", () -> Thread.getAllStackTraces().keySet().stream().noneMatch(thread -> thread.getName().startsWith(guest.name())));
    stops(guest);
  }

  @Test void whileItsSlotIsParked() throws Exception {
    Guest guest = started();
    fixture.remove(device);
    fixture.host().send(DMA, 0, DATA, 1);
    fixture.host().step(() -> { throw new AssertionError("the guest must not run on"); });
    GuestFixture.await("the parked slot", () -> guest.slots().get(0).state() == DeviceSlot.State.PARKED);
    stops(guest);
  }

  @Test void evenWhenItsDeviceDoesNotClose() throws Exception {
    CountDownLatch never = new CountDownLatch(1);
    device.onClose = (nothing, context) -> {
      while (never.getCount() > 0) {
        try {
          never.await();
        } catch (InterruptedException e) {
          // As a broken device would.
        }
      }
    };
    Guest guest = started();
    guest.stop();
    assertEquals(STOPPED, guest.await());
    assertTrue(fixture.log.stream().anyMatch(line -> line.contains("device 'test' in slot 0 did not close within")), fixture.log.toString());
    never.countDown();
  }

  @Test void endsByItselfOnlyWhenItsDevicesWorkIsDone() throws Exception {
    CountDownLatch slow = new CountDownLatch(1), done = new CountDownLatch(1);
    device.onClose = (nothing, context) -> done.await();
    Guest guest = started();
    device.context().executor().execute(() -> {
      try {
        slow.await();
      } catch (InterruptedException e) {
        Thread.currentThread().interrupt();
      }
      done.countDown();
    });
    fixture.host().die("CRASH: Power down");
    GuestFixture.await("a line about it", () -> fixture.log.stream().anyMatch(line -> line.contains("device 'test' in slot 0 has not finished its work after 1 s; the guest's end waits for it")));
    Thread.sleep(1500);
    assertTrue(guest.end().isEmpty(), "what it wrote is not on the medium yet");
    slow.countDown();
    assertEquals(GuestEnd.Kind.POWER_OFF, guest.await().kind());
    assertFalse(fixture.log.stream().anyMatch(line -> line.contains("left behind")), fixture.log.toString());
  }

  @Test void doesNotWaitForWorkWhenItIsStopped() throws Exception {
    CountDownLatch never = new CountDownLatch(1);
    device.onClose = (nothing, context) -> never.await();
    Guest guest = started();
    device.context().executor().execute(() -> {
      try {
        never.await();
      } catch (InterruptedException e) {
        Thread.currentThread().interrupt();
      }
    });
    fixture.host().die("CRASH: Power down");
    GuestFixture.await("its end to be waited for", () -> fixture.log.stream().anyMatch(line -> line.contains("the guest's end waits")));
    guest.stop();
    assertEquals(GuestEnd.Kind.POWER_OFF, guest.await().kind());
    assertTrue(fixture.log.stream().anyMatch(line -> line.contains("did not close within")), fixture.log.toString());
  }

  @Test void evenWhenItsDeviceNeverReturns() throws Exception {
    CountDownLatch never = new CountDownLatch(1);
    device.onRequest = (request, context) -> {
      while (never.getCount() > 0) Thread.onSpinWait();
      Thread.interrupted();
    };
    Guest guest = started();
    fixture.host().send(DMA, 0, DATA, 1);
    GuestFixture.await("the request", () -> device.events.size() > 1);
    guest.stop();
    assertEquals(STOPPED, guest.await());
    assertEquals(Guest.State.ENDED, guest.state());
    assertTrue(fixture.log.stream().anyMatch(line -> line.contains("does not come back")), fixture.log.toString());
    never.countDown();
    GuestFixture.await("the Host closed after all", () -> fixture.host().closed);
  }

  @Test void afterItHasEndedNothingHappens() throws Exception {
    Guest guest = started();
    fixture.host().die("CRASH: Power down");
    GuestEnd end = guest.await();
    guest.stop();
    assertEquals(end, guest.await());
    assertEquals(guest.uptime(), guest.uptime());
    guest.close();
    leavesNothing(guest.name());
  }

  @Test void aHundredGuestsLeaveNoDescriptorBehind() throws Exception {
    fixture.add(device);
    fixture.create("test").close();
    long before = descriptors();
    for (int i = 0; i < 100; i++) {
      Guest guest = fixture.create("test");
      if (i % 2 == 0) guest.start();
      guest.close();
    }
    assertEquals(before, descriptors());
    leavesNothing("guest");
  }

  private static long descriptors() throws IOException {
    try (Stream<Path> all = Files.list(Path.of("/proc/self/fd"))) {
      return all.count();
    }
  }
}
