package lguest.hostile;

import java.io.IOException;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.nio.ByteOrder;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Optional;
import java.util.Random;
import lguest.device.Device;
import lguest.device.GuestFaultException;
import lguest.device.block.BlockProvider;
import lguest.device.fake.FakeContext;
import lguest.device.fake.FakeRequest;

/**
 * Disks. Whatever a guest writes into the page and sends, it gets what the protocol says (ABI §3.3, L44) or is ended with the protocol's reason, and the file holds what it has written and
 * nothing else. The model is an array.
 *
 * <p>Steps: {@code disk <0 plain, 1 read-only, 2 overlay>}, first; {@code request <type> <sector> <bytes> <whether a buffer is offered> <parts of data> <sizes>… <parts of the buffer> <sizes>…}.
 */
final class BlockTarget implements Target {
  private static final int SIZE = 100 * 512 + 100, MAX_PARTS = 16, MAX_PART = 65535, WARNINGS = 101;
  private static final Duration LIMIT = Duration.ofSeconds(30);
  private static final ValueLayout.OfInt INT = ValueLayout.JAVA_INT.withOrder(ByteOrder.LITTLE_ENDIAN);
  private static final byte[] BEGIN = bytes(SIZE, 1);

  private final Workplace place;
  private final Path disk, overlay;

  BlockTarget(Workplace place) {
    this.place = place;
    disk = place.file("disk");
    overlay = place.file("overlay");
  }

  private static byte[] bytes(int length, int seed) {
    byte[] bytes = new byte[length];
    new Random(seed).nextBytes(bytes);
    return bytes;
  }

  @Override public List<Step> invent(Random random) {
    List<Step> steps = new ArrayList<>();
    steps.add(new Step("disk", random.nextInt(3)));
    for (int left = 1 + random.nextInt(random.nextInt(20) == 0 ? 1000 : 200); left > 0; left--) {
      int[] data = sizes(random), room = sizes(random);
      int type = random.nextInt(3) == 0 ? random.nextInt() : random.nextInt(2);
      int sector = switch (random.nextInt(100)) {
        case 0 -> random.nextInt();
        case 1 -> 101;
        case 2 -> -1;
        default -> random.nextInt(random.nextInt(30) == 0 ? 102 : 90);
      };
      int bytes = switch (random.nextInt(4)) {
        case 0 -> random.nextInt();
        case 1 -> Arrays.stream(data).sum();
        default -> Arrays.stream(type != 0 ? data : room).sum();
      };
      int[] numbers = new int[6 + data.length + room.length];
      numbers[0] = type;
      numbers[1] = sector;
      numbers[2] = bytes;
      numbers[3] = random.nextInt(200) == 0 ? 0 : 1;
      numbers[4] = data.length;
      System.arraycopy(data, 0, numbers, 5, data.length);
      numbers[5 + data.length] = room.length;
      System.arraycopy(room, 0, numbers, 6 + data.length, room.length);
      steps.add(new Step("request", numbers));
    }
    return steps;
  }

  private static int[] sizes(Random random) {
    int[] sizes = new int[random.nextInt(MAX_PARTS + 1)];
    for (int i = 0; i < sizes.length; i++)
      sizes[i] = 1 + random.nextInt(switch (random.nextInt(500)) {
        case 0 -> MAX_PART;
        case 1, 2, 3, 4, 5, 6, 7, 8 -> 4096;
        default -> random.nextInt(8) == 0 ? 512 : 20;
      });
    return sizes;
  }

  @Override public Life live(List<Step> steps) throws Exception {
    Files.write(disk, BEGIN);
    Files.deleteIfExists(overlay);
    int kind = !steps.isEmpty() && steps.getFirst().act().equals("disk") ? Math.floorMod(steps.getFirst().number(0), 3) : 0;
    byte[] model = BEGIN.clone();
    Optional<String> reason = Optional.empty();
    long cases = 0;
    try (FakeContext machine = new FakeContext();
         Device device = new BlockProvider().open(FakeContext.config(disk + new String[] {"", ",ro", ",overlay=" + overlay}[kind]), machine)) {
      for (Step step : steps) {
        if (!step.act().equals("request") || reason.isPresent()) continue;
        reason = request(machine, device, step, model, kind != 1);
        cases++;
      }
      for (FakeContext.LogLine line : machine.lines()) Finding.unless(line.cause().isEmpty() && line.level() != System.Logger.Level.ERROR, "it logs a fault: %s", line);
      Finding.unless(machine.lines().stream().filter(line -> line.level() == System.Logger.Level.WARNING).count() <= WARNINGS, "it logs without end");
    }
    Finding.unless(Arrays.equals(kind == 0 ? model : BEGIN, Files.readAllBytes(disk)), "the file does not hold what it should");
    return new Life(cases, reason.orElse("its own wish"));
  }

  private static Optional<String> request(FakeContext machine, Device device, Step step, byte[] model, boolean writable) throws Exception {
    int type = step.number(0), sector = step.number(1);
    boolean offers = step.number(3) != 0;
    byte[][] data = new byte[step.count(4, MAX_PARTS)][];
    for (int i = 0; i < data.length; i++) data[i] = bytes(Math.max(1, step.count(5 + i, MAX_PART)), step.number(5 + i) * 31 + i);
    int[] room = new int[step.count(5 + data.length, MAX_PARTS)];
    for (int i = 0; i < room.length; i++) room[i] = Math.max(1, step.count(6 + data.length + i, MAX_PART));
    int length = Arrays.stream(data).mapToInt(part -> part.length).sum(), space = Arrays.stream(room).sum();

    // What was offered and not used is not there the next time.
    while (machine.offered(0).isPresent()) {}
    FakeRequest reply = offers ? machine.offer(0, room) : null;
    MemorySegment page = machine.page(0);
    page.set(INT, 0, type);
    page.set(INT, 4, sector);
    page.set(INT, 8, step.number(2));
    page.set(INT, 12, 0);
    FakeRequest sent = machine.send(0, data);
    Optional<String> reason = Optional.empty();
    try {
      device.request(sent);
    } catch (GuestFaultException e) {
      reason = Optional.of(e.getMessage());
    }

    long offset = Integer.toUnsignedLong(sector) * 512;
    Optional<String> expected = Optional.empty();
    if (offset >= SIZE) expected = Optional.of("Bad offset " + offset + " vs " + SIZE);
    else if (!offers) expected = Optional.of("Block request didn't give us a dma buffer");
    else if (type != 0 && offset + length > SIZE) expected = Optional.of("Write past end " + offset + "+" + length);
    Finding.unless(expected.equals(reason), "ended with %s, not with %s", reason, expected);
    if (expected.isPresent()) return reason;
    reply.await(LIMIT);
    sent.await(LIMIT);
    long done = type != 0 ? writable ? length : 0 : Math.min(space, SIZE - offset);
    int result = page.get(INT, 12);
    Finding.unless(result == (done == Integer.toUnsignedLong(step.number(2)) ? 1 : 2), "%d bytes were done of %d, and the result is %d", done, Integer.toUnsignedLong(step.number(2)), result);
    Finding.unless(sent.completedLength() == 0, "the request was completed with %d bytes", sent.completedLength());
    Finding.unless(reply.completedLength() == (type == 0 ? done : 0), "the buffer was completed with %d bytes", reply.completedLength());
    if (type == 0) {
      byte[] received = reply.received();
      Finding.unless(Arrays.equals(received, Arrays.copyOfRange(model, (int) offset, (int) (offset + done))), "it read what is not there");
    } else if (writable) {
      int at = (int) offset;
      for (byte[] part : data) {
        System.arraycopy(part, 0, model, at, part.length);
        at += part.length;
      }
    }
    return reason;
  }

  @Override public void inspect() throws IOException { place.check("disk", "overlay"); }

  @Override public void close() {}
}
