package lguest.shell.command;

import lguest.launcher.Guest;
import lguest.launcher.GuestEnd;
import lguest.launcher.GuestSpec;

/** Who has defined a guest for longer than it runs. Any thread. */
public interface Owner {
  /** Where the definition stands, for people. */
  String place();

  /** What the guest is made of when it is made the next time. */
  GuestSpec next();

  /** The guest has been made once more. */
  void made(Guest guest);

  void ended(Guest guest, GuestEnd end);
}
