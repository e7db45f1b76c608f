package lguest.launcher.system;

import java.io.IOException;

/** An operating system call failed; the message is the system's own text for it, such as {@code Permission denied}. */
public final class OsException extends IOException {
  private static final long serialVersionUID = 1;

  /** In our own words. */
  public OsException(String message) { super(message); }

  OsException(Libc.Failure error) { super(error.getMessage(), error); }
}
