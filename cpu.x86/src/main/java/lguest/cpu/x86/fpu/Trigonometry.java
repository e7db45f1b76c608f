package lguest.cpu.x86.fpu;

import java.math.BigInteger;

/**
 * FSIN, FCOS, FPTAN, FPATAN: power series on 128-bit fractions, rounded once, so that the result is the nearest 64-bit value but in
 * about one case in 2^50. Angles are reduced by the 66-bit pi that the processors use, because programs can see it. Special operands
 * follow the tables of SDM vol. 2.
 */
final class Trigonometry extends Series {
  private static final int SIN_TERMS = 15, ATAN_TERMS = 14;
  private static final long[][] SIN = inverseFactorials(3, 2, SIN_TERMS), COS = inverseFactorials(2, 2, SIN_TERMS);
  private static final long[][] ATAN = inverseOdd(3, ATAN_TERMS);
  /** 66-bit pi · 2^64 = pi/2 · 2^65: top two bits and the rest. */
  private static final long PI_HIGH = 3, PI_LOW = 0x243f6a8885a308d3L;
  /** pi · 2^126. */
  private static final long[] PI = {0xc90fdaa22168c234L, 0xc4c6628b80dc1cd1L};
  /** arctan of j/16 as fractions. */
  private static final long[][] ATAN_TABLE = arcTangents();

  private final Wide sine = new Wide(), cosine = new Wide();
  private int quadrant;

  Trigonometry(Rounding out) {
    super(out);
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
}
