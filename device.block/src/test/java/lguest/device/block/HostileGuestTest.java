package lguest.device.block;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;

import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Arrays;
import java.util.Optional;
import java.util.Random;
import lguest.device.GuestFaultException;
import lguest.device.block.BlockDeviceTest.Guest;
import lguest.device.fake.FakeRequest;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/**
 * Whatever a guest writes into the page and sends, it gets what the protocol says or is ended with the protocol's reason, and the file holds what it has written and nothing else. The model is
 * an array. {@code -Dlguest.fuzz=10000000} for more cases, {@code -Dlguest.seed} for those of a failure.
 */
class HostileGuestTest {
  private static final int SIZE = 100 * 512 + 100, CASES_PER_GUEST = 5000;
  @TempDir Path folder;

  @ParameterizedTest
  @ValueSource(strings = {"", ",ro", ",overlay=%s/over"})
  void getsWhatTheProtocolSays(String options) throws Exception {
    long seed = Long.getLong("lguest.seed", 44);
    int cases = Integer.getInteger("lguest.fuzz", 30_000) / 3;
    Random random = new Random(seed);
    boolean writable = !options.equals(",ro");
    byte[] begin = BlockDeviceTest.bytes(SIZE, 1), model = begin.clone();
    Path file = Files.write(folder.resolve("disk"), begin);
    for (int i = 0; i < cases; i += CASES_PER_GUEST)
      try (Guest guest = new Guest(new BlockProvider(), file + options.formatted(folder))) {
        for (int n = 0; n < CASES_PER_GUEST; n++) hostile(guest, random, model, writable, "seed " + seed + ", case " + (i + n) + options);
      }
    assertEquals(SIZE, Files.size(file));
    assertArrayEquals(options.isEmpty() ? model : begin, Files.readAllBytes(file), "seed " + seed);
  }

  private static int[] sizes(Random random) {
    int[] sizes = new int[random.nextInt(17)];
    for (int i = 0; i < sizes.length; i++) sizes[i] = 1 + random.nextInt(random.nextInt(20) == 0 ? 4096 : random.nextInt(4) == 0 ? 512 : 20);
    return sizes;
  }

  private static void hostile(Guest guest, Random random, byte[] model, boolean writable, String what) throws Exception {
    int type = random.nextInt(3) == 0 ? random.nextInt() : random.nextInt(2);
    int sector = switch (random.nextInt(20)) {
      case 0 -> random.nextInt();
      case 1 -> 101;
      case 2 -> -1;
      default -> random.nextInt(102);
    };
    byte[][] data = Arrays.stream(sizes(random)).mapToObj(size -> BlockDeviceTest.bytes(size, random.nextInt())).toArray(byte[][]::new);
    int[] room = sizes(random);
    int length = Arrays.stream(data).mapToInt(part -> part.length).sum(), space = Arrays.stream(room).sum();
    int bytes = switch (random.nextInt(4)) {
      case 0 -> random.nextInt();
      case 1 -> length;
      default -> type != 0 ? length : space;
    };
    boolean offers = random.nextInt(20) != 0;
    // What was offered and not used is not there the next time.
    while (guest.machine.offered(0).isPresent()) {}
    FakeRequest reply = offers ? guest.machine.offer(0, room) : null;
    guest.ask(type, sector, bytes);
    FakeRequest sent = guest.machine.send(0, data);
    Optional<String> reason = Optional.empty();
    try {
      guest.device.request(sent);
    } catch (GuestFaultException e) {
      reason = Optional.of(e.getMessage());
    }

    long offset = Integer.toUnsignedLong(sector) * 512;
    Optional<String> expected = Optional.empty();
    if (offset >= SIZE) expected = Optional.of("Bad offset " + offset + " vs " + SIZE);
    else if (!offers) expected = Optional.of("Block request didn't give us a dma buffer");
    else if (type != 0 && offset + length > SIZE) expected = Optional.of("Write past end " + offset + "+" + length);
    assertEquals(expected, reason, what);
    if (expected.isPresent()) return;
    reply.await(BlockDeviceTest.LIMIT);
    sent.await(BlockDeviceTest.LIMIT);
    long done = type != 0 ? writable ? length : 0 : Math.min(space, SIZE - offset);
    assertEquals(done == Integer.toUnsignedLong(bytes) ? 1 : 2, guest.result(), what);
    assertEquals(0, sent.completedLength(), what);
    if (type == 0) assertArrayEquals(Arrays.copyOfRange(model, (int) offset, (int) (offset + done)), reply.received(), what);
    else {
      assertEquals(0, reply.completedLength(), what);
      int at = (int) offset;
      if (writable) for (byte[] part : data) {
        System.arraycopy(part, 0, model, at, part.length);
        at += part.length;
      }
    }
  }
}
