package lguest.shell.config;

import lguest.launcher.GuestEnd;

/** Whether a guest that has ended is booted once more. One that somebody stopped never is. */
enum Restart {
  NO, ON_FAILURE, ALWAYS;

  /** As it is written in a file. */
  String word() { return name().toLowerCase().replace('_', '-'); }

  boolean after(GuestEnd end) {
    return switch (end.kind()) {
      case POWER_OFF -> this == ALWAYS;
      case DIED, FAILED -> this != NO;
      case STOPPED -> false;
    };
  }
}
