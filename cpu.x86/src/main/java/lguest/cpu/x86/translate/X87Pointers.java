package lguest.cpu.x86.translate;

import static lguest.cpu.x86.state.CpuState.*;

import lguest.cpu.x86.state.Native;

/** The x87 unit remembers its last instruction and that one's operand; emitted code only where to look that up ({@link Exits}), which is done when it is left. */
final class X87Pointers {
  private static final int FOP = FXSAVE + 6, FIP = FXSAVE + 8, FCS = FXSAVE + 12, FDS = FXSAVE + 20;

  private final long state;
  private final Exits exits;

  X87Pointers(long state, Exits exits) {
    this.state = state;
    this.exits = exits;
  }

  /** Emitted code was left by this exit, with the unit in use. */
  void settle(int exit) {
    int site = Native.get32(state + X87_SITE);
    if (site != 0) {
      note(site - 1);
      int segment = Native.get32(state + X87_SEGMENT);
      if (segment != 0) noteSegment(segment - 1);
      Native.set64(state + X87_SITE, 0);
    }
    note(exit);
  }

  private void note(int exit) {
    int x87 = exits.x87(exit);
    if (x87 == Exits.NO_X87) return;
    Native.set16(state + FOP, x87 & 0x7FF);
    Native.set32(state + FIP, exits.fip(exit));
    Native.set32(state + FCS, selector(CS));
    if (x87 >>> 16 != 0) noteSegment((x87 >>> 16) - 1);
  }

  private void noteSegment(int segment) { Native.set32(state + FDS, selector(segment)); }

  private int selector(int segment) { return Native.get16(state + SEGMENTS + segment * SEGMENT_SIZE + SELECTOR) & 0xFFFF; }
}
