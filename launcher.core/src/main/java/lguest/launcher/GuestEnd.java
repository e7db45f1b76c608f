package lguest.launcher;

/** How a guest ended (L7). {@code reason} is for people and may be empty; {@code status} is the exit status of a one-shot launch. */
public record GuestEnd(Kind kind, String reason, int status) {
  public enum Kind {
    /** It switched itself off. Status 0. */
    POWER_OFF,
    /** It died: the Host's or a device's reason. Status 1. */
    DIED,
    /** Somebody stopped it: {@link Guest#stop}, the triple ^C (status 2). */
    STOPPED,
    /** A fault of ours, logged with its stack. Status 1. */
    FAILED
  }
}
