package lguest.it;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Map;
import java.util.Random;
import java.util.Set;
import java.util.stream.Collectors;
import java.util.stream.Stream;
import java.util.zip.Adler32;
import lguest.launcher.DeviceSlot;
import lguest.launcher.Guest;
import lguest.launcher.GuestEnd;
import lguest.launcher.GuestSpec.DeviceSpec;
import org.junit.jupiter.api.Assumptions;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;
import org.osgi.framework.Bundle;

/** Disks and networks, from inside of our own guest down to the files, with the bundles as they are shipped. */
@Timeout(600)
class DevicesTest {
  private static final int SECTORS = 5003;
  @TempDir Path folder;

  private Path disk(String name, int seed) throws IOException {
    byte[] content = new byte[SECTORS * 512];
    new Random(seed).nextBytes(content);
    return Files.write(folder.resolve(name), content);
  }

  private static DeviceSpec block(Object argument) { return new DeviceSpec("block", argument.toString()); }

  private DeviceSpec network(String name) { return new DeviceSpec("net", folder.resolve(name).toString()); }

  private static String adler(Path file) throws IOException {
    Adler32 sum = new Adler32();
    sum.update(Files.readAllBytes(file));
    return "adler32 %08x".formatted(sum.getValue());
  }

  /** What `disk n write seed` leaves. */
  private static byte[] pattern(int seed) {
    ByteBuffer bytes = ByteBuffer.allocate(SECTORS * 512).order(ByteOrder.LITTLE_ENDIAN);
    for (int word = 0; bytes.hasRemaining(); word++) bytes.putInt((seed ^ word) * (int) 2654435761L);
    return bytes.array();
  }

  /** Types a command and waits for what it should say. */
  private static void expect(Screen screen, String command, String answer) throws InterruptedException {
    int from = screen.text().length();
    screen.type(command + "\n");
    screen.await(answer, screen.await(command, from));
    screen.await("demo# ", screen.await(answer, from));
  }

  private static void powerOff(Screen screen, Guest guest) throws InterruptedException {
    screen.type("poweroff\n");
    assertEquals(GuestEnd.Kind.POWER_OFF, guest.await().kind());
  }

  @Test void twoGuestsLiveOnDisksAndTalk() throws Exception {
    Path one = disk("one", 1), base = disk("base", 2);
    byte[] original = Files.readAllBytes(base);
    try (Guest left = Platform.boot("left", block(one), block(base + ",overlay=" + folder.resolve("over.left")), network("a"), network("b"));
         Guest right = Platform.boot("right", block(base + ",overlay=" + folder.resolve("over.right")), block(base + ",ro"), network("b"), network("a"));
         Screen l = new Screen(left); Screen r = new Screen(right)) {
      l.await("demo# ", 0);
      r.await("demo# ", 0);
      expect(l, "disk 0 sum", adler(one));
      expect(l, "selftest disk", "6 passed, 0 failed");
      expect(l, "disk 0 sum", adler(one));
      expect(l, "disk 1 write 7", "wrote " + SECTORS + " sectors");
      expect(r, "disk 0 write 8", "wrote " + SECTORS + " sectors");
      expect(l, "disk 1 verify 7", "verified " + SECTORS + " sectors");
      expect(r, "disk 0 verify 8", "verified " + SECTORS + " sectors");
      expect(r, "disk 1 sum", adler(base));
      expect(r, "disk 1 write 1", "failed at sector 0, result 2");
      expect(l, "disk 0 write 9", "wrote " + SECTORS + " sectors");

      r.type("net 0 10.2.0.2; net 1 10.1.0.2\n");
      expect(l, "net 0 10.1.0.1; net 1 10.2.0.1; net 0 ping 10.1.0.2 20", "20 pings, 20 answers");
      expect(l, "net 1 ping 10.2.0.2 20", "20 pings, 20 answers");
      expect(r, "net 0 ping 10.2.0.1 20", "20 pings, 20 answers");
      expect(l, "net 0 bulk 10.1.0.2 512", "375 of 375 blocks");
      assertTrue(l.text().contains(" 0 wrong"), l.text());
      expect(l, "net 1 ping 10.1.0.2 1", "nobody has this address");
      Map<String, Long> counters = left.slots().get(2).counters();
      assertEquals(0, counters.get("frames.out"), "the Launcher is not in it: " + counters);
      powerOff(l, left);
      powerOff(r, right);
    }
    assertArrayEquals(pattern(9), Files.readAllBytes(one));
    assertArrayEquals(original, Files.readAllBytes(base));
    try (Guest again = Platform.boot("again", block(base + ",overlay=" + folder.resolve("over.left"))); Screen screen = new Screen(again)) {
      screen.await("demo# ", 0);
      expect(screen, "disk 0 verify 7", "verified " + SECTORS + " sectors");
    }
  }

  @Test void exchangedUnderWriteNothingIsLost() throws Exception {
    Path file = disk("disk", 3);
    Bundle bundle = Platform.bundle("lguest.device.block");
    try (Guest guest = Platform.boot("writing", block(file)); Screen screen = new Screen(guest)) {
      screen.await("demo# ", 0);
      int from = screen.text().length(), exchanges = 0;
      screen.type("disk 0 write 1; disk 0 verify 1; disk 0 write 2; disk 0 verify 2; disk 0 write 3; disk 0 verify 3; disk 0 write 4; disk 0 verify 4; echo all of it\n");
      int typed = screen.await("echo all of it", from);
      while (screen.text().indexOf("all of it", typed) < 0 && exchanges < 200) {
        bundle.update();
        exchanges++;
        assertEquals(java.util.Optional.empty(), guest.end(), screen.text());
        Platform.await(guest.slots().getFirst(), DeviceSlot.State.ACTIVE);
      }
      screen.await("all of it", typed);
      assertTrue(exchanges > 1, "it was over before anything was exchanged");
      assertEquals(4, screen.text().substring(typed).split("verified", -1).length - 1, screen.text());
      powerOff(screen, guest);
    }
    assertArrayEquals(pattern(4), Files.readAllBytes(file));
  }

  @Test void networkKeepsItsPlaceWhenExchanged() throws Exception {
    Bundle bundle = Platform.bundle("lguest.device.net");
    try (Guest left = Platform.boot("left2", network("n")); Guest right = Platform.boot("right2", network("n")); Screen l = new Screen(left); Screen r = new Screen(right)) {
      l.await("demo# ", 0);
      r.await("demo# ", 0);
      expect(r, "net 0 10.1.0.2; net", "line 1, address 10.1.0.2");
      for (int i = 0; i < 3; i++) {
        bundle.update();
        Platform.await(left.slots().getFirst(), DeviceSlot.State.ACTIVE);
        Platform.await(right.slots().getFirst(), DeviceSlot.State.ACTIVE);
        expect(l, "net 0 10.1.0.1; net 0 ping 10.1.0.2 5", "5 pings, 5 answers");
      }
      try (Guest third = Platform.boot("third", network("n")); Screen t = new Screen(third)) {
        t.await("demo# ", 0);
        expect(t, "net", "line 2, address");
      }
    }
  }

  @Test void tapsLinkDoesNotFlapWhenExchanged() throws Exception {
    Assumptions.assumeTrue(Files.isWritable(Path.of("/dev/net/tun")) && "root".equals(System.getProperty("user.name")), "needs /dev/net/tun and root");
    Set<String> before = interfaces();
    Bundle bundle = Platform.bundle("lguest.device.tun");
    try (Guest guest = Platform.boot("tapped", new DeviceSpec("tun", "192.168.213.1/24")); Screen screen = new Screen(guest)) {
      screen.await("demo# ", 0);
      Set<String> now = interfaces();
      now.removeAll(before);
      assertEquals(1, now.size(), "the guest's tap: " + now);
      Path tap = Path.of("/sys/class/net", now.iterator().next());
      expect(screen, "net 0 192.168.213.2; net 0 ping 192.168.213.1 3", "3 pings, 3 answers");
      String index = Files.readString(tap.resolve("ifindex")), changes = Files.readString(tap.resolve("carrier_changes"));
      int from = screen.text().length();
      screen.type("net 0 ping 192.168.213.1 60\n");
      for (int i = 0; i < 20; i++) {
        bundle.update();
        Platform.await(guest.slots().getFirst(), DeviceSlot.State.ACTIVE);
      }
      screen.await("60 pings, 60 answers", from);
      assertEquals(index, Files.readString(tap.resolve("ifindex")), "the same interface");
      assertEquals(changes, Files.readString(tap.resolve("carrier_changes")), "its link was never down");
      // Nobody has the tap any more once the guest has ended while there was no device.
      bundle.stop();
      Platform.await(guest.slots().getFirst(), DeviceSlot.State.PARKED);
      assertTrue(Files.exists(tap));
      guest.stop();
      Platform.await(() -> !Files.exists(tap), () -> tap + " is still there");
    } finally {
      bundle.start();
    }
  }

  private static Set<String> interfaces() throws IOException {
    try (Stream<Path> all = Files.list(Path.of("/sys/class/net"))) {
      return all.map(path -> path.getFileName().toString()).collect(Collectors.toSet());
    }
  }

  @Test void brokenProtocolIsTheGuestsEnd() throws Exception {
    for (String[] death : new String[][] {
      {"diskoffset", "Bad offset " + SECTORS * 512 + " vs " + SECTORS * 512},
      {"diskreply", "Block request didn't give us a dma buffer"},
      {"diskend", "Write past end " + (SECTORS - 1) * 512 + "+1024"}}) {
      Path file = disk("disk", 4);
      byte[] before = Files.readAllBytes(file);
      try (Guest guest = Platform.boot("doomed-" + death[0], block(file)); Screen screen = new Screen(guest)) {
        screen.await("demo# ", 0);
        screen.type("die " + death[0] + "\n");
        assertEquals(new GuestEnd(GuestEnd.Kind.DIED, death[1], 1), guest.await());
      }
      assertArrayEquals(before, Files.readAllBytes(file));
    }
  }

  @Test void aBadFrameEndsItsSenderOnly() throws Exception {
    try (Guest left = Platform.boot("left3", network("bad")); Guest right = Platform.boot("right3", network("bad")); Screen l = new Screen(left); Screen r = new Screen(right)) {
      l.await("demo# ", 0);
      r.await("demo# ", 0);
      l.type("die netsection\n");
      GuestEnd end = left.await();
      assertEquals(GuestEnd.Kind.DIED, end.kind());
      assertTrue(end.reason().matches("bad DMA entry: 200@0x[0-9a-f]+f9c"), end.reason());
      expect(r, "net", "in 0, out 0, lost 0, bad 0");
      powerOff(r, right);
    }
  }
}
