package lguest.cpu.x86.fpu;

import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;

/** The 512 bytes of FXSAVE in their legacy 32-bit form (SDM vol. 1, 10.5.1, table 10-2) in native memory. */
final class FxsaveImage {
  private static final MemorySegment NATIVE = MemorySegment.NULL.reinterpret(Long.MAX_VALUE);
  private static final ValueLayout.OfShort SHORT = ValueLayout.JAVA_SHORT_UNALIGNED;
  private static final ValueLayout.OfInt INT = ValueLayout.JAVA_INT_UNALIGNED;
  private static final ValueLayout.OfLong LONG = ValueLayout.JAVA_LONG_UNALIGNED;
  private static final int FCW = 0, FSW = 2, FTW = 4, FOP = 6, FIP = 8, FCS = 12, FDP = 16, FDS = 20, MXCSR = 24, MXCSR_MASK = 28, ST = 32;
  /** Software may use the last 48 bytes for itself: FXSAVE does not write them, FXRSTOR does not read them. */
  private static final int DEFINED = 464;
  private static final int DEFAULT_MXCSR_MASK = 0xffbf;

  private final long base;

  FxsaveImage(long base) {
    if ((base & 15) != 0) throw new IllegalArgumentException("FXSAVE image not on a 16-byte boundary: 0x" + Long.toHexString(base));
    this.base = base;
  }

  private int word(int offset) {
    return NATIVE.get(SHORT, base + offset) & 0xffff;
  }

  void load(X87 x) {
    x.setControlWord(word(FCW));
    x.setStatusWord(word(FSW));
    x.full = NATIVE.get(ValueLayout.JAVA_BYTE, base + FTW) & 0xff;
    x.fop = word(FOP) & 0x7ff;
    x.fip = NATIVE.get(INT, base + FIP);
    x.fcs = word(FCS);
    x.fdp = NATIVE.get(INT, base + FDP);
    x.fds = word(FDS);
    for (int i = 0; i < 8; i++) {
      int physical = x.top + i & 7;
      x.mantissa[physical] = NATIVE.get(LONG, base + ST + 16 * i);
      x.signExp[physical] = word(ST + 16 * i + 8);
    }
  }

  void store(X87 x) {
    NATIVE.set(SHORT, base + FCW, (short) x.controlWord());
    NATIVE.set(SHORT, base + FSW, (short) x.statusWord());
    NATIVE.set(SHORT, base + FTW, (short) x.full);
    NATIVE.set(SHORT, base + FOP, (short) x.fop);
    NATIVE.set(INT, base + FIP, x.fip);
    NATIVE.set(INT, base + FCS, x.fcs);
    NATIVE.set(INT, base + FDP, x.fdp);
    NATIVE.set(INT, base + FDS, x.fds);
    for (int i = 0; i < 8; i++) {
      int physical = x.top + i & 7;
      NATIVE.set(LONG, base + ST + 16 * i, x.mantissa[physical]);
      NATIVE.set(LONG, base + ST + 16 * i + 8, x.signExp[physical]);
    }
  }

  void copyTo(byte[] area) {
    MemorySegment.copy(NATIVE, ValueLayout.JAVA_BYTE, base, area, 0, DEFINED);
  }

  boolean copyFrom(byte[] area) {
    int mxcsr = MemorySegment.ofArray(area).get(INT, MXCSR);
    int mask = NATIVE.get(INT, base + MXCSR_MASK);
    if ((mxcsr & ~(mask != 0 ? mask : DEFAULT_MXCSR_MASK)) != 0) return false;
    MemorySegment.copy(area, 0, NATIVE, ValueLayout.JAVA_BYTE, base, DEFINED);
    NATIVE.set(INT, base + MXCSR_MASK, mask);
    return true;
  }
}
