package lguest.hostile;

/** A guest has done harm, or got what is not its own. */
final class Finding extends RuntimeException {
  private static final long serialVersionUID = 1;

  Finding(String what) { super(what); }

  Finding(String what, Throwable cause) { super(what, cause); }

  static void unless(boolean right, String what, Object... values) { if (!right) throw new Finding(what.formatted(values)); }
}
