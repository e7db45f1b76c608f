package lguest.launcher.slot;

import java.text.MessageFormat;
import java.util.ResourceBundle;
import lguest.launcher.GuestLog;

/** A device's logger: the guest's log, with the device's name before each line. */
final class SlotLog implements System.Logger {
  private final String name;
  private final GuestLog log;

  SlotLog(String name, GuestLog log) {
    this.name = name;
    this.log = log;
  }

  @Override public String getName() { return name; }

  @Override public boolean isLoggable(Level level) { return level != Level.OFF && level.getSeverity() >= Level.DEBUG.getSeverity() && log.isLoggable(level); }

  @Override public void log(Level level, ResourceBundle bundle, String text, Throwable cause) {
    if (isLoggable(level)) log.line(level, name + ": " + text, cause);
  }

  @Override public void log(Level level, ResourceBundle bundle, String format, Object... values) {
    log(level, bundle, values == null || values.length == 0 ? format : MessageFormat.format(format, values), (Throwable) null);
  }
}
