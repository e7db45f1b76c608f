package lguest.launcher;

/** A guest cannot be launched as wanted: the user's fault. The message is one line that says what, why and what to do. */
public final class LaunchException extends Exception {
  private static final long serialVersionUID = 1;

  public LaunchException(String message) { super(message); }

  public LaunchException(String message, Throwable cause) { super(message, cause); }
}
