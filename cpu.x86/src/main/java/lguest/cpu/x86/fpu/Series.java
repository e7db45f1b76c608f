package lguest.cpu.x86.fpu;

import java.math.BigInteger;

/** What the transcendental functions share: 128-bit working values, coefficients from exact integers, one rounding at the end. */
abstract class Series {
  /** Bits of a {@link Wide}; a shift by as many leaves nothing. */
  static final int UNIT = 128;

  final Rounding out;
  final Wide r = new Wide(), square = new Wide(), sum = new Wide();

  Series(Rounding out) {
    this.out = out;
  }

  static long[][] inverseFactorials(int first, int step, int n) {
    long[][] c = new long[n][];
    BigInteger f = BigInteger.ONE;
    for (int i = 2, k = 0; k < n; i++) {
      f = f.multiply(BigInteger.valueOf(i));
      if (i >= first && (i - first) % step == 0) c[k++] = Wide.fraction(BigInteger.ONE, f);
    }
    return c;
  }

  static long[][] inverseOdd(int first, int n) {
    long[][] c = new long[n][];
    for (int k = 0; k < n; k++) c[k] = Wide.fraction(BigInteger.ONE, BigInteger.valueOf(first + 2L * k));
    return c;
  }

  /** v · (1 − t); a t too small to see still takes one unit. */
  static Wide timesOneMinus(Wide v, Wide t) {
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

  /** n := n / d, normalised floats both. */
  static void quotient(Wide n, Wide d) {
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

  final void finish(int sign, Wide v) {
    out.flags |= Rounding.PE;
    out.round(sign, v.exponent - 1 + Rounding.BIAS, v.hi, v.lo | 1, 64);
  }
}
