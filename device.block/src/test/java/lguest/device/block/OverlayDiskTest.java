package lguest.device.block;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.io.RandomAccessFile;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Arrays;
import java.util.Random;
import lguest.device.DeviceException;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** A base that stays as it is, and a file of what is different. */
class OverlayDiskTest {
  @TempDir Path folder;
  Path base, overlay;
  byte[] content;

  @BeforeEach void makeBase() throws Exception {
    base = folder.resolve("base");
    overlay = folder.resolve("overlay");
    // 130 blocks and a bit: more than 16 bytes of map, and a last block that is not whole.
    content = Guest.bytes(130 * 4096 + 1536, 1);
    Files.write(base, content);
  }

  Guest guest() throws DeviceException { return new Guest(new BlockProvider(), base + ",overlay=" + overlay); }

  String refusal() { return assertThrows(DeviceException.class, this::guest).getMessage(); }

  static byte[] all(Guest guest, int bytes) throws Exception {
    byte[] all = new byte[bytes];
    for (int at = 0; at < bytes; at += 65024) {
      int size = Math.min(65024, bytes - at);
      System.arraycopy(guest.read(at / 512, size).received(), 0, all, at, size);
    }
    return all;
  }

  @Test void randomWritesReadBackNowAndLater() throws Exception {
    long seed = 20071009;
    Random random = new Random(seed);
    byte[] mirror = content.clone();
    for (int session = 0; session < 4; session++) {
      try (Guest guest = guest()) {
        assertArrayEquals(mirror, all(guest, mirror.length), "session " + session + ", seed " + seed);
        for (int i = 0; i < 60; i++) {
          int at = random.nextInt(mirror.length / 512) * 512, length = Math.min(1 + random.nextInt(20000), mirror.length - at);
          byte[] data = Guest.bytes(length, random.nextInt());
          int cut = random.nextInt(length + 1);
          guest.write(at / 512, Arrays.copyOf(data, cut), Arrays.copyOfRange(data, cut, length));
          assertEquals(1, guest.result());
          System.arraycopy(data, 0, mirror, at, length);
        }
        assertArrayEquals(mirror, all(guest, mirror.length), "session " + session + ", seed " + seed);
      }
    }
    assertArrayEquals(content, Files.readAllBytes(base));
  }

  @Test void fileIsAsDocumentedAndSparse() throws Exception {
    try (RandomAccessFile big = new RandomAccessFile(base.toFile(), "rw")) { big.setLength(1L << 30); }
    byte[] data = Guest.bytes(512, 2);
    long size = 1L << 30, blocks = size / 4096, start = 4096 + blocks / 8;
    try (Guest guest = guest()) { guest.write(8 * 1234 + 1, data); }
    try (RandomAccessFile file = new RandomAccessFile(overlay.toFile(), "r")) {
      ByteBuffer header = ByteBuffer.allocate(40).order(ByteOrder.LITTLE_ENDIAN);
      file.getChannel().read(header, 0);
      header.flip();
      byte[] magic = new byte[8];
      header.get(magic);
      assertEquals("lguestOV", new String(magic));
      assertEquals(1, header.getInt());
      assertEquals(4096, header.getInt());
      assertEquals(size, header.getLong());
      assertEquals(4096, header.getLong());
      assertEquals(start, header.getLong());
      file.seek(4096 + 1234 / 8);
      assertEquals(1 << 1234 % 8, file.read());
      file.seek(start + 1234 * 4096L + 512);
      byte[] there = new byte[512];
      file.readFully(there);
      assertArrayEquals(data, there);
      assertEquals(start + size, file.length());
    }
    long used = 512 * ((Number) new ProcessResult("stat", "-c", "%b", overlay.toString()).number()).longValue();
    assertTrue(used < 200_000, "takes " + used + " bytes");
  }

  record ProcessResult(String... command) {
    Number number() throws Exception { return Long.valueOf(new ProcessBuilder(command).start().inputReader().readLine().strip()); }
  }

  @Test void twoGuestsShareABase() throws Exception {
    BlockProvider provider = new BlockProvider();
    try (Guest one = new Guest(provider, base + ",overlay=" + overlay); Guest two = new Guest(provider, base + ",overlay=" + overlay + "2")) {
      byte[] mine = Guest.bytes(512, 3), yours = Guest.bytes(512, 4);
      one.write(10, mine);
      two.write(10, yours);
      assertArrayEquals(mine, one.read(10, 512).received());
      assertArrayEquals(yours, two.read(10, 512).received());
      assertTrue(assertThrows(DeviceException.class, () -> new Guest(provider, base.toString())).getMessage().contains("is in use by guest 'fake'"));
    }
  }

  @Test void foreignFilesAreLeftAlone() throws Exception {
    guest().close();
    byte[] good = Files.readAllBytes(overlay);
    Files.write(base, Arrays.copyOf(content, content.length + 512));
    assertEquals("overlay '%s' was made for a disk of %d bytes, but disk '%s' has %d; name the disk it belongs to, or a new overlay"
      .formatted(overlay, content.length, base, content.length + 512), refusal());
    Files.write(base, content);

    byte[] bad = good.clone();
    bad[8] = 2;
    Files.write(overlay, bad);
    assertEquals("overlay '%s' has version 2, this is version 1; use the program that wrote it".formatted(overlay), refusal());

    bad = good.clone();
    bad[32]++;
    Files.write(overlay, bad);
    assertEquals("overlay '%s' is damaged; name another overlay, or bring this one back from a copy".formatted(overlay), refusal());
    assertArrayEquals(bad, Files.readAllBytes(overlay));

    Files.write(overlay, new byte[5000]);
    assertTrue(refusal().startsWith("overlay '" + overlay + "' is not an overlay"));
  }

  @Test void cutOffOverlayIsDamaged() throws Exception {
    try (Guest guest = guest()) { guest.write(8 * 100, new byte[512]); }
    byte[] good = Files.readAllBytes(overlay);
    Files.write(overlay, Arrays.copyOf(good, 8192 + 100 * 4096));
    assertTrue(refusal().startsWith("overlay '" + overlay + "' is damaged"), refusal());
    // Cut off behind the last block that is there, or while it was being made: nothing is lost.
    for (int length : new int[] {8192 + 101 * 4096, 4096}) {
      Files.write(overlay, Arrays.copyOf(good, length));
      try (Guest guest = guest()) { assertEquals(content.length, all(guest, content.length).length); }
      assertEquals(good.length, Files.size(overlay));
    }
  }
}
