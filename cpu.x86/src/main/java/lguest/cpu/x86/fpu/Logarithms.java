package lguest.cpu.x86.fpu;

/**
 * F2XM1, FYL2X, FYL2XP1, to the same accuracy as {@link Trigonometry}. Where the manual leaves a result undefined because the operand
 * is out of range, what processors give.
 */
final class Logarithms extends Series {
  private static final int EXP_TERMS = 29, LOG_TERMS = 24;
  private static final long[][] EXP = inverseFactorials(2, 1, EXP_TERMS), ATANH = inverseOdd(3, LOG_TERMS);
  /** ln 2, and 1 / ln 2 halved. */
  private static final long[] LN2 = {0xb17217f7d1cf79abL, 0xc9e3b39803f2f6afL}, LOG2E_HALF = {0xb8aa3b295c17f0bbL, 0xbe87fed0691d3e88L};

  private final Wide power = new Wide();

  Logarithms(Rounding out) {
    super(out);
  }

  // ---- powers and logarithms

  /** F2XM1: 2^x − 1 for |x| ≤ 1; beyond, x itself. */
  void powerMinusOne(int s, long m) {
    if (out.nanResult(s, m)) return;
    if (Rounding.infinite(s, m)) {
      if (s == Rounding.EXPONENT) out.infinity(0);
      else out.set(Rounding.SIGN | Rounding.BIAS, Rounding.INTEGER_BIT);
      return;
    }
    if (Rounding.denormal(s, m)) out.flags |= Rounding.DE;
    if (m == 0) {
      out.set(s, m);
      return;
    }
    int e = Arithmetic.exponent(s, m) - Rounding.BIAS;
    if (e > 0 || e == 0 && m != Rounding.INTEGER_BIT) {
      out.flags |= Rounding.PE;
      out.set(s, m);
      return;
    }
    boolean negative = (s & Rounding.SIGN) != 0;
    if (e == 0) {
      out.flags |= Rounding.PE;
      out.set(negative ? Rounding.SIGN | Rounding.BIAS - 1 : Rounding.BIAS, Rounding.INTEGER_BIT);
      return;
    }
    // x = t / ln 2;  e^t − 1 = t (1 + t (1/2! + t (1/3! + …)))
    r.set(Arithmetic.normal(s, m), 0, e + 1).multiply(LN2[0], LN2[1]);
    r.normalise();
    square.set(r).shiftRight(Math.min(-r.exponent, UNIT));
    sum.series(square, EXP, negative).multiply(square);
    power.set(r);
    if (negative) {
      timesOneMinus(power, sum);
    } else {
      // 1 + sum, halved, below one
      sum.shiftRight(1).add(1L << 63, 1);
      power.multiply(sum);
      power.exponent = r.exponent + 1;
      power.normalise();
    }
    finish(s & Rounding.SIGN, power);
  }

  /** FYL2X: y · log2 x. */
  void logarithm(int sx, long mx, int sy, long my) {
    if (out.nanResult(sx, mx, sy, my)) return;
    int signY = sy & Rounding.SIGN;
    boolean iy = Rounding.infinite(sy, my), ix = Rounding.infinite(sx, mx);
    boolean one = sx == Rounding.BIAS && mx == Rounding.INTEGER_BIT;
    if (mx == 0 ? my == 0 : (sx & Rounding.SIGN) != 0 || ix && my == 0 || one && iy) {
      out.invalid();
      return;
    }
    if (mx == 0) {
      if (!iy) out.flags |= Rounding.ZE;
      out.infinity(signY ^ Rounding.SIGN);
      return;
    }
    if (Rounding.denormal(sy, my) || Rounding.denormal(sx, mx)) out.flags |= Rounding.DE;
    boolean below = (sx & Rounding.EXPONENT) < Rounding.BIAS;
    if (ix || iy || my == 0 || one) {
      if (ix || iy) out.infinity(below ? signY ^ Rounding.SIGN : signY);
      else out.zero(below ? signY ^ Rounding.SIGN : signY);
      return;
    }
    int negative = logarithmOf(Arithmetic.exponent(sx, mx) - Rounding.BIAS, Arithmetic.normal(sx, mx), 0);
    timesY(negative ^ signY, sy, my);
  }

  /** FYL2XP1: y · log2(x + 1); at and below −1, where that has no value, x itself. */
  void logarithmPlusOne(int sx, long mx, int sy, long my) {
    if (out.nanResult(sx, mx, sy, my)) return;
    int sign = (sx ^ sy) & Rounding.SIGN;
    boolean iy = Rounding.infinite(sy, my), ix = Rounding.infinite(sx, mx), left = (sx & Rounding.SIGN) != 0;
    if (ix && (left || my == 0) || mx == 0 && iy) {
      out.invalid();
      return;
    }
    if (Rounding.denormal(sy, my) || Rounding.denormal(sx, mx)) out.flags |= Rounding.DE;
    if (ix || iy) {
      out.infinity(sign);
      return;
    }
    if (mx == 0 || my == 0) {
      out.zero(sign);
      return;
    }
    int e = Arithmetic.exponent(sx, mx) - Rounding.BIAS;
    long m = Arithmetic.normal(sx, mx);
    if (left && e >= 0) {
      out.flags |= Rounding.PE;
      out.set(sx, mx);
      return;
    }
    int negative;
    if (e >= -2) {
      // x + 1 fits 128 bits without a loss that counts; far from 1 the common way is exact enough.
      r.set(m, 0, e + 1);
      if (left) {
        r.shiftRight(-r.exponent).subtractFrom(0, 0);
        r.exponent = 0;
        r.normalise();
      } else {
        int carry = Math.max(r.exponent, 1) + 1;
        r.shiftRight(Math.min(carry - r.exponent, UNIT));
        if (carry <= UNIT) r.add(carry <= 64 ? 1L << 64 - carry : 0, carry > 64 ? 1L << UNIT - carry : 0);
        r.exponent = carry;
        r.normalise();
      }
      negative = logarithmOf(r.exponent - 1, r.hi, r.lo);
    } else {
      // z = x / (2 + x); the divisor quartered lies near 1/2
      square.set(m, 0).shiftRight(Math.min(1 - e, UNIT));
      if (left) square.subtractFrom(1L << 63, 0);
      else square.add(1L << 63, 0);
      square.exponent = 2;
      square.normalise();
      r.set(m, 0, e + 1);
      quotient(r, square);
      atanhTimesLog2e();
      negative = left ? Rounding.SIGN : 0;
    }
    timesY(negative ^ sy & Rounding.SIGN, sy, my);
  }

  /** |log2| of hi:lo · 2^(e − 127), to {@link #r} as a float; the sign is returned. A logarithm of zero leaves r zero. */
  private int logarithmOf(int e, long hi, long lo) {
    // m in [1/√2, √2), as m/2 in hi:lo or m in hi:lo
    boolean upper = Long.compareUnsigned(hi, 0xb504f333f9de6484L) >= 0;
    if (upper) e++;
    // (m − 1) / (m + 1)
    boolean negative;
    if (upper) {
      // m = fraction below 1
      r.set(hi, lo).subtractFrom(0, 0);
      square.set(hi, lo).shiftRight(1).add(1L << 63, 0);
      square.exponent = 1;
      negative = true;
      r.exponent = 0;
    } else {
      // m = 2 · fraction; m − 1 = fraction with its top bit gone
      r.set(hi & Long.MAX_VALUE, lo, 1);
      square.set(hi, lo).shiftRight(1).add(1L << 62, 0);
      square.exponent = 2;
      negative = false;
    }
    boolean exact = r.isZero();
    if (!exact) {
      r.normalise();
      square.normalise();
      quotient(r, square);
      atanhTimesLog2e();
    }
    if (e == 0) return negative ? Rounding.SIGN : 0;
    boolean negativeInteger = e < 0;
    // Sixteen bits before the point, 112 behind.
    if (exact) r.set(0, 0);
    else r.shiftRight(Math.min(16 - r.exponent, UNIT));
    long integer = (long) Math.abs(e) << 48;
    if (negative == negativeInteger) r.add(integer, 0);
    else r.subtractFrom(integer, 0);
    r.exponent = 16;
    r.normalise();
    return negativeInteger ? Rounding.SIGN : 0;
  }

  /** r := 2 · artanh(r) / ln 2, for a float of at most 0.18. */
  private void atanhTimesLog2e() {
    square.set(r).multiply(r).shiftRight(Math.min(-2 * r.exponent, UNIT));
    sum.series(square, ATANH, false).multiply(square);
    sum.shiftRight(1).add(1L << 63, 0);
    int e = r.exponent;
    r.multiply(sum).multiply(LOG2E_HALF[0], LOG2E_HALF[1]);
    // one for the halved series, two for 2 / ln 2 of which a half was taken
    r.exponent = e + 3;
    r.normalise();
  }

  private void timesY(int sign, int sy, long my) {
    int e = Arithmetic.exponent(sy, my) - Rounding.BIAS + 1;
    int re = r.exponent;
    r.multiply(Arithmetic.normal(sy, my), 0);
    r.exponent = re + e;
    r.normalise();
    finish(sign, r);
  }
}
