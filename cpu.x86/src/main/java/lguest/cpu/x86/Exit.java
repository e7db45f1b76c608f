package lguest.cpu.x86;

/** Why {@link Cpu#run} came back. In every case the state is precise: all instructions before EIP are done, none after. */
public enum Exit {
  /** The instruction budget given to run is used up. */
  BUDGET,
  /** {@link Cpu#requestExit} was called; the request is cleared. */
  REQUESTED,
  /**
   * A fault or trap: {@link Cpu#vector}, {@link Cpu#errorCode} when {@link Cpu#hasErrorCode}, and for page faults
   * {@link Cpu#faultAddress}. For faults EIP is at the instruction, for traps (single step) behind it. CR2 is set as the
   * processor does.
   */
  EXCEPTION,
  /**
   * INT n, INT3, INTO with OF set, INT1: not executed, EIP at the instruction; {@link Cpu#vector} and {@link
   * Cpu#instructionLength}.
   */
  SOFTWARE_INTERRUPT,
  /** HLT at CPL 0; EIP behind it. */
  HALT,
  /**
   * The walk for {@link Cpu#faultAddress} met a directory entry with a forbidden bit or a table outside guest-physical memory.
   */
  BAD_PAGE_DIRECTORY_ENTRY,
  /** The walk for {@link Cpu#faultAddress} met a table entry with a forbidden bit or a page outside guest-physical memory. */
  BAD_PAGE_TABLE_ENTRY
}
