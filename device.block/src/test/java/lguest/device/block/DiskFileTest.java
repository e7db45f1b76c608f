package lguest.device.block;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;
import static org.junit.jupiter.api.Assumptions.assumeTrue;

import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Random;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.TimeUnit;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** The way to the file: direct or not, whole or in pieces, on real devices where the test may make some. */
class DiskFileTest {
  @TempDir Path folder;

  /** Aligned and unaligned parts, large and small, against an array. */
  @Test void anyMixOfAlignmentsMovesTheSameBytes() throws Exception {
    long seed = System.nanoTime();
    Random random = new Random(seed);
    byte[] mirror = Guest.bytes(1 << 20, 1);
    Path path = Files.write(folder.resolve("disk"), mirror);
    try (Arena arena = Arena.ofShared(); DiskFile file = new DiskFile("disk", path, DiskFile.Access.WRITE, "")) {
      MemorySegment memory = arena.allocate(1 << 20, 4096);
      for (int i = 0; i < 2000; i++) {
        int unit = List.of(1, 512, 1024, 4096).get(random.nextInt(4));
        List<MemorySegment> parts = new ArrayList<>();
        int length = 0;
        for (int n = 1 + random.nextInt(random.nextInt(100) == 0 ? 90 : 16); n > 0; n--) {
          int size = Math.max(unit, random.nextInt(8192) / unit * unit);
          parts.add(memory.asSlice(random.nextInt(((1 << 20) - size) / unit) * (long) unit, size));
          length += size;
        }
        int offset = random.nextInt((mirror.length - Math.min(length, mirror.length - 4096)) / unit) * unit;
        length = Math.min(length, mirror.length - offset);
        parts = Parts.slice(parts, 0, length);
        String what = "seed " + seed + ", step " + i;
        if (random.nextBoolean()) {
          byte[] expected = bytesOf(parts);
          assertEquals(length, file.write(parts, offset), what);
          System.arraycopy(expected, 0, mirror, offset, length);
        } else {
          // Parts may overlap, so each on its own shows.
          int at = offset;
          for (MemorySegment part : parts) {
            assertEquals(part.byteSize(), file.read(List.of(part), at), what);
            assertArrayEquals(java.util.Arrays.copyOfRange(mirror, at, at + (int) part.byteSize()), part.toArray(ValueLayout.JAVA_BYTE), what);
            at += (int) part.byteSize();
          }
        }
      }
      assertArrayEquals(mirror, Files.readAllBytes(path), "seed " + seed);
    }
  }

  static byte[] bytesOf(List<MemorySegment> parts) {
    java.io.ByteArrayOutputStream all = new java.io.ByteArrayOutputStream();
    for (MemorySegment part : parts) all.writeBytes(part.toArray(ValueLayout.JAVA_BYTE));
    return all.toByteArray();
  }

  /** Direct I/O is told from its not filling the cache. */
  @Test void alignedTransfersLeaveTheCacheOut() throws Exception {
    Path path = Files.write(folder.resolve("disk"), new byte[1 << 20]);
    try (Arena arena = Arena.ofShared(); DiskFile file = new DiskFile("disk", path, DiskFile.Access.WRITE, "")) {
      assumeTrue(file.isDirect() && !Files.getFileStore(path).type().equals("tmpfs"), "no direct I/O on " + Files.getFileStore(path).type());
      MemorySegment memory = arena.allocate(1 << 20, 4096);
      Process fincore = new ProcessBuilder("sh", "-c", "sync " + path + " && dd if=" + path + " iflag=nocache count=0 2>/dev/null; fincore -bnro PAGES " + path).start();
      int before = Integer.parseInt(fincore.inputReader().readLine().strip());
      assumeTrue(before == 0, "the cache could not be emptied");
      assertEquals(1 << 20, file.read(List.of(memory), 0));
      assertEquals("0", new ProcessBuilder("fincore", "-bnro", "PAGES", path.toString()).start().inputReader().readLine().strip());
      assertTrue(file.isDirect());
    }
  }

  /** A guest that ends in the middle of a long read: its memory cannot be unmapped until the read is over, and then no other can begin. */
  @Test void guestMemoryIsKeptWhileACallIsUnderWay() throws Exception {
    Path path = folder.resolve("large");
    assumeTrue(run("truncate", "-s", "64M", path.toString()));
    boolean refused = false;
    for (int tries = 0; tries < 50 && !refused; tries++) {
      Arena guest = Arena.ofShared();
      MemorySegment memory = guest.allocate(64 << 20, 4096);
      CountDownLatch begun = new CountDownLatch(1);
      CompletableFuture<Void> reads = CompletableFuture.runAsync(() -> {
        try (DiskFile file = new DiskFile("disk", path, DiskFile.Access.READ, "")) {
          for (begun.countDown(); true;) file.read(List.of(memory), 0);
        } catch (IllegalStateException e) {
          assertEquals("Already closed", e.getMessage());
        } catch (Exception e) {
          throw new AssertionError(e);
        }
      });
      begun.await();
      for (boolean closed = false; !closed;)
        try {
          guest.close();
          closed = true;
        } catch (IllegalStateException e) {
          refused = true;
        }
      reads.get(20, TimeUnit.SECONDS);
    }
    assertTrue(refused, "memory went away under a read");
  }

  private static boolean run(String... command) throws Exception {
    Process process = new ProcessBuilder(command).redirectErrorStream(true).start();
    process.inputReader().lines().forEach(line -> {});
    return process.waitFor(20, TimeUnit.SECONDS) && process.exitValue() == 0;
  }

  @Test void fullFileSystemIsAnErrorForTheGuestAndALineForTheUser() throws Exception {
    Path small = Files.createDirectory(folder.resolve("small"));
    assumeTrue(run("mount", "-t", "tmpfs", "-o", "size=64k", "tmpfs", small.toString()), "may not mount");
    try {
      Path disk = small.resolve("disk");
      assumeTrue(run("truncate", "-s", "1M", disk.toString()));
      try (Guest guest = new Guest(new BlockProvider(), disk.toString())) {
        for (int i = 0; i < 40; i++) guest.write(8 * i, Guest.bytes(4096, i));
        assertEquals(2, guest.result());
        assertEquals(List.of("cannot write to disk '" + disk + "' at offset 65536: No space left on device; the guest gets an error"), guest.warnings());
        assertArrayEquals(Guest.bytes(4096, 3), guest.read(24, 4096).received());
        assertEquals(1, guest.result());
      }
      try (Guest guest = new Guest(new BlockProvider(), disk + ",ro")) {
        assertArrayEquals(Guest.bytes(4096, 15), guest.read(8 * 15, 4096).received(), "what was acknowledged is there");
      }
    } finally {
      run("umount", small.toString());
    }
  }

  @Test void blockDevicesWork() throws Exception {
    Path backing = Files.write(folder.resolve("backing"), Guest.bytes(1 << 20, 2));
    Process losetup = new ProcessBuilder("losetup", "--find", "--show", backing.toString()).start();
    String device = losetup.inputReader().readLine();
    assumeTrue(device != null && device.startsWith("/dev/"), "may not make a loop device");
    try {
      byte[] data = Guest.bytes(8192, 3);
      BlockProvider provider = new BlockProvider();
      try (Guest guest = new Guest(provider, device)) {
        assertEquals(2048, guest.machine.page(0).get(Guest.INT, 16), "its size");
        guest.write(16, data);
        assertEquals(1, guest.result());
        assertArrayEquals(data, guest.read(16, 8192).received());
        assertTrue(assertThrows(lguest.device.DeviceException.class, () -> new Guest(provider, device)).getMessage().contains("cannot open disk '" + device + "' for writing: "));
      }
      assertArrayEquals(data, java.util.Arrays.copyOfRange(Files.readAllBytes(backing), 8192, 16384), "on the medium when the power is off");
    } finally {
      run("losetup", "-d", device);
    }
  }
}
