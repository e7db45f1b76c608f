package lguest.cpu.x86.simd;

import static lguest.cpu.x86.simd.Format.DOUBLE;
import static lguest.cpu.x86.simd.Format.SINGLE;


/**
 * Floating-point arithmetic as MXCSR rules it (SDM vol. 1, 10.2.3, 11.5): four rounding modes, denormals as zeros, flush to zero,
 * and the six exception flags, for one element at a time. It only collects flags: who masks and raises them is the caller's
 * business.
 *
 * <p>Java's own arithmetic rounds to nearest and tells no flags. It is used where that is enough: ordinary numbers, when
 * "inexact" is noted already. Everything else is done on integers: a significand lies left-aligned in 64 bits, and what is lost
 * below them leaves its mark in the last bit, as is usual since Hauser's SoftFloat.
 */
public final class FloatUnit {
  public static final int IE = 1, DE = 2, ZE = 4, OE = 8, UE = 16, PE = 32, FLAGS = 0x3F;
  private static final int DAZ = 1 << 6, MASKS_SHIFT = 7, ROUNDING_SHIFT = 13, FTZ = 1 << 15;
  private static final int NEAREST = 0, DOWN = 1, UP = 2, ZERO = 3;
  /** Unordered, as {@link #compare} says it. */
  static final int UNORDERED = 2;

  private int mxcsr;
  private int rounding;
  /** Rounding to nearest, and inexact results are no news. */
  private boolean easy;
  private int flags;

  /** Starts an instruction. */
  public void begin(int mxcsr) {
    this.mxcsr = mxcsr;
    rounding = mxcsr >> ROUNDING_SHIFT & 3;
    easy = rounding == NEAREST && (mxcsr & PE) != 0 && (mxcsr >> MASKS_SHIFT & PE) != 0;
    flags = 0;
  }

  /** What the instruction met, as MXCSR gets it: with an exception from before the computation unmasked, those from after it do not happen. */
  public int flags() {
    return (flags & ~(mxcsr >> MASKS_SHIFT) & (IE | DE | ZE)) != 0 ? flags & (IE | DE | ZE) : flags;
  }

  /** Whether the instruction must end in #XM. */
  public boolean unmasked() {
    return (flags() & ~(mxcsr >> MASKS_SHIFT)) != 0;
  }

  private boolean masked(int exception) {
    return (mxcsr >> MASKS_SHIFT & exception) != 0;
  }

  // ---- the operations of the table

  enum Operation { ADD, SUB, MUL, DIV, SQRT, MIN, MAX }

  /** One element of an arithmetic instruction. The source is b, and the only operand of SQRT. */
  long compute(Operation operation, Format f, long a, long b) {
    a = operand(f, a);
    b = operand(f, b);
    if (easy && ordinary(f, b) && (operation == Operation.SQRT || ordinary(f, a))) {
      long r = f == DOUBLE ? easyDouble(operation, a, b) : easySingle(operation, a, b);
      if (ordinary(f, r)) return r;
    }
    return switch (operation) {
      case ADD -> add(f, a, b, false);
      case SUB -> add(f, a, b, true);
      case MUL -> multiply(f, a, b);
      case DIV -> divide(f, a, b);
      case SQRT -> squareRoot(f, b);
      case MIN -> extreme(f, a, b, false);
      case MAX -> extreme(f, a, b, true);
    };
  }

  private static long easyDouble(Operation operation, long a, long b) {
    double x = Double.longBitsToDouble(a), y = Double.longBitsToDouble(b);
    return Double.doubleToRawLongBits(switch (operation) {
      case ADD -> x + y;
      case SUB -> x - y;
      case MUL -> x * y;
      case DIV -> x / y;
      case SQRT -> Math.sqrt(y);
      case MIN -> x < y ? x : y;
      case MAX -> x > y ? x : y;
    });
  }

  private static long easySingle(Operation operation, long a, long b) {
    float x = Float.intBitsToFloat((int) a), y = Float.intBitsToFloat((int) b);
    return Float.floatToRawIntBits(switch (operation) {
      case ADD -> x + y;
      case SUB -> x - y;
      case MUL -> x * y;
      case DIV -> x / y;
      case SQRT -> (float) Math.sqrt(y);
      case MIN -> x < y ? x : y;
      case MAX -> x > y ? x : y;
    }) & 0xFFFFFFFFL;
  }

  /** Normal, and not next to the edges where a result may have been tiny or huge before it was rounded. */
  private static boolean ordinary(Format f, long a) {
    int e = f.exponent(a);
    return e > 1 && e < f.top() - 1;
  }

  /** With DAZ on, denormals count as zeros of their sign. */
  private long operand(Format f, long a) {
    return (mxcsr & DAZ) != 0 && f.denormal(a) ? a & f.signBit() : a;
  }

  /** The result when an operand is a NaN: the first one, quiet. */
  private long propagate(Format f, long a, long b) {
    if (f.signalling(a) || f.signalling(b)) flags |= IE;
    return (f.nan(a) ? a : b) | f.quietBit();
  }

  private long invalid(Format f) {
    flags |= IE;
    return f.indefinite();
  }

  private void denormals(Format f, long a, long b) {
    if (f.denormal(a) || f.denormal(b)) flags |= DE;
  }

  private long add(Format f, long a, long b, boolean subtract) {
    if (f.nan(a) || f.nan(b)) return propagate(f, a, b);
    boolean sa = f.negative(a), sb = f.negative(b) != subtract;
    if (f.infinite(a)) {
      if (f.infinite(b) && sa != sb) return invalid(f);
      denormals(f, a, b);
      return f.infinity(sa);
    }
    denormals(f, a, b);
    if (f.infinite(b)) return f.infinity(sb);
    boolean za = f.zero(a), zb = f.zero(b);
    if (za && zb) return sa == sb ? sign(f, sa) : sign(f, rounding == DOWN);
    if (za) return round(f, sb, exponent(f, b), significand(f, b));
    if (zb) return round(f, sa, exponent(f, a), significand(f, a));
    int ea = exponent(f, a), eb = exponent(f, b);
    // One bit of headroom for a carry, and ten below for what rounding wants to know.
    long ma = significand(f, a) >>> 1, mb = significand(f, b) >>> 1;
    int e = Math.max(ea, eb);
    ma = jam(ma, e - ea);
    mb = jam(mb, e - eb);
    if (sa == sb) return normalize(f, sa, e + 1, ma + mb);
    if (ma == mb) return sign(f, rounding == DOWN);
    return ma > mb ? normalize(f, sa, e + 1, ma - mb) : normalize(f, sb, e + 1, mb - ma);
  }

  private long multiply(Format f, long a, long b) {
    if (f.nan(a) || f.nan(b)) return propagate(f, a, b);
    boolean s = f.negative(a) != f.negative(b);
    boolean za = f.zero(a), zb = f.zero(b);
    if (f.infinite(a) || f.infinite(b)) {
      if (za || zb) return invalid(f);
      denormals(f, a, b);
      return f.infinity(s);
    }
    denormals(f, a, b);
    if (za || zb) return sign(f, s);
    long ma = significand(f, a), mb = significand(f, b);
    long high = Math.unsignedMultiplyHigh(ma, mb);
    return normalize(f, s, exponent(f, a) + exponent(f, b) + 1, ma * mb != 0 ? high | 1 : high);
  }

  private long divide(Format f, long a, long b) {
    if (f.nan(a) || f.nan(b)) return propagate(f, a, b);
    boolean s = f.negative(a) != f.negative(b);
    if (f.infinite(a)) {
      if (f.infinite(b)) return invalid(f);
      denormals(f, a, b);
      return f.infinity(s);
    }
    if (f.zero(b)) {
      if (f.zero(a)) return invalid(f);
      flags |= ZE;
      return f.infinity(s);
    }
    denormals(f, a, b);
    if (f.infinite(b) || f.zero(a)) return sign(f, s);
    // Eleven bits of the quotient at a time, until there are more than any rounding looks at.
    long divisor = significand(f, b) >>> 11, rest = significand(f, a) >>> 11;
    long q = Long.divideUnsigned(rest, divisor);
    rest = Long.remainderUnsigned(rest, divisor);
    for (int n = 0; n < 5; n++) {
      rest <<= 11;
      q = q << 11 | Long.divideUnsigned(rest, divisor);
      rest = Long.remainderUnsigned(rest, divisor);
    }
    // q is the quotient of the significands times 2^55.
    return normalize(f, s, exponent(f, a) - exponent(f, b) + 7, rest != 0 ? q << 1 | 1 : q << 1);
  }

  private long squareRoot(Format f, long b) {
    if (f.nan(b)) return propagate(f, b, b);
    if (f.zero(b)) return b;
    if (f.negative(b)) return invalid(f);
    denormals(f, b, b);
    if (f.infinite(b)) return b;
    int e = exponent(f, b);
    // 53 bits, or 54 to make the exponent even: 2^52 <= m < 2^54.
    long m = significand(f, b) >>> 11 << (e & 1);
    int half = e >> 1;
    long root = 0, rest = 0;
    // Bit by bit as on paper: two digits of the radicand for each of the root. 27 pairs from m, then zeros.
    for (int n = 26; n >= -29; n--) {
      rest = rest << 2 | (n >= 0 ? m >>> 2 * n & 3 : 0);
      long trial = root << 2 | 1;
      root <<= 1;
      if (rest >= trial) {
        rest -= trial;
        root |= 1;
      }
    }
    // m = 2^52 .. 2^54 is 1 .. 4: root is its root times 2^(26 + 29), so 2^55 stands for one.
    return normalize(f, false, half + 7, rest != 0 ? root << 1 | 1 : root << 1);
  }

  private long extreme(Format f, long a, long b, boolean max) {
    if (f.nan(a) || f.nan(b)) {
      flags |= IE;
      return b;
    }
    denormals(f, a, b);
    int order = order(f, a, b);
    return (max ? order > 0 : order < 0) ? a : b;
  }

  // ---- comparison

  /** -1, 0, 1 for less, equal, greater, or {@link #UNORDERED}. Signalling: quiet NaNs are invalid as well. */
  int compare(Format f, long a, long b, boolean signalling) {
    a = operand(f, a);
    b = operand(f, b);
    if (f.nan(a) || f.nan(b)) {
      if (signalling || f.signalling(a) || f.signalling(b)) flags |= IE;
      return UNORDERED;
    }
    denormals(f, a, b);
    return order(f, a, b);
  }

  private static int order(Format f, long a, long b) {
    if (f.zero(a) && f.zero(b)) return 0;
    return Long.compare(ordered(f, a), ordered(f, b));
  }

  /** Bits to a number that sorts the same way. */
  private static long ordered(Format f, long a) {
    long magnitude = a & ~f.signBit() & f.mask();
    return f.negative(a) ? -magnitude : magnitude;
  }

  /** CMPPS and its like: the predicate in the low three bits. */
  boolean holds(Format f, long a, long b, int predicate) {
    int order = compare(f, a, b, (predicate & 3) == 1 || (predicate & 3) == 2);
    boolean yes = switch (predicate & 3) {
      case 0 -> order == 0;
      case 1 -> order == -1;
      case 2 -> order == -1 || order == 0;
      default -> order == UNORDERED;
    };
    return yes != ((predicate & 4) != 0);
  }

  // ---- conversion

  /** To a signed integer of 32 bits; 80000000 when it does not fit. */
  long toInteger(Format f, long a, boolean truncate) {
    a = operand(f, a);
    if (f.zero(a)) return 0;
    int e = exponent(f, a);
    if (f.exponent(a) == f.top() || e > 31) return noInteger();
    int shift = 63 - e;
    long m = significand(f, a);
    long whole = shift > 63 ? 0 : m >>> shift;
    // What is cut off, left-aligned, with a mark for what is below that.
    long rest = shift > 64 ? 1 : shift == 64 ? m : m << 64 - shift;
    boolean negative = f.negative(a);
    if (roundsUp(truncate ? ZERO : rounding, negative, whole, rest)) whole++;
    if (whole > (negative ? 1L << 31 : (1L << 31) - 1)) return noInteger();
    if (rest != 0) flags |= PE;
    return (negative ? -whole : whole) & 0xFFFFFFFFL;
  }

  private long noInteger() {
    flags |= IE;
    return 0x80000000L;
  }

  long fromInteger(Format f, int a) {
    if (a == 0) return 0;
    return normalize(f, a < 0, 63, Math.abs((long) a));
  }

  long convert(Format from, Format to, long a) {
    a = operand(from, a);
    if (from.nan(a)) {
      if (from.signalling(a)) flags |= IE;
      int shift = to.fraction() - from.fraction();
      long payload = from.fraction(a) | from.quietBit();
      return to.infinity(from.negative(a)) | (shift > 0 ? payload << shift : payload >>> -shift);
    }
    if (from.infinite(a)) return to.infinity(from.negative(a));
    denormals(from, a, a);
    if (from.zero(a)) return sign(to, from.negative(a));
    return round(to, from.negative(a), exponent(from, a), significand(from, a));
  }

  /**
   * RCP and RSQRT. The architecture promises a relative error of at most 1.5 * 2^-12 and leaves the rest to the maker; here the
   * result is the correctly rounded one, on every host. No flags; denormals are zeros on both ends, whatever MXCSR says.
   */
  static long approximate(boolean root, long a) {
    Format f = SINGLE;
    if (f.nan(a)) return a | f.quietBit();
    if (f.denormal(a)) a &= f.signBit();
    if (f.zero(a)) return f.infinity(f.negative(a));
    if (root && f.negative(a)) return f.indefinite();
    double x = Float.intBitsToFloat((int) a);
    long r = Float.floatToRawIntBits((float) (root ? 1 / Math.sqrt(x) : 1 / x)) & 0xFFFFFFFFL;
    return f.denormal(r) ? r & f.signBit() : r;
  }

  // ---- parts

  private static long sign(Format f, boolean negative) {
    return negative ? f.signBit() : 0;
  }

  /** Left-aligned, with its leading one, of a finite number other than zero. */
  private static long significand(Format f, long a) {
    long m = f.fraction(a) << 63 - f.fraction();
    return f.exponent(a) != 0 ? m | Long.MIN_VALUE : m << Long.numberOfLeadingZeros(m);
  }

  /** Of its leading one. */
  private static int exponent(Format f, long a) {
    int e = f.exponent(a);
    if (e != 0) return e - f.bias();
    return 1 - f.bias() - (Long.numberOfLeadingZeros(f.fraction(a)) - (63 - f.fraction()));
  }

  /** Shifts right; bits that fall off leave a one behind. */
  private static long jam(long m, int count) {
    if (count == 0) return m;
    if (count > 63) return m == 0 ? 0 : 1;
    return m >>> count | (m << 64 - count != 0 ? 1 : 0);
  }

  /** Rounds m, whose bit 63 stands for 2^e. */
  private long normalize(Format f, boolean negative, int e, long m) {
    int zeros = Long.numberOfLeadingZeros(m);
    return round(f, negative, e - zeros, m << zeros);
  }

  private static boolean roundsUp(int rounding, boolean negative, long kept, long rest) {
    if (rest == 0) return false;
    return switch (rounding) {
      case NEAREST -> rest < 0 && (rest != Long.MIN_VALUE || (kept & 1) != 0);
      case DOWN -> negative;
      case UP -> !negative;
      default -> false;
    };
  }

  /** The value m * 2^(e-63), bit 63 of m set, as a number of the format. Tininess is found after rounding (SDM vol. 1, 4.9.1.5). */
  private long round(Format f, boolean negative, int e, long m) {
    int p = f.precision();
    long kept = m >>> 64 - p, rest = m << p;
    boolean up = roundsUp(rounding, negative, kept, rest);
    int least = 1 - f.bias();
    if (e < least) {
      boolean tiny = e < least - 1 || !up || kept + 1 >>> p == 0;
      if (tiny && !masked(UE)) {
        flags |= rest != 0 ? UE | PE : UE;
        return 0;
      }
      if (tiny && (mxcsr & FTZ) != 0) {
        flags |= UE | PE;
        return sign(f, negative);
      }
      m = jam(m, least - e);
      kept = m >>> 64 - p;
      rest = m << p;
      if (rest != 0) flags |= tiny ? UE | PE : PE;
      if (roundsUp(rounding, negative, kept, rest)) kept++;
      // A carry into the exponent makes the least normal number, which is right.
      return sign(f, negative) | kept;
    }
    if (up && ++kept >>> p != 0) {
      kept >>>= 1;
      e++;
    }
    if (e > f.bias()) {
      flags |= rest != 0 || masked(OE) ? OE | PE : OE;
      boolean away = rounding == NEAREST || rounding == (negative ? DOWN : UP);
      return away ? f.infinity(negative) : f.largest(negative);
    }
    if (rest != 0) flags |= PE;
    return sign(f, negative) | (long) (e + f.bias()) << f.fraction() | kept & f.fractionMask();
  }
}
