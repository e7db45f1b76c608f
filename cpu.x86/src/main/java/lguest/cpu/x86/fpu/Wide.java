package lguest.cpu.x86.fpu;

import java.math.BigInteger;

/**
 * 128-bit unsigned numbers for the insides of the transcendental functions: fractions hi:lo · 2^-128, and floats
 * hi:lo · 2^(exponent - 128) once {@link #normalise normalised}. Results stay in the fields; the last units of {@code lo} may be
 * wrong, which is 60 bits below anything that shows.
 */
final class Wide {
  long hi, lo;
  int exponent;

  Wide set(long hi, long lo) {
    this.hi = hi;
    this.lo = lo;
    return this;
  }

  Wide set(long hi, long lo, int exponent) {
    this.exponent = exponent;
    return set(hi, lo);
  }

  Wide set(Wide other) {
    return set(other.hi, other.lo, other.exponent);
  }

  boolean isZero() {
    return (hi | lo) == 0;
  }

  /** High half of the product. */
  Wide multiply(long bh, long bl) {
    long h = Math.unsignedMultiplyHigh(hi, bh), l = hi * bh;
    long cross = Math.unsignedMultiplyHigh(hi, bl);
    l += cross;
    if (Long.compareUnsigned(l, cross) < 0) h++;
    cross = Math.unsignedMultiplyHigh(lo, bh);
    l += cross;
    if (Long.compareUnsigned(l, cross) < 0) h++;
    return set(h, l);
  }

  Wide multiply(Wide b) {
    return multiply(b.hi, b.lo);
  }

  Wide add(long bh, long bl) {
    long l = lo + bl;
    hi += bh + (Long.compareUnsigned(l, bl) < 0 ? 1 : 0);
    lo = l;
    return this;
  }

  /** b − this. */
  Wide subtractFrom(long bh, long bl) {
    long l = bl - lo;
    hi = bh - hi - (Long.compareUnsigned(bl, lo) < 0 ? 1 : 0);
    lo = l;
    return this;
  }

  int compare(long bh, long bl) {
    int order = Long.compareUnsigned(hi, bh);
    return order != 0 ? order : Long.compareUnsigned(lo, bl);
  }

  Wide shiftRight(int n) {
    if (n >= 128) return set(0, 0);
    if (n >= 64) return set(0, hi >>> n - 64);
    return n == 0 ? this : set(hi >>> n, lo >>> n | hi << 64 - n);
  }

  Wide shiftLeft(int n) {
    if (n >= 64) return set(lo << n - 64, 0);
    return n == 0 ? this : set(hi << n | lo >>> 64 - n, lo << n);
  }

  /** Top bit set, exponent adjusted; must not be zero. */
  Wide normalise() {
    int n = hi != 0 ? Long.numberOfLeadingZeros(hi) : 64 + Long.numberOfLeadingZeros(lo);
    exponent -= n;
    return shiftLeft(n);
  }

  /** The quotient by d as a fraction; this must be less than d, and d have its top bit set. */
  Wide divide(long dh, long dl) {
    long q = hi == dh ? -1 : Arithmetic.divide128(hi, lo, dh);
    long p0 = q * dl, p1 = q * dh, p2 = Math.unsignedMultiplyHigh(q, dh), carry = Math.unsignedMultiplyHigh(q, dl);
    p1 += carry;
    if (Long.compareUnsigned(p1, carry) < 0) p2++;
    long r0 = -p0;
    int borrow = p0 != 0 ? 1 : 0;
    long r1 = lo - p1 - borrow;
    boolean under = borrow == 0 ? Long.compareUnsigned(lo, p1) < 0 : Long.compareUnsigned(lo, p1) <= 0;
    long r2 = hi - p2 - (under ? 1 : 0);
    while (r2 < 0) {
      q--;
      r0 += dl;
      int carried = Long.compareUnsigned(r0, dl) < 0 ? 1 : 0;
      long sum = r1 + dh;
      int out = Long.compareUnsigned(sum, dh) < 0 ? 1 : 0;
      r1 = sum + carried;
      if (carried == 1 && r1 == 0) out = 1;
      r2 += out;
    }
    long low = Long.compareUnsigned(r1, dh) >= 0 ? -1 : Arithmetic.divide128(r1, r0, dh);
    return set(q, low);
  }

  /** numerator / denominator, less than one, as {hi, lo}. */
  static long[] fraction(BigInteger numerator, BigInteger denominator) {
    BigInteger f = numerator.shiftLeft(128).divide(denominator);
    return new long[] {f.shiftRight(64).longValue(), f.longValue()};
  }

  /** c0 ∓ x·(c1 ∓ x·(c2 ∓ …)) with coefficients as {@link #fraction} pairs; alternating signs with {@code alternate}. */
  Wide series(Wide x, long[][] c, boolean alternate) {
    set(c[c.length - 1][0], c[c.length - 1][1]);
    for (int i = c.length - 2; i >= 0; i--) {
      multiply(x);
      if (alternate) subtractFrom(c[i][0], c[i][1]);
      else add(c[i][0], c[i][1]);
    }
    return this;
  }
}
