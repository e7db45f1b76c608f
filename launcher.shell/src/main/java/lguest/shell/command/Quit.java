package lguest.shell.command;

/** The user has had enough. */
public final class Quit extends RuntimeException {
  private static final long serialVersionUID = 1;

  public Quit() { super("quit", null, false, false); }
}
