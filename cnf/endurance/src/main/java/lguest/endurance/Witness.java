package lguest.endurance;

import static java.nio.charset.StandardCharsets.ISO_8859_1;

import java.nio.ByteBuffer;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.TimeUnit;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import lguest.device.Attachable;
import lguest.launcher.Guest;

/** A guest that soaks, and the person at its console: types numbered lines, and sees that each comes back once, whole and in order. */
final class Witness implements Attachable.Output, AutoCloseable {
  private static final long PATIENCE = TimeUnit.SECONDS.toNanos(120);
  private static final Pattern REPORT = Pattern.compile("soak: (\\w+) (\\d+): (\\d+) operations, (\\d+) KiB, (\\d+) wrong, (\\d+) again; by milliseconds:((?: \\d+:\\d+)*)");

  /** What the guest says of one device. {@code took}: operations by milliseconds. */
  record Report(String kind, int number, long operations, long kibibytes, long wrong, long again, long[] took) {}

  final Guest guest;
  private final StringBuilder text = new StringBuilder();
  private final Attachable.Attachment attachment;
  private int typed;

  Witness(Guest guest) {
    this.guest = guest;
    attachment = guest.slots().getLast().attach(this, true).orElseThrow();
  }

  @Override public synchronized void write(ByteBuffer data) {
    text.append(ISO_8859_1.decode(data));
    notifyAll();
  }

  private void input(String line) throws InterruptedException { attachment.input(ByteBuffer.wrap((line + "\n").getBytes(ISO_8859_1))); }

  /** A command at the demo guest's prompt. */
  void command(String command, String answer) throws InterruptedException {
    int from = seen();
    input(command);
    await(answer, from);
  }

  private synchronized int seen() { return text.length(); }

  synchronized void await(String wanted, int from) throws InterruptedException {
    long deadline = System.nanoTime() + PATIENCE;
    while (text.indexOf(wanted, from) < 0) {
      long left = deadline - System.nanoTime();
      if (left <= 0) throw new AssertionError(guest.name() + ": '" + wanted + "' did not appear; the console shows:\n" + text.substring(Math.max(0, text.length() - 2000)));
      TimeUnit.NANOSECONDS.timedWait(this, left);
    }
  }

  private static String line(int number) { return "line %06d ".formatted(number) + "abcdefghijklmnopqrstuvwxyz".repeat(3).substring(number % 26, number % 26 + number % 40); }

  /** Types the next line; does not wait for it. */
  void type() throws InterruptedException { input(line(typed++)); }

  /** Ends the soak: the guest looks at everything once more and reports. */
  List<Report> finish() throws InterruptedException {
    input("stop");
    await("soak: ends, ", 0);
    List<Report> reports = new ArrayList<>();
    Matcher matcher = REPORT.matcher(text);
    while (matcher.find()) {
      long[] took = new long[1024];
      for (String bucket : matcher.group(7).strip().split(" ")) {
        if (bucket.isEmpty()) continue;
        String[] pair = bucket.split(":");
        took[Integer.parseInt(pair[0])] = Long.parseLong(pair[1]);
      }
      reports.add(new Report(matcher.group(1), Integer.parseInt(matcher.group(2)), Long.parseLong(matcher.group(3)), Long.parseLong(matcher.group(4)), Long.parseLong(matcher.group(5)),
          Long.parseLong(matcher.group(6)), took));
    }
    return reports;
  }

  /** What the console shows between the soak's begin and its reports, that is not exactly what was typed; empty when all is as it should be. */
  synchronized String strange() {
    String marker = "soak: begins\r\n";
    int begin = text.indexOf(marker) + marker.length(), end = text.indexOf("soak: net", begin);
    if (end < 0) end = text.indexOf("soak: disk", begin);
    StringBuilder wanted = new StringBuilder();
    for (int i = 0; i < typed; i++) wanted.append("soak: ").append(line(i)).append("\r\n");
    String shown = text.substring(begin, end);
    if (shown.contentEquals(wanted)) return "";
    int at = 0;
    while (at < Math.min(shown.length(), wanted.length()) && shown.charAt(at) == wanted.charAt(at)) at++;
    return "%s: the console shows %d bytes instead of %d, from byte %d on '%s' instead of '%s'".formatted(guest.name(), shown.length(), wanted.length(), at,
        shown.substring(at, Math.min(at + 80, shown.length())), wanted.substring(at, Math.min(at + 80, wanted.length())));
  }

  int typed() { return typed; }

  @Override public void close() { guest.close(); }
}
