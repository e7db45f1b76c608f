package lguest.hostile;

import java.io.IOException;
import java.net.DatagramPacket;
import java.net.DatagramSocket;
import java.net.InetAddress;
import java.net.NetworkInterface;
import java.nio.ByteBuffer;
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
import lguest.device.tun.TunProvider;

/**
 * Taps, with a real kernel at the other end; in a {@link Namespace} of its own. Each frame is taken whole or not at all, each that arrives is one the host has sent, whole, and the
 * interface stays.
 *
 * <p>Steps: {@code send <channel> <0 noise, 1 ARP, 2 IP> <seed> <sizes>…}, {@code offer <sizes>…}, {@code serve}, {@code host <datagrams> <bytes>}, {@code exchange}.
 */
final class TunTarget implements Target {
  private static final int MAX_PART = 65535, OUT = 0, IN = 1, SHORTEST = 14;
  private static final String OURS = "10.9.0.1/24", EVERYBODY = "10.9.0.255";
  private final DatagramSocket host;

  TunTarget() throws IOException {
    host = new DatagramSocket();
    host.setBroadcast(true);
  }

  @Override public List<Step> invent(Random random) {
    List<Step> steps = new ArrayList<>();
    for (int left = 1 + random.nextInt(250); left > 0; left--)
      steps.add(switch (random.nextInt(random.nextInt(20) == 0 ? 12 : 11)) {
        case 0, 1, 2, 3, 4 -> {
          int[] sizes = sizes(random), numbers = new int[3 + sizes.length];
          numbers[0] = random.nextInt(10) == 0 ? IN : OUT;
          numbers[1] = random.nextInt(3);
          numbers[2] = random.nextInt();
          System.arraycopy(sizes, 0, numbers, 3, sizes.length);
          yield new Step("send", numbers);
        }
        case 5, 6, 7 -> new Step("offer", sizes(random));
        case 8, 9 -> new Step("serve");
        case 10 -> new Step("host", 1 + random.nextInt(20), random.nextInt(1400));
        default -> new Step("exchange");
      });
    return steps;
  }

  private static int[] sizes(Random random) {
    int[] sizes = new int[random.nextInt(17)];
    for (int i = 0; i < sizes.length; i++) sizes[i] = 1 + random.nextInt(random.nextInt(100) == 0 ? MAX_PART : random.nextInt(4) == 0 ? 700 : 60);
    return sizes;
  }

  private static int[] sane(Step step, int from) { return Arrays.stream(step.numbers()).skip(from).limit(16).map(size -> Math.clamp(size, 1, MAX_PART)).toArray(); }

  /** So many bytes of something the kernel may take for a frame for it. */
  private static byte[] frame(int kind, int seed, int bytes, byte[] to) {
    Random random = new Random(seed);
    byte[] frame = new byte[bytes];
    random.nextBytes(frame);
    if (kind == 0) return frame;
    ByteBuffer header = ByteBuffer.allocate(64);
    header.put(random.nextInt(4) == 0 ? new byte[] {-1, -1, -1, -1, -1, -1} : to).put(new byte[] {2, 0, 1, 0, 0, 0});
    if (kind == 1) header.putShort((short) 0x0806).putShort((short) 1).putShort((short) 0x800).put((byte) 6).put((byte) 4).putShort((short) (1 + random.nextInt(3)));
    else header.putShort((short) 0x0800).put((byte) (0x45 + random.nextInt(2))).put((byte) 0).putShort((short) (bytes - 14 + random.nextInt(3)))
      .putShort((short) random.nextInt()).putShort((short) (random.nextInt(3) == 0 ? random.nextInt() : 0)).put((byte) 64).put((byte) new int[] {1, 6, 17, 50}[random.nextInt(4)])
      .putShort((short) random.nextInt()).put(new byte[] {10, 9, 0, 2}).put(new byte[] {10, 9, 0, 1});
    System.arraycopy(header.array(), 0, frame, 0, Math.min(header.position(), bytes));
    return frame;
  }

  @Override public Life live(List<Step> steps) throws Exception {
    int cases = 0;
    List<FakeRequest> offered = new ArrayList<>();
    try (FakeContext machine = new FakeContext()) {
      Device device = new TunProvider().open(FakeContext.config(OURS), machine);
      try {
        byte[] address = NetworkInterface.getByName("tap0").getHardwareAddress();
        for (Step step : steps) {
          switch (step.act()) {
            case "send" -> {
              int[] sizes = sane(step, 3);
              byte[] whole = frame(Math.floorMod(step.number(1), 3), step.number(2), Arrays.stream(sizes).sum(), address);
              byte[][] parts = new byte[sizes.length][];
              for (int i = 0, at = 0; i < sizes.length; at += sizes[i++]) parts[i] = Arrays.copyOfRange(whole, at, at + sizes[i]);
              FakeRequest request = machine.send(step.number(0) & 1, parts);
              device.request(request);
              Finding.unless(request.isComplete(), "a frame was not completed");
              Finding.unless(request.completedLength() == 0 || request.completedLength() == request.length(), "a frame of %d bytes was completed with %d", request.length(), request.completedLength());
            }
            case "offer" -> offered.add(machine.offer(IN, sane(step, 0)));
            case "serve" -> device.service();
            case "host" -> {
              byte[] data = new byte[step.count(1, 1400)];
              for (int left = step.count(0, 50); left > 0; left--) host.send(new DatagramPacket(data, data.length, InetAddress.getByName(EVERYBODY), 4001));
            }
            case "exchange" -> {
              Optional<DeviceState> state = device.drain();
              device.close();
              device = new TunProvider().open(new DeviceConfig(OURS, state), machine);
            }
            default -> { }
          }
          cases++;
          for (FakeRequest buffer : offered)
            if (buffer.isComplete()) Finding.unless(buffer.completedLength() == 0 || buffer.completedLength() >= SHORTEST, "a frame of %d bytes has come", buffer.completedLength());
          while (!offered.isEmpty() && offered.getFirst().isComplete()) offered.removeFirst();
          Finding.unless(offered.stream().noneMatch(FakeRequest::isComplete), "buffers are filled out of order");
        }
        NetworkInterface tap = NetworkInterface.getByName("tap0");
        Finding.unless(tap != null && tap.isUp(), "the interface is gone");
      } finally {
        device.close();
      }
      int warnings = 0;
      for (FakeContext.LogLine line : machine.lines()) {
        Finding.unless(line.cause().isEmpty() && line.level() != System.Logger.Level.ERROR, "it logs a fault: %s", line);
        if (line.level() == System.Logger.Level.WARNING) warnings++;
      }
      Finding.unless(warnings <= 20, "it warns without end: %d times, %s", warnings, machine.lines().getLast());
    }
    Finding.unless(NetworkInterface.getByName("tap0") == null, "the interface stays when its guest has gone");
    return new Life(cases, "its own wish");
  }

  @Override public void close() { host.close(); }
}
