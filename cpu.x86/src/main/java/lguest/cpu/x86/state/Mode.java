package lguest.cpu.x86.state;

/**
 * What decoded code depends on besides its bytes and its address: part of the key of a block, so that a block need not test it
 * again. Segments that are flat (base 0, limit 4 GiB,
 * readable and writable) are so common that code is specialised for them; with alignment checking on, none counts as flat.
 */
public final class Mode {
  public static final int CODE32 = 1, CS_FLAT = 2, DS_FLAT = 4, ES_FLAT = 8, SS_FLAT = 16, STACK32 = 32;
  public static final int CPL_SHIFT = 6, CPL_MASK = 3 << CPL_SHIFT;
  public static final int ALIGNMENT = 1 << 8;
  /** FS or GS is like a flat segment but for its base. */
  public static final int FS_OPEN = 1 << 9, GS_OPEN = 1 << 10;
  /** Breakpoints are set: one instruction at a time. */
  public static final int STEPS = 1 << 11;
  /** Not of the processor but of emitted code: without groups of accesses. */
  public static final int PLAIN = 1 << 30;
  /** All modes of the processor are below this. */
  public static final int COUNT = 1 << 12;
  /** Nothing special: what all of Linux runs in, but for CPL. */
  public static final int FLAT = CODE32 | CS_FLAT | DS_FLAT | ES_FLAT | SS_FLAT | STACK32;

  private Mode() {}
}
