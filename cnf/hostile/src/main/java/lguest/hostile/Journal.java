package lguest.hostile;

import java.util.ArrayList;
import java.util.List;
import lguest.launcher.GuestLog;

/** What is logged of a guest: no fault of ours may be in it, and no guest may make it long. */
final class Journal implements GuestLog {
  private static final int LINES = 400;
  private final List<String> faults = new ArrayList<>();
  private int lines;

  @Override public synchronized void line(System.Logger.Level level, String text, Throwable cause) {
    // Detail is what nobody asked for here.
    if (level.getSeverity() >= System.Logger.Level.WARNING.getSeverity()) lines++;
    if ((level == System.Logger.Level.ERROR || cause != null) && faults.size() < 10) faults.add(level + " " + text + (cause == null ? "" : " " + cause));
  }

  synchronized void check() {
    Finding.unless(faults.isEmpty(), "it was logged as a fault of ours: %s", faults);
    Finding.unless(lines <= LINES, "a guest has made the log %d lines long", lines);
  }
}
