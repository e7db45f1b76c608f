package lguest.cpu.x86.state;

import lguest.cpu.x86.Exit;

/**
 * The guest's instruction cannot complete. One object per processor, thrown again and again: it carries no stack and its
 * fields are
 * the answer to the next questions of the Host. Whoever throws it has not changed any guest-visible state.
 */
public final class GuestFault extends RuntimeException {
  private static final long serialVersionUID = 1;

  public static final int DE = 0, DB = 1, BP = 3, OF = 4, BR = 5, UD = 6, NM = 7, TS = 10, NP = 11, SS = 12, GP = 13, PF = 14,
      MF = 16, AC = 17, XM = 19;

  public transient Exit exit;
  public int vector;
  public int errorCode;
  public boolean hasErrorCode;
  /** Linear address, for page faults. */
  public int address;
  /** Instruction length, for software interrupts. */
  public int length;

  public GuestFault() {
    super(null, null, false, false);
  }

  /** An exception without an error code. */
  public GuestFault plain(int vector) {
    return set(Exit.EXCEPTION, vector, 0, false);
  }

  public GuestFault withCode(int vector, int errorCode) {
    return set(Exit.EXCEPTION, vector, errorCode, true);
  }

  public GuestFault page(int linear, int errorCode) {
    address = linear;
    return set(Exit.EXCEPTION, PF, errorCode, true);
  }

  /** The page tables cannot be used. */
  public GuestFault broken(Exit exit, int linear) {
    address = linear;
    return set(exit, 0, 0, false);
  }

  public GuestFault set(Exit exit, int vector, int errorCode, boolean hasErrorCode) {
    this.exit = exit;
    this.vector = vector;
    this.errorCode = errorCode;
    this.hasErrorCode = hasErrorCode;
    this.length = 0;
    return this;
  }
}
