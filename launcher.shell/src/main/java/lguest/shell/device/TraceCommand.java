package lguest.shell.device;

import java.nio.charset.StandardCharsets;
import java.time.ZoneId;
import java.time.format.DateTimeFormatter;
import java.util.ArrayList;
import java.util.HexFormat;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.concurrent.ArrayBlockingQueue;
import java.util.concurrent.BlockingQueue;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicLong;
import lguest.launcher.DeviceSlot;
import lguest.launcher.Guest;
import lguest.launcher.RequestTrace;
import lguest.shell.command.Call;
import lguest.shell.command.Command;
import lguest.shell.command.Json;
import lguest.shell.command.Targets;
import lguest.shell.command.Words;
import lguest.shell.command.Words.Kind;

/**
 * Shows requests as they are completed. Devices and guests do not wait for the terminal: what it is too slow for is counted and
 * told.
 */
public final class TraceCommand extends Command {
  private static final int ROOM = 10_000;
  private static final long LOOK_MILLIS = 100;
  private static final DateTimeFormatter TIME = DateTimeFormatter.ofPattern("HH:mm:ss.SSSSSS").withZone(ZoneId.systemDefault());
  private static final String FORM = "%-15s  %-12s  %2s %-3s  %8s  %8s  %9s  %s";

  /** A request and where it was seen. */
  private record Seen(Targets.Device device, RequestTrace request) {}

  public TraceCommand() {
    super(Words.of("device", "trace", "show each request of a device as it is done, until ^C")
        .jsonLines().option("-n=<count>", Kind.OTHER, "stop after so many")
        .word("[<guest>|<device>]", Kind.GUEST_OR_DEVICE)
        .more("""
            CH is the channel; 'out' a request the guest sent, 'in' a buffer it offered and the device filled.
            LENGTH is what there was to read or room to write, USED what the device took or put in, LATENCY the
            time to completion, waiting for a device included. DATA are the first bytes, as text where they are.""")
        .example("device:trace web/console -n 10", "ten requests")
        .example("device:trace web", "all of web's devices"));
  }

  @Override public void run(Call call) throws Exception {
    long left = call.number("-n", 1).orElse(Long.MAX_VALUE);
    List<Targets.Device> devices = call.devices(0);
    BlockingQueue<Seen> seen = new ArrayBlockingQueue<>(ROOM);
    AtomicLong missed = new AtomicLong();
    List<AutoCloseable> traces = new ArrayList<>();
    try {
      for (Targets.Device device : devices)
        traces.add(device.slot().trace(request -> {
          if (!seen.offer(new Seen(device, request))) missed.incrementAndGet();
        }));
      if (!call.json()) line(call, FORM.formatted("TIME", "DEVICE", "CH", "", "LENGTH", "USED", "LATENCY", "DATA"));
      while (left > 0) {
        Seen next = seen.poll(LOOK_MILLIS, TimeUnit.MILLISECONDS);
        long lost = missed.getAndSet(0);
        if (lost > 0) call.say(call.json() ? Json.of(Map.of("missed", lost)) : "… " + lost + " requests are not shown: they came too fast");
        if (next == null && devices.stream().allMatch(TraceCommand::isOver)) return;
        if (next == null) continue;
        if (call.json()) call.say(Json.of(json(next)));
        else line(call, text(next));
        call.out().flush();
        left--;
      }
    } catch (InterruptedException e) {
      // ^C: the way to end it.
    } finally {
      for (AutoCloseable trace : traces) trace.close();
    }
  }

  private static boolean isOver(Targets.Device device) {
    return device.slot().state() == DeviceSlot.State.GONE || device.guest().state() == Guest.State.ENDED;
  }

  /** One line of the terminal: what follows is not worth a second one. */
  private static void line(Call call, String text) { call.say(text.length() <= call.width() ? text : text.substring(0, call.width())); }

  private static String text(Seen seen) {
    RequestTrace request = seen.request();
    return FORM.formatted(TIME.format(request.time()), seen.device().name(), request.channel(), request.sent() ? "out" : "in", request.length(), request.used(),
        Shown.time(request.latency()), data(request.first()));
  }

  private static Map<String, Object> json(Seen seen) {
    RequestTrace request = seen.request();
    Map<String, Object> json = new LinkedHashMap<>();
    json.put("time", request.time().toString());
    json.put("device", seen.device().name());
    json.put("type", seen.device().slot().type());
    json.put("channel", request.channel());
    json.put("sent", request.sent());
    json.put("length", request.length());
    json.put("used", request.used());
    json.put("latencyMicros", Shown.micros(request.latency()));
    json.put("first", HexFormat.of().formatHex(request.first()));
    return json;
  }

  /** Text in quotes where it is text, else hexadecimal. */
  static String data(byte[] bytes) {
    StringBuilder text = new StringBuilder("\"");
    for (char c : new String(bytes, StandardCharsets.ISO_8859_1).toCharArray()) {
      switch (c) {
        case '\n' -> text.append("\\n");
        case '\r' -> text.append("\\r");
        case '\t' -> text.append("\\t");
        case '\33' -> text.append("\\e");
        case '\b' -> text.append("\\b");
        case '"', '\\' -> text.append('\\').append(c);
        default -> {
          if (c < ' ' || c > '~') return HexFormat.ofDelimiter(" ").formatHex(bytes);
          text.append(c);
        }
      }
    }
    return bytes.length == 0 ? "" : text.append('"').toString();
  }
}
