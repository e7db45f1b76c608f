package lguest.shell.device;

import java.time.Duration;
import java.util.LinkedHashMap;
import java.util.Locale;
import java.util.Map;
import lguest.launcher.DeviceSlot;
import lguest.launcher.SlotStatistics;
import lguest.shell.command.Targets;

/** How devices are shown. */
final class Shown {
  private Shown() {}

  static String state(DeviceSlot slot) { return slot.state().name().toLowerCase(Locale.ROOT); }

  /** With the reason, if there is one. */
  static String stateAndReason(DeviceSlot slot) { return state(slot) + slot.reason().map(reason -> ": " + reason).orElse(""); }

  static Map<String, Object> json(Targets.Device device) {
    DeviceSlot slot = device.slot();
    Map<String, Object> json = new LinkedHashMap<>();
    json.put("device", device.name());
    json.put("guest", device.guest().name());
    json.put("slot", slot.index());
    json.put("type", slot.type());
    json.put("argument", slot.argument());
    json.put("state", state(slot));
    json.put("reason", slot.reason().orElse(null));
    json.put("provider", slot.provider().orElse(null));
    json.put("requestsWaiting", slot.requestsWaiting());
    json.put("counters", slot.counters());
    return json;
  }

  static Map<String, Object> json(SlotStatistics statistics) {
    Map<String, Object> json = new LinkedHashMap<>();
    json.put("requests", statistics.requests());
    json.put("buffers", statistics.buffers());
    json.put("bytesOut", statistics.bytesOut());
    json.put("bytesIn", statistics.bytesIn());
    json.put("latency", json(statistics.latency()));
    json.put("swaps", statistics.swaps());
    json.put("pauses", json(statistics.pauses()));
    return json;
  }

  private static Map<String, Object> json(SlotStatistics.Times times) {
    Map<String, Object> json = new LinkedHashMap<>();
    json.put("medianMicros", micros(times.median()));
    json.put("percentile99Micros", micros(times.percentile99()));
    json.put("longestMicros", micros(times.longest()));
    return json;
  }

  static double micros(Duration time) { return time.toNanos() / 1e3; }

  /** In the unit that gives two to four digits. */
  static String time(Duration time) {
    double nanos = time.toNanos();
    return nanos == 0 ? "0" : nanos < 1e5 ? "%.1f µs".formatted(nanos / 1e3) : nanos < 1e6 ? "%.0f µs".formatted(nanos / 1e3)
        : nanos < 1e8 ? "%.1f ms".formatted(nanos / 1e6) : nanos < 1e9 ? "%.0f ms".formatted(nanos / 1e6) : "%.1f s".formatted(nanos / 1e9);
  }
}
