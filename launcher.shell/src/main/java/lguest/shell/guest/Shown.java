package lguest.shell.guest;

import java.time.Duration;
import java.util.LinkedHashMap;
import java.util.Locale;
import java.util.Map;
import lguest.launcher.Guest;
import lguest.launcher.GuestEnd;
import lguest.shell.command.Guests;

/** How guests are shown. */
final class Shown {
  private Shown() {}

  /** In a word, and for a guest that has ended, how. */
  static String state(Guest guest) {
    return guest.end().map(Guests::ending).orElseGet(() -> guest.state().name().toLowerCase(Locale.ROOT));
  }

  static String time(Duration up) { return "%d:%02d:%02d".formatted(up.toHours(), up.toMinutesPart(), up.toSecondsPart()); }

  static Map<String, Object> json(Guest guest) {
    Map<String, Object> json = new LinkedHashMap<>();
    json.put("name", guest.name());
    json.put("state", guest.state().name().toLowerCase(Locale.ROOT));
    guest.end().ifPresent(end -> json.put("end", json(end)));
    json.put("memoryBytes", guest.spec().memory());
    json.put("uptimeSeconds", guest.uptime().toMillis() / 1e3);
    json.put("processorSeconds", guest.processorTime().toMillis() / 1e3);
    json.put("instructions", guest.instructions());
    json.put("image", guest.spec().image().toString());
    return json;
  }

  static Map<String, Object> json(GuestEnd end) {
    Map<String, Object> json = new LinkedHashMap<>();
    json.put("kind", end.kind().name().toLowerCase(Locale.ROOT));
    json.put("reason", end.reason());
    json.put("status", end.status());
    return json;
  }
}
