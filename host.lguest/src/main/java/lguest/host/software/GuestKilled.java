package lguest.host.software;

/**
 * The guest's fault, and its end: the message is the original's reason text (ABI appendix C). Thrown and caught on the guest's
 * own thread; another guest that must die is told by {@link SoftwareHost#kill}. Without a stack: it is an outcome, not a bug.
 */
final class GuestKilled extends RuntimeException {
  private static final long serialVersionUID = 1;

  GuestKilled(String reason) { super(reason, null, false, false); }

  /** The kernel's {@code %#lx} of an unsigned 32-bit number: always with 0x, in lower case. */
  static String hex(long value) { return "0x" + Long.toHexString(value & 0xFFFF_FFFFL); }
}
