package lguest.shell.words;

/** The user asked for something that cannot be: one line that says what, why and what to do. */
public final class UserError extends Exception {
  private static final long serialVersionUID = 1;
  private final boolean usage;

  private UserError(String message, boolean usage) {
    super(message, null, false, false);
    this.usage = usage;
  }

  /** The line stands alone. */
  public static UserError of(String message) { return new UserError(message, false); }

  /** The line is followed by the usage (L1, L3). */
  public static UserError withUsage(String message) { return new UserError(message, true); }

  public boolean usage() { return usage; }
}
