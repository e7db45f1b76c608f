package lguest.dev;

/** The user asked for something that cannot be: one line that says what, why and what to do. */
public final class UserError extends Exception {
  private static final long serialVersionUID = 1;

  public UserError(String message) { super(message, null, false, false); }
}
