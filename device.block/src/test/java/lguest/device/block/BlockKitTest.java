package lguest.device.block;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;

import java.io.RandomAccessFile;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.nio.ByteOrder;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.Optional;
import java.util.Random;
import java.util.concurrent.atomic.AtomicInteger;
import lguest.device.DeviceProvider;
import lguest.device.testkit.DeviceTestKit;
import lguest.device.testkit.TestGuest;

/** The disk under the test kit: what was written is read again, and is in the file. */
class BlockKitTest extends DeviceTestKit {
  private static final ValueLayout.OfInt INT = ValueLayout.JAVA_INT.withOrder(ByteOrder.LITTLE_ENDIAN);
  private static final int SECTORS = 64;
  private final AtomicInteger disks = new AtomicInteger();

  @Override protected DeviceProvider provider() { return new BlockProvider(); }

  @Override protected String argument() throws Exception {
    Path disk = folder.resolve("disk" + disks.getAndIncrement() % 8);
    try (RandomAccessFile file = new RandomAccessFile(disk.toFile(), "rw")) { file.setLength(SECTORS * 512L); }
    return disk.toString();
  }

  @Override protected List<String> wrongArguments() { return List.of("", folder.resolve("missing").toString(), folder + ",no-option", folder.toString()); }

  @Override protected Optional<String> withoutBuffer() { return Optional.of("Block request didn't give us a dma buffer"); }

  /** One request as the demo guest's driver makes it. Returns what came into the buffer. */
  private static byte[] ask(TestGuest guest, boolean write, int sector, byte[] data) {
    MemorySegment page = guest.page(0);
    TestGuest.Buffer reply = guest.lend(0, data.length / 2, data.length / 2);
    page.set(INT, 0, write ? 1 : 0);
    page.set(INT, 4, sector);
    page.set(INT, 8, data.length);
    page.set(INT, 12, 0);
    if (write) guest.send(0, data);
    else guest.send(0);
    byte[] received = guest.await(reply);
    assertEquals(1, page.get(INT, 12), "the disk's result");
    return received;
  }

  @Override protected void converse(TestGuest guest, int number) {
    assertEquals(SECTORS, guest.page(0).get(INT, 16));
    byte[] data = new byte[1024];
    new Random(number).nextBytes(data);
    int sector = Math.floorMod(number, SECTORS - 1);
    assertEquals(0, ask(guest, true, sector, data).length);
    assertArrayEquals(data, ask(guest, false, sector, data));
  }

  @org.junit.jupiter.api.Test void writesWhereItShould() throws Exception {
    String disk = argument();
    try (TestGuest guest = new TestGuest(provider(), disk)) { converse(guest, 5); }
    byte[] expected = new byte[1024];
    new Random(5).nextBytes(expected);
    assertArrayEquals(expected, java.util.Arrays.copyOfRange(Files.readAllBytes(Path.of(disk)), 5 * 512, 7 * 512));
  }
}
