package lguest.launcher.run;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.Optional;
import java.util.stream.Stream;
import lguest.device.DeviceException;
import lguest.host.Host;
import lguest.host.HostConfig;
import lguest.host.HostProvider;
import lguest.launcher.DeviceSlot;
import lguest.launcher.Guest;
import lguest.launcher.GuestSpec;
import lguest.launcher.LaunchException;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;

@Timeout(60)
class LauncherServiceTest {
  private final GuestFixture fixture = new GuestFixture();
  private final TestDevice test = new TestDevice("test"), disk = new TestDevice("disk");

  @AfterEach void close() throws Exception { fixture.close(); }

  private String refused(GuestSpec spec) throws IOException {
    long before = descriptors();
    String message = assertThrows(LaunchException.class, () -> fixture.launcher.create(spec, fixture.logger)).getMessage();
    assertEquals(-1, message.indexOf('\n'));
    assertEquals(List.of(), fixture.launcher.guests());
    assertEquals(before, descriptors(), "descriptors");
    GuestFixture.await("no threads", () -> Thread.getAllStackTraces().keySet().stream().noneMatch(thread -> thread.getName().startsWith("guest")));
    try (Stream<String> maps = Files.lines(Path.of("/proc/self/maps"))) {
      assertEquals(0, maps.filter(line -> line.contains(fixture.image.toString())).count(), "mappings");
    }
    return message;
  }

  private static long descriptors() throws IOException {
    try (Stream<Path> all = Files.list(Path.of("/proc/self/fd"))) {
      return all.count();
    }
  }

  @Test void theHostGetsWhatTheAbiSays() throws Exception {
    disk.pages = 1;
    fixture.add(test);
    fixture.add(disk);
    fixture.create("disk", "test", "disk");
    fixture.create();
    HostConfig first = fixture.hosts.hosts.get(0).config, second = fixture.host().config;
    assertEquals(GuestFixture.RAM + 257 * 4096, first.memory().size());
    assertEquals(GuestFixture.RAM + 257 * 4096, second.memory().size());
    assertEquals(first.guestId() + 1 & 0xFFFF, second.guestId());
    assertEquals(0xC010_000DL, first.start());
    assertEquals(0xC000_0000L, first.pageOffset());
    assertEquals(GuestFixture.RAM - 4096, first.pageDirectory());
  }

  @Test void theDescriptorPageSaysWhatIsOnTheBus() throws Exception {
    disk.pages = 2;
    disk.onOpen = (config, context) -> context.describe(3, 0x8001, 2);
    fixture.add(test);
    fixture.add(disk);
    Guest guest = fixture.create("disk", "test", "disk");
    byte[] page = fixture.host().config.memory().view(GuestFixture.RAM, 4096).toArray(java.lang.foreign.ValueLayout.JAVA_BYTE);
    int pfn = (int) (GuestFixture.RAM / 4096) + 1;
    byte[] expected = new byte[4096];
    byte[] first = {3, 0, 1, (byte) 0x80, 0, 0, 2, 0, (byte) pfn, (byte) (pfn >> 8), 0, 0};
    byte[] second = {7, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0};
    byte[] third = {3, 0, 1, (byte) 0x80, 0, 0, 2, 0, (byte) (pfn + 2), (byte) (pfn + 2 >> 8), 0, 0};
    System.arraycopy(first, 0, expected, 0, 12);
    System.arraycopy(second, 0, expected, 12, 12);
    System.arraycopy(third, 0, expected, 24, 12);
    org.junit.jupiter.api.Assertions.assertArrayEquals(expected, page);
    assertEquals(List.of("disk", "test", "disk"), guest.slots().stream().map(DeviceSlot::type).toList());
    assertTrue(fixture.log.contains("INFO Device 0: disk argument, type 3, features 0x8001, 2 pages, 1 channels"), fixture.log.toString());
  }

  /** It would be reached by key 0, as the other one is: what a guest sends to one would go to the other. */
  @Test void aSecondDeviceWithoutAPageIsRefused() throws Exception {
    TestDevice other = new TestDevice("other"), paged = new TestDevice("paged");
    paged.pages = 1;
    for (TestDevice each : List.of(test, other, paged)) fixture.add(each);
    String reason = "device 'other' in slot 2 has no page, so that guests would reach it by key 0, by which they reach device 'test' in slot 0; leave one of them out, or have its makers give it a page";
    assertEquals(reason, refused(fixture.spec("test", "paged", "other")));
    Guest guest = fixture.create("test", "paged");
    guest.start();
    assertEquals(reason, assertThrows(LaunchException.class, () -> guest.addDevice(new GuestSpec.DeviceSpec("other", ""))).getMessage());
    assertEquals(2, guest.slots().size());
  }

  @Test void sixteenDevicesFitAndSeventeenDoNot() throws Exception {
    test.pages = 1;
    fixture.add(test);
    assertEquals("too many devices: 17 are wanted, a guest's bus has 16 slots; leave some out", refused(fixture.spec(Stream.generate(() -> "test").limit(17).toArray(String[]::new))));
    assertEquals(List.of(), test.events);
    Guest guest = fixture.create(Stream.generate(() -> "test").limit(16).toArray(String[]::new));
    assertEquals(16, guest.slots().size());
    // The sixteenth device's interrupt (ABI §3.9).
    guest.start();
    test.context().interrupt();
    assertEquals(List.of(16), fixture.host().interrupts);
  }

  @Test void withoutAHostNothingIsTried() throws Exception {
    fixture.launcher.host(null);
    assertTrue(refused(fixture.spec()).startsWith("no Host is there to run a guest on"));
  }

  @Test void aHostThatCannotRunTheGuestSaysWhy() throws Exception {
    fixture.add(test);
    fixture.launcher.host(new HostProvider() {
      @Override public String name() { return "picky"; }

      @Override public Host open(HostConfig config) { throw new IllegalArgumentException("it has too little memory"); }
    });
    assertEquals("Host 'picky' cannot run this guest: it has too little memory", refused(fixture.spec("test")));
    assertEquals(List.of("open argument", "close"), test.events);
  }

  @Test void aDeviceThatCannotBeOpenedUndoesTheRest() throws Exception {
    fixture.add(test);
    fixture.add(disk);
    disk.onOpen = (config, context) -> { throw new DeviceException("disk.img does not exist; check the path"); };
    assertEquals("disk.img does not exist; check the path", refused(fixture.spec("test", "disk")));
    assertEquals(List.of("open argument", "close"), test.events);
    disk.onOpen = (config, context) -> { throw new IllegalStateException("a bug"); };
    assertTrue(refused(fixture.spec("test", "disk")).contains("device 'disk' in slot 1 could not be opened, by a fault in its bundle"));
    assertTrue(fixture.log.contains("ERROR device 'disk' in slot 1 could not be opened java.lang.IllegalStateException: a bug"), fixture.log.toString());
    disk.onOpen = (config, context) -> {};
    assertTrue(refused(fixture.spec("disk")).contains("it did not describe itself"));
    assertEquals("close", disk.events.get(disk.events.size() - 1));
    disk.onOpen = (config, context) -> context.describe(0, 0, 0);
    assertTrue(refused(fixture.spec("disk")).contains("0 as its type"));
  }

  @Test void badMemoryImagesAndInitrdsAreRefusedBeforeADeviceIsOpened() throws Exception {
    fixture.add(test);
    GuestSpec good = fixture.spec("test");
    for (long memory : new long[] {0, -1 << 20, 3 << 20, 1L << 32}) assertTrue(refused(new GuestSpec("", memory, good.image(), good.initrd(), good.devices(), "")).contains("MiB of memory are too") || memory == 1L << 32);
    assertTrue(refused(new GuestSpec("", good.memory(), Path.of("no-such-file"), good.initrd(), good.devices(), "")).contains("'no-such-file' does not exist"));
    assertTrue(refused(new GuestSpec("", good.memory(), good.image(), Optional.of(Path.of("/")), good.devices(), "")).contains("initrd '/' is a directory"));
    assertEquals(List.of(), test.events);
  }

  @Test void guestsHaveNamesAndAreFoundByThem() throws Exception {
    Guest first = fixture.create(), second = fixture.create();
    Guest named = fixture.launcher.create(new GuestSpec("alice", GuestFixture.RAM, fixture.image, Optional.empty(), List.of(), ""), fixture.logger);
    assertEquals(List.of("guest1", "guest2", "alice"), fixture.launcher.guests().stream().map(Guest::name).toList());
    assertEquals(Optional.of(second), fixture.launcher.find("guest2"));
    assertThrows(LaunchException.class, () -> fixture.launcher.create(new GuestSpec("alice", GuestFixture.RAM, fixture.image, Optional.empty(), List.of(), "")));
    first.start();
    first.stop();
    assertEquals(3, fixture.launcher.guests().size(), "an ended guest stays until it is closed");
    first.close();
    assertEquals(Optional.empty(), fixture.launcher.find("guest1"));
    assertEquals("guest1", fixture.create().name());
    assertEquals(fixture.hosts.hosts.getFirst().config.guestId(), fixture.host().config.guestId());
    assertEquals(List.of(second, named), fixture.launcher.guests().subList(0, 2));
  }

  @Test void anEndedGuestLeavesItsNameToAnotherThatCouldBeMade() throws Exception {
    GuestSpec spec = new GuestSpec("alice", GuestFixture.RAM, fixture.image, Optional.empty(), List.of(), "");
    Guest ended = fixture.launcher.create(spec, fixture.logger);
    ended.stop();
    GuestSpec lost = new GuestSpec("alice", GuestFixture.RAM, Path.of("no-such-file"), Optional.empty(), List.of(), "");
    assertThrows(LaunchException.class, () -> fixture.launcher.create(lost, fixture.logger));
    assertEquals(List.of(ended), fixture.launcher.guests());
    Guest next = fixture.launcher.create(spec, fixture.logger);
    assertEquals(List.of(next), fixture.launcher.guests());
    ended.close();
    assertEquals(Optional.of(next), fixture.launcher.find("alice"));
  }

  @Test void twentyGuestsRunAtOnce() throws Exception {
    fixture.add(test);
    for (int i = 0; i < 20; i++) fixture.create("test").start();
    assertEquals(20, fixture.hosts.hosts.stream().map(host -> host.config.guestId()).distinct().count());
    for (ScriptedHost host : fixture.hosts.hosts) host.send(0x2000, 0, 0x3000, 1);
    GuestFixture.await("a request of each", () -> test.events.stream().filter(event -> event.startsWith("request")).count() == 20);
    fixture.launcher.deactivate();
    assertTrue(fixture.hosts.hosts.stream().allMatch(host -> host.closed));
  }
}
