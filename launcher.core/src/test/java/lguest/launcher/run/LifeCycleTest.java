package lguest.launcher.run;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.lang.foreign.ValueLayout;
import java.nio.file.FileAlreadyExistsException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Set;
import java.util.concurrent.CopyOnWriteArrayList;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.atomic.AtomicReference;
import lguest.device.DeviceException;
import lguest.device.DeviceState;
import lguest.launcher.DeviceSlot;
import lguest.launcher.Guest;
import lguest.launcher.GuestEnd;
import lguest.launcher.GuestSpec;
import lguest.launcher.LaunchException;
import lguest.launcher.ProviderInfo;
import lguest.launcher.RequestTrace;
import lguest.launcher.SlotStatistics;
import lguest.launcher.slot.Limits;
import lguest.launcher.system.TestPipe;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;

/** What people do to slots and guests, and devices that hang. */
@Timeout(60)
class LifeCycleTest {
  private static final long DMA = 0x2000, DATA = 0x3000;

  private final GuestFixture fixture = new GuestFixture();
  private final TestDevice one = new TestDevice("test"), two = new TestDevice("test");
  private final CountDownLatch ever = new CountDownLatch(1);
  private Guest guest;
  @TempDir Path folder;

  @BeforeEach void hurry() { fixture.launcher.limits(new Limits(60, 30)); }

  @AfterEach void close() throws Exception {
    ever.countDown();
    fixture.close();
  }

  private DeviceSlot slot() { return guest.slots().get(0); }

  private void start() throws Exception {
    fixture.add(one, "one", 0);
    guest = fixture.create("test");
    guest.start();
  }

  private void await(DeviceSlot.State state) { GuestFixture.await(state + ", not " + slot().state() + slot().reason(), () -> slot().state() == state); }

  private void awaitReason(String reason) { GuestFixture.await(reason + ", not " + slot().reason(), () -> slot().reason().equals(Optional.of(reason))); }

  private void powersOff() throws Exception {
    fixture.host().die("CRASH: Power down");
    assertEquals(new GuestEnd(GuestEnd.Kind.POWER_OFF, "Power down", 0), guest.await(), fixture.log.toString());
  }

  private void logged(String line) { GuestFixture.await(line + " in " + fixture.log, () -> fixture.log.contains(line)); }

  /** Without the looks whether there is input, of which there may be any number. */
  private static List<String> happened(TestDevice device) { return device.events.stream().filter(event -> !event.equals("service")).toList(); }

  /** As a device does that has never heard of interrupts. */
  private void hang() {
    while (ever.getCount() > 0) {
      try {
        ever.await();
      } catch (InterruptedException e) {
        // Never heard of it.
      }
    }
  }

  // Hanging.

  @Test void openThatHangsIsLeftBehindAndTheOldVersionCanComeBack() throws Exception {
    one.state = Optional.of(new DeviceState(1, Map.of("position", 7L)));
    start();
    two.onOpen = (config, context) -> hang();
    fixture.add(two, "two", 5);
    awaitReason("device 'test' in slot 0 could not be opened: device 'test' in slot 0 did not open within 60 ms and is left behind");
    assertTrue(fixture.log.contains("WARNING device 'test' in slot 0 could not be opened: device 'test' in slot 0 did not open within 60 ms and is left behind"), fixture.log.toString());
    fixture.remove(two);
    await(DeviceSlot.State.ACTIVE);
    assertEquals("open argument {position=7}", one.events.get(3));
    ever.countDown();
    GuestFixture.await("what was left behind closes when it comes back", () -> two.events.contains("close"));
    fixture.host().send(DMA, 0, DATA, 1);
    powersOff();
    assertEquals("request 0 \0", happened(one).get(4));
  }

  @Test void openThatHangsWhenAGuestIsMadeIsTheEndOfThatGuestOnly() throws Exception {
    one.onOpen = (config, context) -> hang();
    fixture.add(one);
    assertEquals("device 'test' in slot 0 did not open within 60 ms and is left behind", assertThrows(LaunchException.class, () -> fixture.create("test")).getMessage());
    assertEquals(List.of(), fixture.launcher.guests());
    guest = fixture.create();
    ever.countDown();
    GuestFixture.await("what was left behind closes when it comes back", () -> one.events.contains("close"));
  }

  @Test void aProviderThatHangsInOpenIsNotWaitedForWhenItLeaves() throws Exception {
    start();
    fixture.launcher.limits(new Limits(3_600_000, 30));
    CountDownLatch opening = new CountDownLatch(1);
    two.onOpen = (config, context) -> {
      opening.countDown();
      hang();
    };
    fixture.add(two, "two", 5);
    opening.await();
    fixture.remove(two);
    await(DeviceSlot.State.ACTIVE);
    assertEquals(Optional.of("one 1.0.0"), slot().provider());
  }

  @Test void drainThatHangsIsLeftBehindAndNamed() throws Exception {
    one.onDrain = (nothing, context) -> hang();
    start();
    fixture.remove(one);
    fixture.add(two);
    await(DeviceSlot.State.ACTIVE);
    logged("ERROR device 'test' in slot 0 did not drain within 30 ms and is left behind");
    assertEquals("open argument", two.events.get(0), "without its state");
  }

  @Test void closeThatHangsIsLeftBehindAndNamedAndTheStateIsThere() throws Exception {
    one.state = Optional.of(new DeviceState(1, Map.of("position", 7L)));
    one.onClose = (nothing, context) -> hang();
    start();
    fixture.remove(one);
    fixture.add(two);
    await(DeviceSlot.State.ACTIVE);
    logged("ERROR device 'test' in slot 0 did not close within 30 ms and is left behind");
    assertEquals("open argument {position=7}", two.events.get(0));
  }

  @Test void aCallThatHangsHoldsTheGuestAndIsNamed() throws Exception {
    one.onRequest = (request, context) -> hang();
    start();
    fixture.host().send(DMA, 0, DATA, 1);
    GuestFixture.await("the request", () -> one.events.size() > 1);
    fixture.remove(one);
    fixture.add(two);
    await(DeviceSlot.State.ACTIVE);
    logged("ERROR device 'test' in slot 0 does not return from a call, and holds the guest's thread; the guest stands still until it does");
    assertEquals(1, slot().requestsWaiting());
    ever.countDown();
    powersOff();
    assertTrue(two.events.contains("request 0 \0"), "by the next device then: " + two.events);
    assertEquals(1, slot().statistics().requests());
  }

  @Test void theGuestEndsWhileADeviceHangsInOpen() throws Exception {
    start();
    CountDownLatch opening = new CountDownLatch(1);
    two.onOpen = (config, context) -> {
      opening.countDown();
      hang();
    };
    fixture.launcher.limits(new Limits(3_600_000, 30));
    fixture.add(two, "two", 5);
    opening.await();
    guest.stop();
    assertEquals(DeviceSlot.State.GONE, slot().state());
    ever.countDown();
    GuestFixture.await("closed, since nobody needs it", () -> two.events.contains("close"));
  }

  // State.

  @Test void anIncompatibleStateIsRefusedAndTheOldVersionCanComeBack() throws Exception {
    one.state = Optional.of(new DeviceState(1, Map.of("position", 7L)));
    start();
    fixture.write(DATA, "x");
    fixture.remove(one);
    two.onOpen = (config, context) -> {
      if (config.state().isPresent() && config.state().get().version() != 2) throw new DeviceException("this version does not know what version " + config.state().get().version() + " has left; install that one again");
      context.describe(7, 0, 0);
    };
    fixture.add(two);
    awaitReason("device 'test' in slot 0 could not be opened: this version does not know what version 1 has left; install that one again");
    fixture.host().send(DMA, 0, DATA, 1);
    GuestFixture.await("the request", () -> slot().requestsWaiting() == 1);
    fixture.remove(two);
    fixture.add(one);
    await(DeviceSlot.State.ACTIVE);
    powersOff();
    assertEquals(List.of("open argument", "drain", "close", "open argument {position=7}", "request 0 x", "close"), happened(one));
  }

  @Test void descriptorsInAStateAreEachOnesOwn() throws Exception {
    try (TestPipe pipe = new TestPipe()) {
      int end = pipe.duplicate();
      one.state = Optional.of(new DeviceState(1, Map.of("pipe", (long) end, "other", 3L), Set.of("pipe")));
      start();
      List<Integer> given = new ArrayList<>();
      two.onOpen = (config, context) -> {
        given.add((int) (long) (Long) config.state().orElseThrow().values().get("pipe"));
        throw new DeviceException("not yet");
      };
      fixture.remove(one);
      fixture.add(two);
      awaitReason("device 'test' in slot 0 could not be opened: not yet");
      assertTrue(pipe.isOpen(end), "for the next");
      assertFalse(pipe.isOpen(given.get(0)), "a copy, closed since its open failed");
      two.onOpen = (config, context) -> {
        given.add((int) (long) (Long) config.state().orElseThrow().values().get("pipe"));
        context.describe(7, 0, 0);
      };
      slot().resume();
      await(DeviceSlot.State.ACTIVE);
      assertTrue(pipe.isOpen(given.get(1)), "the device's now");
      assertFalse(pipe.isOpen(end) && end != given.get(1), "one of them is enough");
      pipe.close(given.get(1));
    }
  }

  @Test void descriptorsAreClosedWhenTheGuestEndsWhileParked() throws Exception {
    try (TestPipe pipe = new TestPipe()) {
      int end = pipe.duplicate();
      one.state = Optional.of(new DeviceState(1, Map.of("pipe", (long) end), Set.of("pipe")));
      start();
      fixture.remove(one);
      await(DeviceSlot.State.PARKED);
      assertTrue(pipe.isOpen(end));
      guest.stop();
      assertFalse(pipe.isOpen(end));
    }
  }

  @Test void descriptorsOfADrainThatComesTooLateAreClosed() throws Exception {
    try (TestPipe pipe = new TestPipe()) {
      int end = pipe.duplicate();
      one.state = Optional.of(new DeviceState(1, Map.of("pipe", (long) end), Set.of("pipe")));
      one.onDrain = (nothing, context) -> hang();
      start();
      fixture.remove(one);
      await(DeviceSlot.State.PARKED);
      assertTrue(pipe.isOpen(end));
      ever.countDown();
      GuestFixture.await("closed", () -> !pipe.isOpen(end));
    }
  }

  // People.

  @Test void parkedByHandItStaysParkedWhoeverComes() throws Exception {
    one.state = Optional.of(new DeviceState(1, Map.of("position", 7L)));
    start();
    slot().park("the disk is moved");
    awaitReason("the disk is moved");
    await(DeviceSlot.State.PARKED);
    assertEquals(Optional.empty(), slot().provider());
    fixture.add(two, 5);
    fixture.host().send(DMA, 0, DATA, 1);
    GuestFixture.await("a request that waits", () -> slot().requestsWaiting() == 1);
    assertEquals(List.of(), two.events);
    slot().resume();
    powersOff();
    assertEquals(List.of("open argument {position=7}", "request 0 \0"), happened(two).subList(0, 2));
  }

  @Test void aSlotCanBeGivenToAnotherProviderByName() throws Exception {
    start();
    fixture.add(two, "two", -5);
    assertEquals("there is no provider 'three' of type 'test'; there are: one 1.0.0, two 1.0.0", assertThrows(LaunchException.class, () -> slot().swap("three")).getMessage());
    assertEquals(Optional.of("one 1.0.0"), slot().provider());
    slot().swap("two");
    GuestFixture.await("the other", () -> slot().provider().equals(Optional.of("two 1.0.0")));
    fixture.remove(two);
    await(DeviceSlot.State.PARKED);
    awaitReason("it waits for provider 'two', which was chosen for it");
    fixture.add(two, "two", -5);
    GuestFixture.await("the other again", () -> slot().provider().equals(Optional.of("two 1.0.0")));
    slot().swap("");
    GuestFixture.await("the best", () -> slot().provider().equals(Optional.of("one 1.0.0")));
    assertEquals(3, slot().statistics().swaps());
  }

  @Test void rankingsCanChange() throws Exception {
    start();
    fixture.add(two, "two", -5);
    fixture.add(two, "two", 5);
    GuestFixture.await("the other", () -> slot().provider().equals(Optional.of("two 1.0.0")));
    fixture.add(two, "two", -5);
    GuestFixture.await("the first", () -> slot().provider().equals(Optional.of("one 1.0.0")));
    assertEquals(List.of("open argument", "drain", "close"), happened(two));
  }

  @Test void providersAreListedWithWhatTheySay() throws Exception {
    fixture.add(one, "one", 0);
    fixture.add(new TestDevice("disk"), "disks", 3);
    fixture.add(two, "two", 7);
    assertEquals(List.of(new ProviderInfo("disk", List.of("disk=<it>"), "a test", "disks", "1.0.0", 3, true), new ProviderInfo("test", List.of("test=<it>"), "a test", "two", "1.0.0", 7, true),
      new ProviderInfo("test", List.of("test=<it>"), "a test", "one", "1.0.0", 0, false)), fixture.launcher.providers());
    fixture.remove(two);
    assertTrue(fixture.launcher.providers().get(1).best());
    assertEquals("one 1.0.0", fixture.launcher.providers().get(1).label());
  }

  // Slots that come before their devices.

  @Test void aTypeNobodyProvidesIsAParkedSlotUntilSomebodyDoes() throws Exception {
    fixture.add(one);
    one.pages = 1;
    guest = fixture.create("gpu", "test");
    assertEquals(DeviceSlot.State.PARKED, slot().state());
    assertEquals(Optional.of("there is no provider of type 'gpu'; requests wait for one"), slot().reason());
    assertTrue(fixture.log.contains("WARNING device 'gpu' in slot 0 waits: there is no provider of type 'gpu'; requests wait for one"), fixture.log.toString());
    assertEquals(Optional.empty(), slot().attach(data -> {}, true));
    guest.start();
    long bus = GuestFixture.RAM;
    assertEquals(0, fixture.host().config.memory().view(bus, 12).get(ScriptedHost.SHORT, 0));
    TestDevice gpu = new TestDevice("gpu");
    gpu.onOpen = (config, context) -> {
      context.describe(99, 5, 3);
      throw new DeviceException("out of order");
    };
    fixture.add(gpu);
    awaitReason("device 'gpu' in slot 0 could not be opened: out of order");
    assertEquals(0, fixture.host().config.memory().view(bus, 12).get(ScriptedHost.SHORT, 0), "nothing is settled by a device that did not come to stay");
    fixture.remove(gpu);
    gpu.onOpen = (config, context) -> context.describe(42, 0x8001, 2, 4);
    fixture.add(gpu);
    await(DeviceSlot.State.ACTIVE);
    var descriptor = fixture.host().config.memory().view(bus, 12);
    long page = Integer.toUnsignedLong(descriptor.get(ScriptedHost.INT, 8)) * 4096;
    assertEquals(List.of(42, 0x8001, 2), List.of((int) descriptor.get(ScriptedHost.SHORT, 0), descriptor.get(ScriptedHost.SHORT, 2) & 0xFFFF, (int) descriptor.get(ScriptedHost.SHORT, 6)));
    assertEquals(bus + 2 * 4096, page, "behind the page of the other device");
    assertTrue(fixture.host().written.contains("%#x+12".formatted(bus)), "the Host is told: " + fixture.host().written);
    fixture.write(DATA, "late");
    fixture.host().send(DMA, page + 4 * 3, DATA, 4);
    powersOff();
    assertTrue(gpu.events.contains("request 3 late"), gpu.events.toString());
  }

  @Test void aDeviceCanBeAddedToARunningGuest() throws Exception {
    fixture.launcher.limits(new Limits(3_600_000, 30));
    start();
    TestDevice disk = new TestDevice("disk"), nic = new TestDevice("nic");
    disk.pages = nic.pages = 1;
    fixture.add(disk);
    fixture.add(nic);
    DeviceSlot added = guest.addDevice(new GuestSpec.DeviceSpec("disk", "a file"));
    assertEquals(List.of(1, DeviceSlot.State.ACTIVE, "disk", "a file"), List.of(added.index(), added.state(), added.type(), added.argument()));
    assertEquals(List.of(slot(), added), guest.slots());
    long page = Integer.toUnsignedLong(fixture.host().config.memory().view(GuestFixture.RAM + 12, 12).get(ScriptedHost.INT, 8)) * 4096;
    fixture.host().send(DMA, page, DATA, 1);
    GuestFixture.await("the request", () -> disk.events.contains("request 0 \0"));
    disk.onOpen = (config, context) -> {
      context.describe(7, 0, 16);
      throw new DeviceException("there is no such file");
    };
    for (int i = 0; i < 100; i++) assertEquals("there is no such file", assertThrows(LaunchException.class, () -> guest.addDevice(new GuestSpec.DeviceSpec("disk", "x"))).getMessage());
    assertEquals(2, guest.slots().size());
    assertEquals(DeviceSlot.State.PARKED, guest.addDevice(new GuestSpec.DeviceSpec("gpu", "")).state());
    for (int i = 3; i < 16; i++) guest.addDevice(new GuestSpec.DeviceSpec("nic", ""));
    assertEquals("guest 'guest1' has 16 devices already, and its bus has no place for more", assertThrows(LaunchException.class, () -> guest.addDevice(new GuestSpec.DeviceSpec("test", ""))).getMessage());
    fixture.remove(disk);
    assertEquals(DeviceSlot.State.PARKED, added.state(), "it is exchanged like any other");
    powersOff();
    assertEquals("guest 'guest1' has ended", assertThrows(LaunchException.class, () -> guest.addDevice(new GuestSpec.DeviceSpec("test", ""))).getMessage());
    assertEquals(DeviceSlot.State.GONE, added.state());
  }

  // Seeing.

  @Test void requestsAreCountedTimedAndShown() throws Exception {
    one.onService = (nothing, context) -> context.offered(0).ifPresent(buffer -> {
      buffer.parts().get(0).setString(0, "ok");
      buffer.complete(3);
    });
    one.onRequest = (request, context) -> {
      if (request.length() == 20) request.defer();
      else request.complete(request.length());
    };
    start();
    List<RequestTrace> seen = new CopyOnWriteArrayList<>();
    AtomicReference<RuntimeException> broken = new AtomicReference<>(new IllegalStateException("a listener's bug"));
    try (AutoCloseable bad = slot().trace(trace -> { throw broken.get(); }); AutoCloseable trace = slot().trace(seen::add)) {
      fixture.write(DATA, "hello, dear world of devices");
      fixture.host().send(DMA, 0, DATA, 5, DATA + 5, 23);
      GuestFixture.await("the request", () -> seen.size() == 1);
      fixture.host().bind(0, DMA, 1, 0x4000, 8);
      one.context().wake();
      GuestFixture.await("the buffer", () -> seen.size() == 2);
    }
    RequestTrace request = seen.get(0), buffer = seen.get(1);
    assertArrayEquals("hello, dear worl".getBytes(), request.first());
    assertEquals(List.of(0, true, 28L, 28L), List.of(request.channel(), request.sent(), request.length(), request.used()));
    assertArrayEquals("ok\0".getBytes(), buffer.first());
    assertEquals(List.of(0, false, 8L, 3L), List.of(buffer.channel(), buffer.sent(), buffer.length(), buffer.used()));
    assertFalse(request.latency().isNegative() || request.latency().isZero());
    fixture.host().send(DMA, 0, DATA, 20);
    GuestFixture.await("the deferred request", () -> slot().requestsWaiting() == 1);
    assertEquals(2, seen.size(), "nobody looks any more");
    SlotStatistics statistics = slot().statistics();
    assertEquals(List.of(1L, 1L, 28L, 3L, 0L), List.of(statistics.requests(), statistics.buffers(), statistics.bytesOut(), statistics.bytesIn(), statistics.swaps()));
    assertEquals(Duration.ZERO, statistics.pauses().longest());
    assertTrue(statistics.latency().median().compareTo(statistics.latency().longest()) <= 0 && !statistics.latency().longest().isZero());
    fixture.remove(one);
    fixture.add(two);
    GuestFixture.await("the deferred request, by the next", () -> slot().requestsWaiting() == 0);
    assertEquals(1, slot().statistics().swaps());
    assertTrue(slot().statistics().pauses().percentile99().compareTo(slot().statistics().pauses().longest()) <= 0);
    powersOff();
  }

  // Guests.

  @Test void aPausedGuestStandsStillAndItsDevicesDoNot() throws Exception {
    fixture.add(one, "one", 0);
    guest = fixture.create("test");
    assertThrows(IllegalStateException.class, guest::pause, "not started");
    guest.start();
    GuestFixture.await("its first halt", () -> fixture.host().runs > 0);
    guest.pause();
    assertEquals(Guest.State.PAUSED, guest.state());
    long runs = fixture.host().runs;
    fixture.host().send(DMA, 0, DATA, 1);
    fixture.add(two, "two", 5);
    await(DeviceSlot.State.ACTIVE);
    GuestFixture.await("an exchange meanwhile", () -> slot().provider().equals(Optional.of("two 1.0.0")));
    two.context().wake();
    Thread.sleep(20);
    assertEquals(runs, fixture.host().runs);
    assertEquals(List.of("open argument"), two.events);
    guest.pause();
    guest.resume();
    assertEquals(Guest.State.RUNNING, guest.state());
    GuestFixture.await("what waited", () -> two.events.contains("request 0 \0") && two.events.contains("service"));
    powersOff();
    guest.resume();
    guest.pause();
    assertEquals(Guest.State.ENDED, guest.state());
  }

  @Test void aPausedGuestCanBeStopped() throws Exception {
    start();
    guest.pause();
    guest.stop();
    assertEquals(new GuestEnd(GuestEnd.Kind.STOPPED, "stopped", 1), guest.await());
  }

  @Test void aGuestThatIsKilledWaitsForNobody() throws Exception {
    one.onClose = (nothing, context) -> hang();
    start();
    fixture.launcher.limits(Limits.USUAL);
    guest.kill();
    assertEquals(new GuestEnd(GuestEnd.Kind.STOPPED, "killed", 1), guest.await());
    logged("ERROR device 'test' in slot 0 did not close within 100 ms and is left behind");
  }

  @Test void itsMemoryCanBeSeenAndWrittenToAFile() throws Exception {
    start();
    fixture.write(DATA, "remember");
    assertEquals('r', guest.memoryView().get(ValueLayout.JAVA_BYTE, DATA));
    assertTrue(guest.memoryView().isReadOnly());
    Path file = folder.resolve("dump");
    guest.dump(file);
    assertEquals(Guest.State.RUNNING, guest.state());
    byte[] expected = guest.memoryView().asSlice(0, GuestFixture.RAM).toArray(ValueLayout.JAVA_BYTE);
    assertArrayEquals(expected, Files.readAllBytes(file));
    assertThrows(FileAlreadyExistsException.class, () -> guest.dump(file));
    powersOff();
    assertThrows(IllegalStateException.class, guest::memoryView);
    assertThrows(IllegalStateException.class, () -> guest.dump(folder.resolve("late")));
    assertFalse(Files.exists(folder.resolve("late")));
  }

  @Test void theHostGetsItsOptions() throws Exception {
    GuestSpec plain = fixture.spec();
    guest = fixture.launcher.create(new GuestSpec("", plain.memory(), plain.image(), plain.initrd(), plain.devices(), "", Map.of("cpu", "check")), fixture.logger);
    assertEquals(Map.of("cpu", "check"), fixture.host().config.options());
    assertEquals("scripted", guest.host());
  }
}
