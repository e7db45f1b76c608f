package lguest.cpu.x86.fpu;

/** FLD1, FLDL2T, FLDL2E, FLDPI, FLDLG2, FLDLN2, FLDZ: correctly rounded in every rounding mode, as the unit has been since the 387. */
final class Constants {
  private static final int[] SIGN_EXP = {0x3fff, 0x4000, 0x3fff, 0x4000, 0x3ffd, 0x3ffe, 0};
  /** Truncated. */
  private static final long[] MANTISSA = {
      0x8000000000000000L, 0xd49a784bcd1b8afeL, 0xb8aa3b295c17f0bbL, 0xc90fdaa22168c234L, 0x9a209a84fbcff798L, 0xb17217f7d1cf79abL, 0};
  /** Whether the next bits are at least a half. */
  private static final boolean[] MORE_THAN_HALF = {false, false, true, true, true, true, false};

  private Constants() {}

  static int signExp(int which) {
    return SIGN_EXP[which];
  }

  static long mantissa(int which, int roundingMode) {
    boolean exact = which == 0 || which == 6;
    boolean up = !exact && (roundingMode == 2 || roundingMode == 0 && MORE_THAN_HALF[which]);
    return MANTISSA[which] + (up ? 1 : 0);
  }
}
