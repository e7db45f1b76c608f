package lguest.shell.command;

/** A command that has done and said what it should, and whose result is not success. */
public final class Failure extends RuntimeException {
  private static final long serialVersionUID = 1;
  private final int status;

  /** {@code status}: what becomes the exit status of a script; not 0. */
  public Failure(int status) {
    super("exit status " + status, null, false, false);
    this.status = status;
  }

  public int status() { return status; }
}
