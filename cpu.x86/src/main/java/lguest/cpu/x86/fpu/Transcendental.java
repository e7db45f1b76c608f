package lguest.cpu.x86.fpu;

import java.math.BigInteger;

/**
 * FSIN, FCOS, FPTAN, FPATAN, F2XM1, FYL2X, FYL2XP1: power series on 128-bit fractions, rounded once, so that the result is the
 * nearest 64-bit value but in about one case in 2^50. Angles are reduced by the 66-bit pi that the processors use, because programs
 * can see it. Special operands follow the tables of SDM vol. 2; where those leave a result undefined, what processors give.
 */
final class Transcendental {
  private static final int SIN_TERMS = 15, EXP_TERMS = 29, ATAN_TERMS = 14, LOG_TERMS = 24;
  private static final long[][] SIN = inverseFactorials(3, 2, SIN_TERMS), COS = inverseFactorials(2, 2, SIN_TERMS);
  private static final long[][] EXP = inverseFactorials(2, 1, EXP_TERMS);
  private static final long[][] ATAN = inverseOdd(3, ATAN_TERMS), ATANH = inverseOdd(3, LOG_TERMS);
  /** 66-bit pi · 2^64 = pi/2 · 2^65: top two bits and the rest. */
  private static final long PI_HIGH = 3, PI_LOW = 0x243f6a8885a308d3L;
  private static final int UNIT = 128;
  /** pi · 2^126. */
  private static final long[] PI = {0xc90fdaa22168c234L, 0xc4c6628b80dc1cd1L};
  /** ln 2, and 1 / ln 2 halved. */
  private static final long[] LN2 = {0xb17217f7d1cf79abL, 0xc9e3b39803f2f6afL}, LOG2E_HALF = {0xb8aa3b295c17f0bbL, 0xbe87fed0691d3e88L};
  /** arctan of j/16 as fractions. */
  private static final long[][] ATAN_TABLE = arcTangents();

  private final Rounding out;
  private final Wide r = new Wide(), square = new Wide(), sum = new Wide(), sine = new Wide(), cosine = new Wide();
  private int quadrant;

  Transcendental(Rounding out) {
    this.out = out;
  }

  private static long[][] inverseFactorials(int first, int step, int n) {
    long[][] c = new long[n][];
    BigInteger f = BigInteger.ONE;
    for (int i = 2, k = 0; k < n; i++) {
      f = f.multiply(BigInteger.valueOf(i));
      if (i >= first && (i - first) % step == 0) c[k++] = Wide.fraction(BigInteger.ONE, f);
    }
    return c;
  }

  private static long[][] inverseOdd(int first, int n) {
    long[][] c = new long[n][];
    for (int k = 0; k < n; k++) c[k] = Wide.fraction(BigInteger.ONE, BigInteger.valueOf(first + 2L * k));
    return c;
  }

  /** By Euler's series, arctan x = Σ 2^2n (n!)² / (2n+1)! · x^(2n+1) / (1 + x²)^(n+1), in plain big integers. */
  private static long[][] arcTangents() {
    long[][] t = new long[17][];
    for (int j = 0; j <= 16; j++) {
      BigInteger square = BigInteger.valueOf(j * j), one = BigInteger.valueOf(256 + j * j);
      BigInteger term = BigInteger.valueOf(16L * j).shiftLeft(192).divide(one), total = BigInteger.ZERO;
      for (int n = 1; term.signum() != 0; n++) {
        total = total.add(term);
        term = term.multiply(square).multiply(BigInteger.valueOf(2L * n)).divide(one.multiply(BigInteger.valueOf(2L * n + 1)));
      }
      total = total.shiftRight(64);
      t[j] = new long[] {total.shiftRight(64).longValue(), total.longValue()};
    }
    return t;
  }

  // ---- angles

  /** Leaves |angle| mod pi/2, centred on 0, in {@link #r} as a float, its sign as the result, and the {@link #quadrant}. */
  private int reduce(int s, long m) {
    int e = Arithmetic.exponent(s, m) - Rounding.BIAS, sign = s & Rounding.SIGN;
    m = Arithmetic.normal(s, m);
    quadrant = 0;
    if (e < -1) {
      r.set(m, 0, e + 1);
      return sign;
    }
    // The angle in units of 2^-65 is an integer of at most 128 bits: long division by the 66-bit pi/2, a bit at a time.
    int shift = e + 2;
    r.set(shift == 64 ? m : m >>> 64 - shift, shift == 64 ? 0 : m << shift);
    int q = 0;
    for (int k = Math.max(0, e + 1); k >= 0; k--) {
      long dh = k == 0 ? PI_HIGH : PI_HIGH << k | PI_LOW >>> 64 - k, dl = PI_LOW << k;
      q <<= 1;
      if (k > 62 || r.compare(dh, dl) < 0) continue;
      r.add(~dh + (dl == 0 ? 1 : 0), -dl);
      q |= 1;
    }
    // Beyond half of pi/2 the next quadrant is nearer.
    sum.set(r).shiftLeft(1);
    if (sum.compare(PI_HIGH, PI_LOW) > 0) {
      r.subtractFrom(PI_HIGH, PI_LOW);
      q++;
      sign ^= Rounding.SIGN;
    }
    r.exponent = UNIT - 65;
    r.normalise();
    quadrant = (s & Rounding.SIGN) == 0 ? q & 3 : -q & 3;
    return sign;
  }

  /** r² as a fraction, in {@link #square}. */
  private void squareAngle() {
    square.set(r).multiply(r).shiftRight(Math.min(-2 * r.exponent, UNIT));
  }

  /** sin of r, a float. */
  private Wide sineOfAngle(Wide to) {
    sum.series(square, SIN, true).multiply(square);
    return timesOneMinus(to.set(r), sum);
  }

  /** v · (1 − t); a t too small to see still takes one unit. */
  private static Wide timesOneMinus(Wide v, Wide t) {
    int e = v.exponent;
    if (t.isZero()) {
      v.add(-1, -1);
    } else {
      t.subtractFrom(0, 0);
      v.multiply(t);
    }
    v.exponent = e;
    return v.normalise();
  }

  private Wide cosineOfAngle(Wide to) {
    to.series(square, COS, true).multiply(square);
    if (to.isZero()) to.set(-1, -1);
    else to.subtractFrom(0, 0);
    to.exponent = 0;
    return to.normalise();
  }

  /** NaN, infinity (invalid), zero: true when the result is made. */
  private boolean special(int s, long m) {
    if (out.nanResult(s, m)) return true;
    if (Rounding.infinite(s, m)) {
      out.invalid();
      return true;
    }
    if (Rounding.denormal(s, m)) out.flags |= Rounding.DE;
    return false;
  }

  void sine(int s, long m) {
    if (special(s, m)) return;
    if (m == 0) {
      out.set(s, m);
      return;
    }
    int sign = reduce(s, m);
    squareAngle();
    circular(sign, quadrant);
  }

  void cosine(int s, long m) {
    if (special(s, m)) return;
    if (m == 0) {
      out.set(Rounding.BIAS, Rounding.INTEGER_BIT);
      return;
    }
    int sign = reduce(s, m);
    squareAngle();
    circular(sign, quadrant + 1);
  }

  private void circular(int sign, int quadrant) {
    if ((quadrant & 1) == 0) sineOfAngle(sine);
    else cosineOfAngle(sine);
    int negative = (quadrant & 2) != 0 ? Rounding.SIGN : 0;
    finish((quadrant & 1) == 0 ? sign ^ negative : negative, sine);
  }

  private void finish(int sign, Wide v) {
    out.flags |= Rounding.PE;
    out.round(sign, v.exponent - 1 + Rounding.BIAS, v.hi, v.lo | 1, 64);
  }

  void tangent(int s, long m) {
    if (special(s, m)) return;
    if (m == 0) {
      out.set(s, m);
      return;
    }
    int sign = reduce(s, m);
    squareAngle();
    if (r.exponent < -64) {
      // tan x is just above x, by less than shows.
      sine.set(r.hi, 1, r.exponent);
      cosine.set(-1, -1, 0);
    } else {
      sineOfAngle(sine);
      cosineOfAngle(cosine);
    }
    if ((quadrant & 1) == 0) {
      quotient(sine, cosine);
      finish(sign, sine);
    } else {
      quotient(cosine, sine);
      finish(sign ^ Rounding.SIGN, cosine);
    }
  }

  /** n := n / d, normalised floats both. */
  private static void quotient(Wide n, Wide d) {
    int e = n.exponent - d.exponent;
    if (n.compare(d.hi, d.lo) >= 0) {
      n.shiftRight(1);
      e++;
    }
    if (n.compare(d.hi, d.lo) == 0) n.set(-1, -1);
    else n.divide(d.hi, d.lo);
    n.exponent = e;
    n.normalise();
  }

  /** arctan(y / x) in the quadrant of (x, y). */
  void arcTangent(int sy, long my, int sx, long mx) {
    if (out.nanResult(sx, mx, sy, my)) return;
    boolean iy = Rounding.infinite(sy, my), ix = Rounding.infinite(sx, mx);
    if (Rounding.denormal(sy, my) || Rounding.denormal(sx, mx)) out.flags |= Rounding.DE;
    int sign = sy & Rounding.SIGN;
    boolean left = (sx & Rounding.SIGN) != 0;
    if (iy || ix || my == 0 || mx == 0) {
      boolean vertical = iy || my != 0 && !ix;
      if (iy && ix) eighths(sign, left ? 3 : 1);
      else if (vertical) eighths(sign, 2);
      else if (left) eighths(sign, 4);
      else out.zero(sign);
      return;
    }
    int ey = Arithmetic.exponent(sy, my), ex = Arithmetic.exponent(sx, mx);
    my = Arithmetic.normal(sy, my);
    mx = Arithmetic.normal(sx, mx);
    boolean steep = ey > ex || ey == ex && Long.compareUnsigned(my, mx) > 0;
    if (ey == ex && my == mx) {
      eighths(sign, left ? 3 : 1);
      return;
    }
    Wide q = sine;
    q.set(steep ? mx : my, 0, steep ? ex - ey : ey - ex);
    cosine.set(steep ? my : mx, 0, 0);
    quotient(q, cosine);
    arcTangentOfRatio(q);
    if (!steep && !left) {
      finish(sign, q);
      return;
    }
    // To quarters of the unit, so that pi fits; nothing vanishes altogether.
    int shift = 2 - q.exponent;
    q.shiftRight(Math.min(shift, UNIT));
    if (q.isZero()) q.lo = 1;
    if (steep) {
      long h = PI[0] >>> 1, l = PI[0] << 63 | PI[1] >>> 1;
      if (left) q.add(h, l);
      else q.subtractFrom(h, l);
    } else {
      q.subtractFrom(PI[0], PI[1]);
    }
    q.exponent = 2;
    q.normalise();
    finish(sign, q);
  }

  private void eighths(int sign, int quarterPis) {
    sum.set(PI[0], PI[1]).shiftRight(2);
    if (quarterPis == 3) {
      r.set(sum);
      sum.shiftLeft(1).add(r.hi, r.lo);
    } else {
      sum.shiftLeft(quarterPis >> 1);
    }
    sum.exponent = 2;
    sum.normalise();
    finish(sign, sum);
  }

  /** q := arctan q for a float below one. The nearest sixteenth is split off by arctan q = arctan c + arctan((q − c) / (1 + qc)). */
  private void arcTangentOfRatio(Wide q) {
    int e = q.exponent;
    int j = e < -5 ? 0 : (int) ((q.hi >>> -e) + (1L << 59) >>> 60);
    if (e == 0 && j == 0) j = 16;
    if (j == 0) {
      square.set(q).multiply(q).shiftRight(Math.min(-2 * e, UNIT));
      sum.series(square, ATAN, true).multiply(square);
      q.exponent = e;
      timesOneMinus(q, sum);
      return;
    }
    q.shiftRight(-e);
    // (1 + qc) / 2
    cosine.set(q).shiftRight(4);
    long h = cosine.hi, l = cosine.lo;
    cosine.set(0, 0);
    for (int i = 0; i < j; i++) cosine.add(h, l);
    if (j == 16) cosine.set(q);
    cosine.shiftRight(1).add(1L << 63, 0);
    boolean below;
    if (j == 16) {
      q.subtractFrom(0, 0);
      below = true;
    } else {
      long c = (long) j << 60;
      below = q.compare(c, 0) < 0;
      if (below) q.subtractFrom(c, 0);
      else q.add(-c, 0);
    }
    // |q − c| is below 1/16, the divisor at least 1/2
    q.divide(cosine.hi, cosine.lo).shiftRight(1);
    square.set(q).multiply(q);
    sum.series(square, ATAN, true).multiply(square);
    r.set(q).multiply(sum);
    r.subtractFrom(q.hi, q.lo);
    if (below) r.subtractFrom(ATAN_TABLE[j][0], ATAN_TABLE[j][1]);
    else r.add(ATAN_TABLE[j][0], ATAN_TABLE[j][1]);
    q.set(r.hi, r.lo, 0).normalise();
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
    sine.set(r);
    if (negative) {
      timesOneMinus(sine, sum);
    } else {
      // 1 + sum, halved, below one
      sum.shiftRight(1).add(1L << 63, 1);
      sine.multiply(sum);
      sine.exponent = r.exponent + 1;
      sine.normalise();
    }
    finish(s & Rounding.SIGN, sine);
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
