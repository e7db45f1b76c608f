package lguest.hostile;

import java.io.IOException;
import java.lang.foreign.ValueLayout;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Optional;
import java.util.Random;
import lguest.device.Device;
import lguest.device.DeviceConfig;
import lguest.device.DeviceState;
import lguest.device.fake.FakeContext;
import lguest.device.fake.FakeRequest;
import lguest.device.net.NetProvider;

/**
 * Shared networks, the way between processes: two guests that send each other anything to any line, offer buffers of any shape, scribble over the page they share, and whose devices are
 * exchanged. Each frame that arrives is one that was sent to that guest, whole, once, and in order.
 *
 * <p>Steps, the first number the guest, 0 or 1: {@code send <guest> <line> <sizes>…}, {@code offer <guest> <sizes>…}, {@code serve <guest>}, {@code scribble <guest> <offset> <value>},
 * {@code exchange <guest>}.
 */
final class NetTarget implements Target {
  private static final int LINES = 682, MAX_PART = 65535;
  private final Workplace place;
  private final Path file;

  NetTarget(Workplace place) {
    this.place = place;
    file = place.file("net");
  }

  @Override public List<Step> invent(Random random) {
    List<Step> steps = new ArrayList<>();
    for (int left = 1 + random.nextInt(250); left > 0; left--) {
      int guest = random.nextInt(2);
      steps.add(switch (random.nextInt(random.nextInt(20) == 0 ? 10 : 9)) {
        case 0, 1, 2 -> new Step("send", prepend(sizes(random), guest, random.nextInt(8) == 0 ? random.nextInt(LINES) : 1 - guest));
        case 3, 4, 5 -> new Step("offer", prepend(sizes(random), guest));
        case 6, 7 -> new Step("serve", guest);
        case 8 -> new Step("scribble", guest, random.nextInt(4096), random.nextInt(256));
        default -> new Step("exchange", guest);
      });
    }
    return steps;
  }

  private static int[] sizes(Random random) {
    int[] sizes = new int[random.nextInt(17)];
    for (int i = 0; i < sizes.length; i++) sizes[i] = 1 + random.nextInt(random.nextInt(100) == 0 ? MAX_PART : random.nextInt(4) == 0 ? 2000 : 60);
    return sizes;
  }

  private static int[] prepend(int[] numbers, int... first) {
    int[] all = Arrays.copyOf(first, first.length + numbers.length);
    System.arraycopy(numbers, 0, all, first.length, numbers.length);
    return all;
  }

  private static int[] sane(Step step, int from) { return Arrays.stream(step.numbers()).skip(from).limit(16).map(size -> Math.clamp(size, 1, MAX_PART)).toArray(); }

  private final class Guest implements AutoCloseable {
    final FakeContext machine = new FakeContext();
    final List<FakeRequest> offered = new ArrayList<>();
    /** What was sent to this guest and has not come. */
    final List<byte[]> underWay = new ArrayList<>();
    Device device;
    int line;

    Guest() throws Exception {
      open(Optional.empty());
      line = machine.features() & 0xFFF;
    }

    void open(Optional<DeviceState> state) throws Exception { device = new NetProvider().open(new DeviceConfig(file.toString(), state), machine); }

    void look() {
      while (!offered.isEmpty() && offered.getFirst().isComplete()) {
        byte[] frame = offered.removeFirst().received();
        if (frame.length == 0) continue;
        // Frames may be lost, and those before this one are.
        while (!underWay.isEmpty() && !Arrays.equals(underWay.getFirst(), frame)) underWay.removeFirst();
        Finding.unless(!underWay.isEmpty(), "a frame of %d bytes has come that was not sent, or not in this order", frame.length);
        underWay.removeFirst();
      }
    }

    @Override public void close() throws Exception {
      device.close();
      machine.close();
    }
  }

  @Override public Life live(List<Step> steps) throws Exception {
    Files.deleteIfExists(file);
    int cases = 0;
    try (Guest one = new Guest(); Guest two = new Guest()) {
      for (Step step : steps) {
        Guest guest = (step.number(0) & 1) == 0 ? one : two, other = guest == one ? two : one;
        switch (step.act()) {
          case "send" -> {
            int[] sizes = sane(step, 2);
            byte[][] parts = new byte[sizes.length][];
            for (int i = 0; i < sizes.length; i++) new Random(cases * 100L + i).nextBytes(parts[i] = new byte[sizes[i]]);
            int line = Math.floorMod(step.number(1), LINES);
            FakeRequest request = guest.machine.send(line, parts);
            if (line == other.line && request.length() > 0) other.underWay.add(join(parts));
            guest.device.request(request);
            Finding.unless(request.isComplete(), "a frame was not completed");
            Finding.unless(request.completedLength() == 0 || request.completedLength() == request.length(), "a frame of %d bytes was completed with %d", request.length(), request.completedLength());
          }
          case "offer" -> guest.offered.add(guest.machine.offer(guest.line, sane(step, 1)));
          case "serve" -> guest.device.service();
          case "scribble" -> guest.machine.page(0).set(ValueLayout.JAVA_BYTE, step.number(1) & 0xFFF, (byte) step.number(2));
          case "exchange" -> {
            Optional<DeviceState> state = guest.device.drain();
            guest.device.close();
            guest.open(state);
          }
          default -> { }
        }
        cases++;
        guest.look();
      }
      for (Guest guest : List.of(one, two))
        for (FakeContext.LogLine line : guest.machine.lines())
          Finding.unless(line.cause().isEmpty() && line.level().getSeverity() < System.Logger.Level.WARNING.getSeverity(), "it complains: %s", line);
    }
    Finding.unless(Files.size(file) == 4096, "the network file has %d bytes", Files.size(file));
    return new Life(cases, "its own wish");
  }

  private static byte[] join(byte[][] parts) {
    byte[] all = new byte[Arrays.stream(parts).mapToInt(part -> part.length).sum()];
    int at = 0;
    for (byte[] part : parts) {
      System.arraycopy(part, 0, all, at, part.length);
      at += part.length;
    }
    return all;
  }

  @Override public void inspect() throws IOException { place.check("net"); }

  @Override public void close() {}
}
