package lguest.cpu.x86.fpu;

/**
 * One result being made: the 80-bit value, the exceptions met on the way and whether the last bit was rounded up. Everything that
 * computes extends or fills this; nothing is allocated per operation.
 *
 * <p>An 80-bit value is a pair: 16 bits of sign and biased exponent in an {@code int} (sign = 0x8000) and the 64-bit mantissa with
 * its explicit integer bit. Rounding follows SDM vol. 1, 4.8.4 and 8.5: tininess is detected after rounding, precision control
 * narrows the mantissa but never the exponent, an unmasked over- or underflow delivers the value with its exponent moved by 24576.
 */
class Rounding {
  static final int IE = 1, DE = 2, ZE = 4, OE = 8, UE = 16, PE = 32;
  static final int SIGN = 0x8000, EXPONENT = 0x7fff, BIAS = 16383;
  static final long INTEGER_BIT = Long.MIN_VALUE, QUIET_BIT = 1L << 62;
  static final int INDEFINITE = 0xffff;
  static final long INDEFINITE_MANTISSA = INTEGER_BIT | QUIET_BIT;
  private static final int WRAP = 24576;

  /** The control word as FLDCW takes it: masks in bits 0-5, precision in 8-9, rounding in 10-11. */
  int control = 0x37f;
  long mantissa;
  int signExp;
  int flags;
  boolean up;

  final void begin() {
    flags = 0;
    up = false;
  }

  final void set(int signExp, long mantissa) {
    this.signExp = signExp;
    this.mantissa = mantissa;
  }

  final void invalid() {
    flags |= IE;
    set(INDEFINITE, INDEFINITE_MANTISSA);
  }

  final void infinity(int sign) {
    set(sign | EXPONENT, INTEGER_BIT);
  }

  final void zero(int sign) {
    set(sign, 0);
  }

  final boolean unmasked(int exception) {
    return (~control & exception) != 0;
  }

  final int roundingMode() {
    return control >> 10 & 3;
  }

  /** Bits of mantissa that add, subtract, multiply, divide and square root keep. The reserved encoding acts as the full width. */
  final int precision() {
    return switch (control >> 8 & 3) {
      case 0 -> 24;
      case 2 -> 53;
      default -> 64;
    };
  }

  static boolean unsupported(int signExp, long mantissa) {
    return (signExp & EXPONENT) != 0 && mantissa >= 0;
  }

  static boolean nan(int signExp, long mantissa) {
    return (signExp & EXPONENT) == EXPONENT && mantissa << 1 != 0;
  }

  static boolean signalling(int signExp, long mantissa) {
    return nan(signExp, mantissa) && (mantissa & QUIET_BIT) == 0;
  }

  static boolean infinite(int signExp, long mantissa) {
    return (signExp & EXPONENT) == EXPONENT && mantissa == INTEGER_BIT;
  }

  static boolean zero(int signExp, long mantissa) {
    return (signExp & EXPONENT) == 0 && mantissa == 0;
  }

  /** Denormal or pseudo-denormal: both raise DE where an operand is computed with. */
  static boolean denormal(int signExp, long mantissa) {
    return (signExp & EXPONENT) == 0 && mantissa != 0;
  }

  /** Neither zero, denormal, infinite, NaN nor unsupported. */
  static boolean ordinary(int signExp, long mantissa) {
    return mantissa < 0 && Integer.compareUnsigned((signExp & EXPONENT) - 1, 0x7ffe) < 0;
  }

  /** Whether the magnitude grows when {@code rest}, the discarded bits as a fraction of one unit in the last place, is rounded away. */
  final boolean away(int sign, boolean odd, long rest) {
    if (rest == 0) return false;
    return switch (roundingMode()) {
      case 0 -> rest < 0 && (rest != Long.MIN_VALUE || odd);
      case 1 -> sign != 0;
      case 2 -> sign == 0;
      default -> false;
    };
  }

  /**
   * Makes {@code hi:lo * 2^(exponent - BIAS - 127)} the result. {@code hi} has its top bit set, {@code lo}'s lowest bit may stand
   * for everything below; {@code exponent} is biased and may lie anywhere.
   */
  final void round(int sign, int exponent, long hi, long lo, int width) {
    if (width == 64 && (control & 0xc00) == 0 && exponent > 0 && exponent < 0x7ffe) {
      if (lo != 0) {
        flags |= PE;
        if (lo < 0 && (lo != Long.MIN_VALUE || (hi & 1) != 0)) {
          up = true;
          if (++hi == 0) {
            hi = INTEGER_BIT;
            exponent++;
          }
        }
      }
      set(sign | exponent, hi);
      return;
    }
    roundAny(sign, exponent, hi, lo, width);
  }

  private void roundAny(int sign, int exponent, long hi, long lo, int width) {
    long ulp = 1L << 64 - width;
    long rest = rest(hi, lo, width);
    boolean away = away(sign, (hi & ulp) != 0, rest);
    long rounded = hi & -ulp;
    int e = exponent;
    if (away && (rounded += ulp) == 0) {
      rounded = INTEGER_BIT;
      e++;
    }
    if (e >= EXPONENT) {
      overflow(sign, e, rounded, rest, away, ulp);
    } else if (e < 1 && unmasked(UE)) {
      flags |= UE;
      if (e + WRAP < 1) {
        flags |= PE;
        zero(sign);
      } else {
        deliver(sign | e + WRAP, rounded, rest, away);
      }
    } else if (exponent < 1) {
      int shift = 1 - exponent;
      long h = shift < 64 ? hi >>> shift : 0;
      long l = shift < 64 ? hi << 64 - shift : shift == 64 ? hi : 1;
      if (lo != 0 || shift > 64) l |= 1;
      if (shift < 64 && lo >>> shift != 0) l |= 1;
      rest = rest(h, l, width);
      away = away(sign, (h & ulp) != 0, rest);
      h = (h & -ulp) + (away ? ulp : 0);
      if (rest != 0 && e < 1) flags |= UE;
      deliver(sign | (h < 0 ? 1 : 0), h, rest, away);
    } else {
      deliver(sign | e, rounded, rest, away);
    }
  }

  private static long rest(long hi, long lo, int width) {
    return width == 64 ? lo : hi << width | (lo != 0 ? 1 : 0);
  }

  private void deliver(int signExp, long mantissa, long rest, boolean away) {
    if (rest != 0) flags |= PE;
    up = away;
    set(signExp, mantissa);
  }

  private void overflow(int sign, int e, long rounded, long rest, boolean away, long ulp) {
    flags |= OE;
    if (unmasked(OE) && e - WRAP < EXPONENT) {
      deliver(sign | e - WRAP, rounded, rest, away);
      return;
    }
    flags |= PE;
    up = unmasked(OE) || away(sign, true, -1);
    if (up) infinity(sign);
    else set(sign | 0x7ffe, -ulp);
  }

  /** A NaN operand, or an encoding that no value has, decides the result; false when neither operand is one. */
  final boolean nanResult(int sa, long ma, int sb, long mb) {
    if (unsupported(sa, ma) || unsupported(sb, mb)) {
      invalid();
      return true;
    }
    boolean na = nan(sa, ma), nb = nan(sb, mb);
    if (!na && !nb) return false;
    boolean signallingA = na && (ma & QUIET_BIT) == 0, signallingB = nb && (mb & QUIET_BIT) == 0;
    if (signallingA || signallingB) flags |= IE;
    boolean takeA;
    if (!nb) takeA = true;
    else if (!na) takeA = false;
    else if (signallingA != signallingB) takeA = signallingB;
    else {
      // The larger significand wins, whatever the signs; the positive one when they are equal.
      int order = Long.compareUnsigned(ma, mb);
      takeA = order > 0 || order == 0 && sa < sb;
    }
    if (takeA) set(sa, ma | QUIET_BIT);
    else set(sb, mb | QUIET_BIT);
    return true;
  }

  /** The same for one operand. */
  final boolean nanResult(int s, long m) {
    if (unsupported(s, m)) {
      invalid();
      return true;
    }
    if (!nan(s, m)) return false;
    if ((m & QUIET_BIT) == 0) flags |= IE;
    set(s, m | QUIET_BIT);
    return true;
  }
}
