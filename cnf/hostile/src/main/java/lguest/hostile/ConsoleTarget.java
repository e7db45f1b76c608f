package lguest.hostile;

import java.io.ByteArrayOutputStream;
import java.nio.ByteBuffer;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Optional;
import java.util.Random;
import lguest.device.Attachable;
import lguest.device.Device;
import lguest.device.DeviceConfig;
import lguest.device.console.ConsoleProvider;
import lguest.device.fake.FakeContext;
import lguest.device.fake.FakeRequest;

/**
 * Consoles. Every byte the guest sends comes out once and in order, every byte typed goes in once and in order, whatever shapes the guest sends and offers, and while the console is
 * exchanged.
 *
 * <p>Steps: {@code send <sizes>…}, {@code offer <sizes>…}, {@code type <bytes>}, {@code serve}, {@code exchange}.
 */
final class ConsoleTarget implements Target {
  private static final int MAX_PART = 65535, MAX_TYPED = 30_000;

  @Override public List<Step> invent(Random random) {
    List<Step> steps = new ArrayList<>();
    for (int left = 1 + random.nextInt(200); left > 0; left--)
      steps.add(switch (random.nextInt(random.nextInt(10) == 0 ? 9 : 8)) {
        case 0, 1, 2 -> new Step("send", sizes(random));
        case 3, 4 -> new Step("offer", sizes(random));
        case 5, 6 -> new Step("type", 1 + random.nextInt(random.nextInt(10) == 0 ? 4000 : 30));
        case 7 -> new Step("serve");
        default -> new Step("exchange");
      });
    return steps;
  }

  private static int[] sizes(Random random) {
    int[] sizes = new int[random.nextInt(17)];
    for (int i = 0; i < sizes.length; i++) sizes[i] = 1 + random.nextInt(random.nextInt(60) == 0 ? MAX_PART : random.nextInt(10) == 0 ? 4096 : 40);
    return sizes;
  }

  private static int[] sane(Step step) { return Arrays.stream(step.numbers()).limit(16).map(size -> Math.clamp(size, 1, MAX_PART)).toArray(); }

  /** What is sent, and what is typed: byte n of either is this, so that nothing can be lost, repeated or moved. Never ^C. */
  private static byte letter(int n) { return (byte) (32 + (n * 7 + n / 251) % 223); }

  private static byte[] letters(int from, int count) {
    byte[] bytes = new byte[count];
    for (int i = 0; i < count; i++) bytes[i] = letter(from + i);
    return bytes;
  }

  private static final class Screen implements Attachable.Output {
    private final ByteArrayOutputStream all = new ByteArrayOutputStream();

    @Override public synchronized void write(ByteBuffer data) {
      byte[] bytes = new byte[data.remaining()];
      data.get(bytes);
      all.writeBytes(bytes);
    }

    synchronized byte[] seen() { return all.toByteArray(); }
  }

  @Override public Life live(List<Step> steps) throws Exception {
    ConsoleProvider provider = new ConsoleProvider();
    Screen screen = new Screen();
    int sent = 0, typed = 0, read = 0, cases = 0;
    List<FakeRequest> offered = new ArrayList<>();
    try (FakeContext machine = new FakeContext()) {
      Device device = provider.open(FakeContext.config(""), machine);
      try {
        Attachable.Attachment keyboard = ((Attachable) device).attach(screen, true);
        for (Step step : steps) {
          cases++;
          switch (step.act()) {
            case "send" -> {
              int[] sizes = sane(step);
              byte[][] parts = new byte[sizes.length][];
              for (int i = 0; i < sizes.length; sent += sizes[i++]) parts[i] = letters(sent, sizes[i]);
              FakeRequest request = machine.send(0, parts);
              device.request(request);
              Finding.unless(request.await(java.time.Duration.ofSeconds(30)) == request.length(), "it took %d of %d bytes", request.completedLength(), request.length());
            }
            case "offer" -> offered.add(machine.offer(0, sane(step)));
            case "type" -> {
              // More would wait for the guest, and so would we.
              int count = Math.min(step.count(0, MAX_TYPED), MAX_TYPED - (typed - read));
              if (count > 0) keyboard.input(ByteBuffer.wrap(letters(typed, count)));
              typed += Math.max(count, 0);
            }
            case "serve" -> machine.serve(device);
            case "exchange" -> {
              var state = device.drain();
              keyboard.close();
              device.close();
              device = provider.open(new DeviceConfig("", state), machine);
              keyboard = ((Attachable) device).attach(screen, false);
            }
            default -> { }
          }
          for (; !offered.isEmpty() && offered.getFirst().isComplete(); read += offered.removeFirst().received().length) {
            byte[] received = offered.getFirst().received();
            Finding.unless(Arrays.equals(received, letters(read, received.length)), "what is read is not what was typed, from byte %d on", read);
          }
          Finding.unless(read <= typed, "more is read than was typed");
          Finding.unless(offered.stream().noneMatch(FakeRequest::isComplete), "buffers are filled out of order");
        }
        keyboard.close();
      } finally {
        device.close();
      }
      Finding.unless(machine.ended().equals(Optional.empty()), "it ended the guest: %s", machine.ended());
      for (FakeContext.LogLine line : machine.lines()) Finding.unless(line.cause().isEmpty() && line.level() != System.Logger.Level.ERROR, "it logs a fault: %s", line);
    }
    byte[] seen = screen.seen();
    Finding.unless(Arrays.equals(seen, letters(0, sent)), "%d bytes were sent, and %d others were seen", sent, seen.length);
    return new Life(cases, "its own wish");
  }

  @Override public void close() {}
}
