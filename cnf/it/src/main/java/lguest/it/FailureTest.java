package lguest.it;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.io.ByteArrayInputStream;
import java.io.ByteArrayOutputStream;
import java.io.IOException;
import java.io.InputStream;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.Optional;
import java.util.concurrent.CopyOnWriteArrayList;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.jar.Attributes;
import java.util.jar.JarEntry;
import java.util.jar.JarOutputStream;
import java.util.jar.Manifest;
import lguest.device.DeviceException;
import lguest.it.puppet.Puppet;
import lguest.launcher.DeviceSlot;
import lguest.launcher.DeviceSlot.State;
import lguest.launcher.Guest;
import lguest.launcher.GuestEnd;
import lguest.launcher.GuestLog;
import lguest.launcher.GuestSpec.DeviceSpec;
import lguest.launcher.LaunchException;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;
import org.osgi.framework.Bundle;

/** Whatever can go wrong when a device is exchanged goes wrong here, under a guest that is writing to its disk: what people are told, and that the guest has lost nothing. */
@Timeout(600)
class FailureTest {
  private static final int SECTORS = 1000;

  private final List<String> log = new CopyOnWriteArrayList<>();
  private final GuestLog logger = (level, text, cause) -> log.add(level + " " + text);
  private final Faulty faulty = new Faulty("block");
  private Path file;
  private Guest guest;
  private DeviceSlot slot;
  private Screen screen;
  @TempDir Path folder;

  @BeforeEach void boot() throws Exception {
    file = Files.write(folder.resolve("disk"), new byte[SECTORS * 512]);
    guest = Platform.boot("unlucky", logger, new DeviceSpec("block", file.toString()));
    slot = guest.slots().getFirst();
    screen = new Screen(guest);
    screen.await("demo# ", 0);
  }

  @AfterEach void end() throws Exception {
    faulty.close();
    Platform.bundle("lguest.device.block").start();
    screen.close();
    guest.close();
  }

  /** The guest's disk works, and it has noticed nothing. */
  private void worksOn(int seed) throws Exception {
    int from = screen.text().length();
    screen.type("disk 0 write " + seed + "; disk 0 verify " + seed + "\n");
    screen.await("verified " + SECTORS + " sectors", from);
    assertFalse(screen.text().contains("failed"), screen.text());
    assertEquals(Optional.empty(), guest.end());
  }

  /** Starts writing, with the fault to come. Returns where the answer will be. */
  private int write(int seed) throws InterruptedException {
    int from = screen.text().length();
    screen.type("disk 0 write " + seed + "; disk 0 verify " + seed + "\n");
    return screen.await("disk 0 verify " + seed, from);
  }

  private void endsWell(int from) throws Exception {
    screen.await("verified " + SECTORS + " sectors", from);
    screen.type("poweroff\n");
    assertEquals(GuestEnd.Kind.POWER_OFF, guest.await().kind());
    assertFalse(screen.text().substring(from).contains("failed"), screen.text());
  }

  private void takesOver() throws InterruptedException {
    faulty.register(10);
    Platform.await(() -> slot.provider().orElse("").startsWith("lguest.it "), () -> slot.state() + " " + slot.reason());
  }

  private void logged(String line) throws InterruptedException { Platform.await(() -> log.contains(line), () -> line + " is not in " + log); }

  // The provider leaves while requests are in flight.

  @Test void leavesWithRequestsInFlight() throws Exception {
    CountDownLatch inFlight = new CountDownLatch(1);
    faulty.request = () -> {
      inFlight.countDown();
      // Never passed on: what a device has begun and not finished when it has to go.
      throw new InterruptedException();
    };
    Bundle shipped = Platform.bundle("lguest.device.block");
    shipped.stop();
    Platform.awaitReason(slot, "there is no provider of type 'block'; requests wait for one");
    int from = write(1);
    Platform.await(() -> slot.requestsWaiting() == 1, () -> "no request");
    assertEquals(State.PARKED, slot.state());
    shipped.start();
    screen.await("verified " + SECTORS + " sectors", from);
    faulty.register(10);
    from = write(2);
    inFlight.await();
    Platform.awaitReason(slot, "device 'block' in slot 0 failed: java.lang.InterruptedException; its requests wait for another version of it");
    assertEquals(1, slot.requestsWaiting());
    faulty.unregister();
    endsWell(from);
  }

  // The new one fails to open.

  @Test void failsToOpen() throws Exception {
    faulty.open = () -> { throw new DeviceException("there is no such disk; plug one in"); };
    int from = write(1);
    faulty.register(10);
    Platform.awaitReason(slot, "device 'block' in slot 0 could not be opened: there is no such disk; plug one in");
    logged("WARNING device 'block' in slot 0 could not be opened: there is no such disk; plug one in");
    faulty.unregister();
    Platform.await(slot, State.ACTIVE);
    faulty.open = () -> { throw new IllegalArgumentException("a bug"); };
    faulty.register(10);
    Platform.awaitReason(slot, "device 'block' in slot 0 could not be opened: java.lang.IllegalArgumentException: a bug");
    logged("ERROR device 'block' in slot 0 could not be opened: java.lang.IllegalArgumentException: a bug");
    faulty.open = () -> {};
    slot.resume();
    Platform.await(slot, State.ACTIVE);
    assertEquals("lguest.it", slot.provider().orElseThrow().split(" ")[0]);
    endsWell(from);
  }

  // It throws in the middle.

  @Test void throwsInTheMiddle() throws Exception {
    AtomicInteger requests = new AtomicInteger();
    faulty.request = () -> { if (requests.incrementAndGet() == 7) throw new IllegalStateException("the seventh"); };
    faulty.register(10);
    int from = write(1);
    Platform.awaitReason(slot, "device 'block' in slot 0 failed: java.lang.IllegalStateException: the seventh; its requests wait for another version of it");
    logged("ERROR device 'block' in slot 0 failed and is parked; its requests wait for another version of it");
    // The shipped one does not step in by itself, but when it is told to.
    slot.swap("lguest.device.block");
    Platform.await(slot, State.ACTIVE);
    endsWell(from);
  }

  // It hangs.

  @Test void hangsInOpen() throws Exception {
    faulty.open = faulty::hang;
    int from = write(1);
    faulty.register(10);
    Platform.awaitReason(slot, "device 'block' in slot 0 could not be opened: device 'block' in slot 0 did not open within 5000 ms and is left behind");
    logged("WARNING device 'block' in slot 0 could not be opened: device 'block' in slot 0 did not open within 5000 ms and is left behind");
    faulty.unregister();
    endsWell(from);
  }

  @Test void hangsInDrain() throws Exception {
    faulty.drain = faulty::hang;
    takesOver();
    int from = write(1);
    faulty.unregister();
    logged("ERROR device 'block' in slot 0 did not drain within 1000 ms and is left behind");
    endsWell(from);
  }

  @Test void hangsInClose() throws Exception {
    faulty.close = faulty::hang;
    takesOver();
    int from = write(1);
    faulty.unregister();
    logged("ERROR device 'block' in slot 0 did not close within 1000 ms and is left behind");
    // It has the disk open still, and locked; so has the next.
    endsWell(from);
  }

  // It leaves again at once.

  @Test void leavesAgainAtOnce() throws Exception {
    int from = write(1);
    for (int i = 0; i < 30; i++) {
      faulty.register(10);
      faulty.unregister();
    }
    Bundle shipped = Platform.bundle("lguest.device.block");
    for (int i = 0; i < 10; i++) {
      shipped.start();
      shipped.stop();
    }
    shipped.start();
    endsWell(from);
    assertTrue(log.stream().noneMatch(line -> line.startsWith("ERROR")), log.toString());
  }

  // Two providers of a type.

  @Test void rankingDecides() throws Exception {
    faulty.register(-1);
    int from = write(1);
    assertEquals("lguest.device.block", slot.provider().orElseThrow().split(" ")[0]);
    for (int i = 0; i < 10; i++) {
      faulty.rank(10);
      Platform.await(() -> slot.provider().orElse("").startsWith("lguest.it "), () -> slot.state() + " " + slot.reason());
      faulty.rank(-10);
      Platform.await(() -> slot.provider().orElse("").startsWith("lguest.device.block "), () -> slot.state() + " " + slot.reason());
    }
    assertEquals(20, slot.statistics().swaps());
    endsWell(from);
  }

  // An update that does not know the old state.

  @Test void anIncompatibleUpdateIsRefusedAndTheOldVersionComesBack() throws Exception {
    Bundle bundle = Platform.context().installBundle("puppet", puppet(1));
    try {
      bundle.start();
      DeviceSlot puppet = guest.addDevice(new DeviceSpec("puppet", ""));
      assertEquals(1, puppet.counters().get("opened"));
      bundle.update(puppet(1));
      Platform.await(puppet, State.ACTIVE);
      assertEquals(2, puppet.counters().get("opened"));
      bundle.update(puppet(2));
      Platform.awaitReason(puppet, "device 'puppet' in slot 2 could not be opened: puppet 2 cannot go on where puppet 1 has stopped; install that one again");
      assertEquals(Optional.empty(), puppet.provider());
      bundle.update(puppet(1));
      Platform.await(puppet, State.ACTIVE);
      assertEquals(3, puppet.counters().get("opened"), "nothing was forgotten meanwhile");
      assertEquals("puppet 1.0.0", puppet.provider().orElseThrow());
      worksOn(3);
    } finally {
      bundle.uninstall();
    }
  }

  private static InputStream puppet(int version) throws IOException {
    Manifest manifest = new Manifest();
    Attributes main = manifest.getMainAttributes();
    main.put(Attributes.Name.MANIFEST_VERSION, "1.0");
    main.putValue("Bundle-ManifestVersion", "2");
    main.putValue("Bundle-SymbolicName", "puppet");
    main.putValue("Bundle-Version", version + ".0.0");
    main.putValue("Bundle-Activator", Puppet.class.getName());
    main.putValue("Import-Package", "org.osgi.framework,lguest.device;version=\"[1,2)\"");
    main.putValue("State-Version", "" + version);
    ByteArrayOutputStream bytes = new ByteArrayOutputStream();
    try (JarOutputStream jar = new JarOutputStream(bytes, manifest)) {
      for (String name : List.of("Puppet", "Puppet$1")) {
        String path = "lguest/it/puppet/" + name + ".class";
        jar.putNextEntry(new JarEntry(path));
        try (InputStream in = Platform.context().getBundle().getEntry(path).openStream()) {
          in.transferTo(jar);
        }
      }
    }
    return new ByteArrayInputStream(bytes.toByteArray());
  }

  // The guest ends in every state.

  @Test void theGuestIsStoppedOrDiesWhateverItsSlotDoes() throws Exception {
    for (State state : List.of(State.ACTIVE, State.DRAINING, State.PARKED))
      for (String end : List.of("stop", "kill", "die")) {
        try (Guest doomed = Platform.boot("doomed", logger, new DeviceSpec("block", Files.write(folder.resolve("another"), new byte[512 * 512]).toString())); Faulty slow = new Faulty("block"); Screen view = new Screen(doomed)) {
          view.await("demo# ", 0);
          DeviceSlot disk = doomed.slots().getFirst();
          slow.drain = slow::hang;
          slow.register(10);
          Platform.await(() -> disk.provider().orElse("").startsWith("lguest.it "), () -> disk.state() + " " + disk.reason());
          if (state == State.DRAINING) {
            new Thread(() -> slow.rank(-10)).start();
            Platform.await(disk, State.DRAINING);
          }
          if (state == State.PARKED) {
            disk.park("for a test");
            Platform.await(disk, State.PARKED);
          }
          switch (end) {
            case "stop" -> doomed.stop();
            case "kill" -> doomed.kill();
            default -> view.type("die badcall\n");
          }
          assertEquals(end.equals("die") ? GuestEnd.Kind.DIED : GuestEnd.Kind.STOPPED, doomed.await().kind(), state + " " + end);
          assertEquals(State.GONE, disk.state());
          assertEquals(Optional.of("the guest has ended"), disk.reason());
        }
      }
    worksOn(4);
    assertArrayEquals(new byte[512 * 512], Files.readAllBytes(folder.resolve("another")));
  }

  // Slots that come before their devices.

  @Test void aSlotCanComeBeforeItsProvider() throws Exception, LaunchException {
    Bundle bundle = Platform.context().installBundle("puppet", puppet(1));
    try (Guest early = Platform.boot("early", logger, new DeviceSpec("puppet", ""))) {
      DeviceSlot puppet = early.slots().getFirst();
      assertEquals(State.PARKED, puppet.state());
      assertEquals(Optional.of("there is no provider of type 'puppet'; requests wait for one"), puppet.reason());
      assertEquals(0, early.memoryView().get(java.lang.foreign.ValueLayout.JAVA_BYTE, 32L << 20), "nothing in the bus page yet");
      bundle.start();
      Platform.await(puppet, State.ACTIVE);
      assertEquals(77, early.memoryView().get(java.lang.foreign.ValueLayout.JAVA_BYTE, 32L << 20));
    } finally {
      bundle.uninstall();
    }
  }
}
