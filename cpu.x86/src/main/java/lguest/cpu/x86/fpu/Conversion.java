package lguest.cpu.x86.fpu;

/** Between 80-bit values and what memory holds: integers, single and double floats, packed decimals (SDM vol. 1, 4.2, 4.7, 8.1). */
class Conversion extends Arithmetic {
  static final long INTEGER_INDEFINITE = Long.MIN_VALUE;
  static final int DECIMAL_INDEFINITE = 0xffff;
  private static final long DECIMAL_LIMIT = 1_000_000_000_000_000_000L;
  /** Sign and top two digits of the last {@link #toDecimal}. */
  int decimalHigh;

  final void fromInteger(long v) {
    if (v == 0) {
      zero(0);
      return;
    }
    int sign = v < 0 ? SIGN : 0;
    long m = v < 0 ? -v : v;
    int n = Long.numberOfLeadingZeros(m);
    set(sign | BIAS + 63 - n, m << n);
  }

  /** Exact, signalling NaNs and all; true when the value was a denormal of its format (which the result is not). */
  final boolean fromSingle(int bits) {
    return widen((bits >>> 16) & SIGN, bits >>> 23 & 0xff, 0xff, BIAS - 127, (long) bits << 40 & Long.MAX_VALUE);
  }

  final boolean fromDouble(long bits) {
    return widen((int) (bits >>> 48) & SIGN, (int) (bits >>> 52) & 0x7ff, 0x7ff, BIAS - 1023, bits << 11 & Long.MAX_VALUE);
  }

  private boolean widen(int sign, int e, int most, int rebias, long fraction) {
    if (e == most) {
      set(sign | EXPONENT, fraction | INTEGER_BIT);
    } else if (e != 0) {
      set(sign | e + rebias, fraction | INTEGER_BIT);
    } else if (fraction == 0) {
      zero(sign);
    } else {
      int n = Long.numberOfLeadingZeros(fraction);
      set(sign | 1 + rebias - n, fraction << n);
      return true;
    }
    return false;
  }

  /** FIST: to a signed integer of {@code bits} bits, the integer indefinite with IE when it does not fit. */
  final long toInteger(int s, long m, int bits, boolean truncate) {
    int e = s & EXPONENT;
    boolean negative = (s & SIGN) != 0;
    long indefinite = INTEGER_INDEFINITE >> 64 - bits;
    if (m == 0 && e == 0) return 0;
    int fraction = BIAS + 63 - e;
    if (unsupported(s, m) || fraction < 0) {
      flags |= IE;
      return indefinite;
    }
    long integer = fraction < 64 ? m >>> fraction : 0;
    long rest = fraction == 0 ? 0 : fraction < 64 ? m << 64 - fraction : fraction == 64 ? m : 1;
    boolean increase = !truncate && away(s & SIGN, (integer & 1) != 0, rest);
    if (increase) integer++;
    long most = negative ? -indefinite : ~indefinite;
    if (increase && integer == 0 || Long.compareUnsigned(integer, most) > 0) {
      flags |= IE;
      return indefinite;
    }
    if (rest != 0) flags |= PE;
    up = increase;
    return negative ? -integer : integer;
  }

  final int toSingle(int s, long m) {
    return (int) narrow(s, m, 24, 127, 8);
  }

  final long toDouble(int s, long m) {
    return narrow(s, m, 53, 1023, 11);
  }

  /** To a smaller format. After IE, or an over- or underflow that is unmasked, the value is meaningless: nothing is stored then. */
  private long narrow(int s, long m, int width, int bias, int exponentBits) {
    int most = (1 << exponentBits) - 1, fractionBits = width - 1;
    long sign = s & SIGN, signBit = sign >> 15 << fractionBits + exponentBits;
    if (!ordinary(s, m)) {
      if (zero(s, m)) return signBit;
      if (infinite(s, m)) return signBit | (long) most << fractionBits;
      if (nanResult(s, m)) {
        long n = (long) (signExp >> 15) << fractionBits + exponentBits;
        return n | (long) most << fractionBits | (mantissa << 1) >>> 64 - fractionBits;
      }
    }
    int e = exponent(s, m) - BIAS + bias;
    m = normal(s, m);
    long ulp = 1L << 64 - width;
    long rest = m << width;
    boolean away = away((int) sign, (m & ulp) != 0, rest);
    long kept = m & -ulp;
    int rounded = e;
    if (away && (kept += ulp) == 0) {
      kept = INTEGER_BIT;
      rounded++;
    }
    if (rounded >= most) {
      flags |= OE;
      if (unmasked(OE)) return 0;
      flags |= PE;
      up = away((int) sign, true, -1);
      return signBit | (up ? (long) most << fractionBits : ((long) most << fractionBits) - 1);
    }
    if (rounded < 1 && unmasked(UE)) {
      flags |= UE;
      return 0;
    }
    if (e < 1) {
      int shift = 64 - width + 1 - e;
      kept = shift < 64 ? m >>> shift : 0;
      rest = shift < 64 ? m << 64 - shift : shift == 64 ? m : 1;
      away = away((int) sign, (kept & 1) != 0, rest);
      if (rest != 0) flags |= rounded < 1 ? UE | PE : PE;
      up = away;
      return signBit | kept + (away ? 1 : 0);
    }
    if (rest != 0) flags |= PE;
    up = away;
    return signBit | (long) rounded << fractionBits | (kept << 1) >>> 64 - fractionBits;
  }

  /** FBLD. Digits above nine are taken at their binary value, as the processors do. */
  final void fromDecimal(long low, int high) {
    long v = 0;
    for (int shift = 4; shift >= 0; shift -= 4) v = v * 10 + (high >> shift & 15);
    for (int shift = 60; shift >= 0; shift -= 4) v = v * 10 + (low >>> shift & 15);
    fromInteger(v);
    signExp |= high & SIGN;
  }

  /** FBSTP: the low sixteen digits; sign and the other two go to {@link #decimalHigh}. */
  final long toDecimal(int s, long m) {
    long v = toInteger(s & EXPONENT | s & SIGN, m, 64, false);
    boolean negative = (s & SIGN) != 0;
    if (negative) v = -v;
    if ((flags & IE) != 0 || Long.compareUnsigned(v, DECIMAL_LIMIT) >= 0) {
      flags = IE;
      up = false;
      decimalHigh = DECIMAL_INDEFINITE;
      return INDEFINITE_MANTISSA;
    }
    long low = 0;
    for (int shift = 0; shift < 64; shift += 4, v /= 10) low |= v % 10 << shift;
    decimalHigh = (negative ? SIGN : 0) | (int) (v / 10 % 10 << 4 | v % 10);
    return low;
  }
}
