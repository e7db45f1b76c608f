package lguest.cpu.x86.simd;

/**
 * An IEEE 754 interchange format. Numbers of it travel as their bits in the low end of a long.
 *
 * @param bits of the whole number
 * @param fraction stored bits of the significand
 */
record Format(int bits, int fraction) {
  static final Format SINGLE = new Format(32, 23), DOUBLE = new Format(64, 52);

  /** Bits of the significand with its leading one. */
  int precision() {
    return fraction + 1;
  }

  /** The exponent field of infinities and NaNs. */
  int top() {
    return (1 << bits - fraction - 1) - 1;
  }

  int bias() {
    return top() >> 1;
  }

  long signBit() {
    return 1L << bits - 1;
  }

  long fractionMask() {
    return (1L << fraction) - 1;
  }

  int exponent(long a) {
    return (int) (a >>> fraction) & top();
  }

  long fraction(long a) {
    return a & fractionMask();
  }

  boolean negative(long a) {
    return (a & signBit()) != 0;
  }

  boolean zero(long a) {
    return (a & ~signBit() & mask()) == 0;
  }

  boolean infinite(long a) {
    return exponent(a) == top() && fraction(a) == 0;
  }

  boolean nan(long a) {
    return exponent(a) == top() && fraction(a) != 0;
  }

  boolean signalling(long a) {
    return nan(a) && (a & quietBit()) == 0;
  }

  boolean denormal(long a) {
    return exponent(a) == 0 && fraction(a) != 0;
  }

  long quietBit() {
    return 1L << fraction - 1;
  }

  long infinity(boolean negative) {
    return (long) top() << fraction | (negative ? signBit() : 0);
  }

  long largest(boolean negative) {
    return infinity(negative) - 1;
  }

  /** What invalid operations give: the "real indefinite", a negative quiet NaN. */
  long indefinite() {
    return infinity(true) | quietBit();
  }

  long mask() {
    return bits == 64 ? -1 : (1L << bits) - 1;
  }
}
