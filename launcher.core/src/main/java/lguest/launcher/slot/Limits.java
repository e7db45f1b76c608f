package lguest.launcher.slot;

/**
 * How long code that is not ours is waited for before it is left behind, in milliseconds.
 *
 * @param open a provider's open, which may have files to look through
 * @param step each other step: to return from a call, to drain, to write out output, to close
 */
public record Limits(long open, long step) {
  public static final Limits USUAL = new Limits(5000, 1000);
  /** For a guest that is killed. */
  public static final Limits HURRY = new Limits(100, 100);
}
