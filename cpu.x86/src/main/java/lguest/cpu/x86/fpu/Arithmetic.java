package lguest.cpu.x86.fpu;

/**
 * Exact arithmetic on 80-bit values, rounded once (SDM vol. 1, chapter 8; IEEE 754). Each method leaves its result and exceptions in
 * the fields of {@link Rounding}; none of them looks at masks except through rounding, that is the caller's business.
 */
class Arithmetic extends Rounding {
  /** Low bits of the quotient of the last {@link #remainder}, and whether that reduction was only partial. */
  int quotient;
  boolean partial;

  /** a + b, or a − b with {@code flip} = 0x8000. */
  final void add(int sa, long ma, int sb, long mb, int flip) {
    if (!ordinary(sa, ma) || !ordinary(sb, mb)) {
      addSpecial(sa, ma, sb, mb, flip);
      return;
    }
    addFinite(sa & SIGN, sa & EXPONENT, ma, (sb ^ flip) & SIGN, sb & EXPONENT, mb);
  }

  private void addSpecial(int sa, long ma, int sb, long mb, int flip) {
    if (nanResult(sa, ma, sb, mb)) return;
    sb ^= flip;
    boolean ia = infinite(sa, ma), ib = infinite(sb, mb);
    if (ia && ib && sa != sb) {
      invalid();
      return;
    }
    if (denormal(sa, ma) || denormal(sb, mb)) flags |= DE;
    if (ia) set(sa, ma);
    else if (ib) set(sb, mb);
    else if (ma == 0 && mb == 0) zero(sa == sb ? sa : cancelled());
    else if (mb == 0) finite(sa, ma);
    else if (ma == 0) finite(sb, mb);
    else addFinite(sa & SIGN, exponent(sa, ma), normal(sa, ma), sb & SIGN, exponent(sb, mb), normal(sb, mb));
  }

  private void finite(int s, long m) {
    round(s & SIGN, exponent(s, m), normal(s, m), 0, precision());
  }

  private int cancelled() {
    return roundingMode() == 1 ? SIGN : 0;
  }

  static int exponent(int s, long m) {
    int e = s & EXPONENT;
    return e != 0 ? e : 1 - Long.numberOfLeadingZeros(m);
  }

  static long normal(int s, long m) {
    return (s & EXPONENT) != 0 ? m : m << Long.numberOfLeadingZeros(m);
  }

  private void addFinite(int signA, int ea, long ma, int signB, int eb, long mb) {
    if (ea < eb || ea == eb && Long.compareUnsigned(ma, mb) < 0) {
      int s = signA, e = ea;
      long m = ma;
      signA = signB;
      ea = eb;
      ma = mb;
      signB = s;
      eb = e;
      mb = m;
    }
    int d = ea - eb;
    long bh, bl;
    if (d == 0) {
      bh = mb;
      bl = 0;
    } else if (d < 64) {
      bh = mb >>> d;
      bl = mb << 64 - d;
    } else {
      bh = 0;
      bl = d == 64 ? mb : d < 128 ? mb >>> d - 64 | (mb << 128 - d != 0 ? 1 : 0) : 1;
    }
    if (signA == signB) {
      long hi = ma + bh;
      if (Long.compareUnsigned(hi, ma) < 0) {
        bl = hi << 63 | bl >>> 1 | bl & 1;
        hi = hi >>> 1 | INTEGER_BIT;
        ea++;
      }
      round(signA, ea, hi, bl, precision());
      return;
    }
    long lo = -bl;
    long hi = ma - bh - (bl != 0 ? 1 : 0);
    if (hi == 0) {
      if (lo == 0) {
        zero(cancelled());
        return;
      }
      hi = lo;
      lo = 0;
      ea -= 64;
    }
    int n = Long.numberOfLeadingZeros(hi);
    if (n != 0) {
      hi = hi << n | lo >>> 64 - n;
      lo <<= n;
      ea -= n;
    }
    round(signA, ea, hi, lo, precision());
  }

  final void multiply(int sa, long ma, int sb, long mb) {
    int sign = (sa ^ sb) & SIGN;
    int ea = sa & EXPONENT, eb = sb & EXPONENT;
    if (!ordinary(sa, ma) || !ordinary(sb, mb)) {
      if (nanResult(sa, ma, sb, mb)) return;
      boolean infinite = infinite(sa, ma) || infinite(sb, mb), zero = zero(sa, ma) || zero(sb, mb);
      if (infinite && zero) {
        invalid();
        return;
      }
      if (denormal(sa, ma) || denormal(sb, mb)) flags |= DE;
      if (infinite || zero) {
        if (zero) zero(sign);
        else infinity(sign);
        return;
      }
      ea = exponent(sa, ma);
      eb = exponent(sb, mb);
      ma = normal(sa, ma);
      mb = normal(sb, mb);
    }
    long hi = Math.unsignedMultiplyHigh(ma, mb), lo = ma * mb;
    int e = ea + eb - BIAS + 1;
    if (hi >= 0) {
      hi = hi << 1 | lo >>> 63;
      lo <<= 1;
      e--;
    }
    round(sign, e, hi, lo, precision());
  }

  final void divide(int sa, long ma, int sb, long mb) {
    int sign = (sa ^ sb) & SIGN;
    int ea = sa & EXPONENT, eb = sb & EXPONENT;
    if (!ordinary(sa, ma) || !ordinary(sb, mb)) {
      if (nanResult(sa, ma, sb, mb)) return;
      boolean ia = infinite(sa, ma), ib = infinite(sb, mb), za = zero(sa, ma), zb = zero(sb, mb);
      if (ia && ib || za && zb) {
        invalid();
        return;
      }
      if (zb && !ia) {
        flags |= ZE;
        infinity(sign);
        return;
      }
      if (denormal(sa, ma) || denormal(sb, mb)) flags |= DE;
      if (ia || za || ib) {
        if (ia) infinity(sign);
        else zero(sign);
        return;
      }
      ea = exponent(sa, ma);
      eb = exponent(sb, mb);
      ma = normal(sa, ma);
      mb = normal(sb, mb);
    }
    int e = ea - eb + BIAS;
    long q, r;
    if (Long.compareUnsigned(ma, mb) >= 0) {
      q = divide128(ma >>> 1, ma << 63, mb);
      r = (ma << 63) - q * mb;
    } else {
      q = divide128(ma, 0, mb);
      r = -(q * mb);
      e--;
    }
    long rest = 0;
    if (r != 0) {
      int half = Long.compareUnsigned(r, mb - r);
      rest = half == 0 ? Long.MIN_VALUE : half > 0 ? -1 : 1;
    }
    round(sign, e, q, rest, precision());
  }

  /** Quotient of hi:lo by d, all unsigned, hi < d, d's top bit set: two digits of 32 bits by the schoolbook (Knuth, 4.3.1 D). */
  static long divide128(long hi, long lo, long d) {
    long dh = d >>> 32, dl = d & 0xffffffffL;
    long q1 = Long.divideUnsigned(hi, dh), r = hi - q1 * dh;
    while (q1 >>> 32 != 0 || Long.compareUnsigned(q1 * dl, r << 32 | lo >>> 32) > 0) {
      q1--;
      r += dh;
      if (r >>> 32 != 0) break;
    }
    long middle = (hi << 32 | lo >>> 32) - q1 * d;
    long q0 = Long.divideUnsigned(middle, dh);
    r = middle - q0 * dh;
    while (q0 >>> 32 != 0 || Long.compareUnsigned(q0 * dl, r << 32 | lo & 0xffffffffL) > 0) {
      q0--;
      r += dh;
      if (r >>> 32 != 0) break;
    }
    return (q1 << 32) + q0;
  }

  final void squareRoot(int s, long m) {
    if (!ordinary(s, m)) {
      if (nanResult(s, m)) return;
      if (m == 0) {
        zero(s);
        return;
      }
    }
    if ((s & SIGN) != 0) {
      invalid();
      return;
    }
    if (infinite(s, m)) {
      infinity(0);
      return;
    }
    if (denormal(s, m)) flags |= DE;
    int e = exponent(s, m) - BIAS;
    m = normal(s, m);
    boolean even = (e & 1) == 0;
    long nh = even ? m >>> 1 : m, nl = even ? m << 63 : 0;
    // The processor's double root is right to 52 bits; one Newton step on the exact remainder leaves at most the last unit wrong.
    double estimate = Math.sqrt(unsigned(nh)) * 0x1p32;
    long r = estimate >= 0x1p64 ? -1 : (long) (estimate * 0.5) << 1;
    long rl = nl - r * r;
    long rh = nh - Math.unsignedMultiplyHigh(r, r) - (Long.compareUnsigned(nl, r * r) < 0 ? 1 : 0);
    r += (long) ((rh * 0x1p64 + unsigned(rl)) / (2 * estimate));
    while (true) {
      long sl = r * r;
      rl = nl - sl;
      rh = nh - Math.unsignedMultiplyHigh(r, r) - (Long.compareUnsigned(nl, sl) < 0 ? 1 : 0);
      if (rh < 0) r--;
      else if (rh > 1 || rh == 1 && Long.compareUnsigned(rl, r << 1) > 0) r++;
      else break;
    }
    long rest = rh == 0 && rl == 0 ? 0 : rh != 0 || Long.compareUnsigned(rl, r) > 0 ? -1 : 1;
    round(0, (e >> 1) + BIAS, r, rest, precision());
  }

  private static double unsigned(long v) {
    return v >= 0 ? v : (v >>> 1 | v & 1) * 2.0;
  }

  /**
   * FPREM (quotient truncated) or FPREM1 (to nearest). A difference of exponents of 64 or more is reduced by 32 to 63 bits at a time,
   * by the same amounts as the processors do: {@link #partial} is set then.
   */
  final void remainder(int sa, long ma, int sb, long mb, boolean nearest) {
    quotient = 0;
    partial = false;
    if (!ordinary(sa, ma) || !ordinary(sb, mb)) {
      if (nanResult(sa, ma, sb, mb)) return;
      if (infinite(sa, ma) || zero(sb, mb)) {
        invalid();
        return;
      }
      if (denormal(sa, ma) || denormal(sb, mb)) flags |= DE;
      if (zero(sa, ma)) {
        set(sa, ma);
        return;
      }
      if (infinite(sb, mb)) {
        round(sa & SIGN, exponent(sa, ma), normal(sa, ma), 0, 64);
        return;
      }
    }
    int sign = sa & SIGN, ea = exponent(sa, ma), eb = exponent(sb, mb), d = ea - eb;
    ma = normal(sa, ma);
    mb = normal(sb, mb);
    if (d < -1 || d == -1 && (!nearest || Long.compareUnsigned(ma, mb) <= 0)) {
      round(sign, ea, ma, 0, 64);
      return;
    }
    if (d == -1) {
      quotient = 1;
      exact(sign ^ SIGN, sign, ea, (mb << 1) - ma);
      return;
    }
    partial = d >= 64;
    int n = partial ? d & 31 | 32 : d;
    long q = 0, top = ma;
    if (Long.compareUnsigned(ma, mb) >= 0) {
      top -= mb;
      q = 1L << n;
    }
    long low = divide128(n == 0 ? 0 : top >>> 64 - n, top << n, mb);
    long r = (top << n) - low * mb;
    q |= low;
    if (partial) {
      exact(sign, sign, ea - n, r);
      return;
    }
    int flipped = sign;
    if (nearest) {
      int half = Long.compareUnsigned(r, mb - r);
      if (half > 0 || half == 0 && (q & 1) != 0) {
        r = mb - r;
        q++;
        flipped ^= SIGN;
      }
    }
    quotient = (int) q & 7;
    exact(flipped, sign, eb, r);
  }

  private void exact(int sign, int zeroSign, int e, long m) {
    if (m == 0) {
      zero(zeroSign);
      return;
    }
    int n = Long.numberOfLeadingZeros(m);
    round(sign, e - n, m << n, 0, 64);
  }

  /** FRNDINT: to an integer, by the rounding mode. */
  final void roundToInteger(int s, long m) {
    if (nanResult(s, m)) return;
    if (denormal(s, m)) flags |= DE;
    int fraction = BIAS + 63 - (s & EXPONENT);
    if (fraction <= 0 || m == 0) {
      set(s, m);
      return;
    }
    long integer = fraction < 64 ? m >>> fraction : 0;
    long rest = fraction < 64 ? m << 64 - fraction : fraction == 64 ? m : 1;
    flags |= rest != 0 ? PE : 0;
    up = away(s & SIGN, (integer & 1) != 0, rest);
    if (up) integer++;
    if (integer == 0) {
      zero(s & SIGN);
      return;
    }
    int n = Long.numberOfLeadingZeros(integer);
    set(s & SIGN | BIAS + 63 - n, integer << n);
  }

  /** FSCALE: a · 2^(b truncated). */
  final void scale(int sa, long ma, int sb, long mb) {
    if (nanResult(sa, ma, sb, mb)) return;
    boolean ia = infinite(sa, ma), down = (sb & SIGN) != 0;
    if (infinite(sb, mb)) {
      if (down ? ia : zero(sa, ma)) {
        invalid();
        return;
      }
      if (denormal(sa, ma)) flags |= DE;
      if (down) zero(sa & SIGN);
      else infinity(sa & SIGN);
      return;
    }
    if (denormal(sa, ma) || denormal(sb, mb)) flags |= DE;
    if (ia || ma == 0) {
      set(sa, ma);
      return;
    }
    int eb = (sb & EXPONENT) - BIAS;
    int n = eb < 0 ? 0 : eb > 16 ? 0x20000 : (int) (mb >>> 63 - eb);
    round(sa & SIGN, exponent(sa, ma) + (down ? -n : n), normal(sa, ma), 0, 64);
  }

  /**
   * Order of two values: −1, 0, 1, or 2 for unordered. A NaN raises IE when it is signalling or {@code quiet} is false.
   */
  final int compare(int sa, long ma, int sb, long mb, boolean quiet) {
    if (!ordinary(sa, ma) || !ordinary(sb, mb)) {
      if (unsupported(sa, ma) || unsupported(sb, mb)) {
        flags |= IE;
        return 2;
      }
      if (nan(sa, ma) || nan(sb, mb)) {
        if (!quiet || signalling(sa, ma) || signalling(sb, mb)) flags |= IE;
        return 2;
      }
      if (denormal(sa, ma) || denormal(sb, mb)) flags |= DE;
      if (ma == 0 && mb == 0) return 0;
    }
    boolean negative = (sa & SIGN) != 0;
    if (ma == 0) return (sb & SIGN) != 0 ? 1 : -1;
    if (mb == 0 || negative != ((sb & SIGN) != 0)) return negative ? -1 : 1;
    int order = Integer.compare(Math.max(sa & EXPONENT, 1), Math.max(sb & EXPONENT, 1));
    if (order == 0) order = Long.compareUnsigned(ma, mb);
    return negative ? -order : order;
  }
}
