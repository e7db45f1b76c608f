package lguest.cpu.x86.interpret;

import lguest.cpu.x86.state.Flags;

/**
 * Shifts and rotates. A count of zero (after masking with 31) changes nothing, flags included. What the manual leaves
 * undefined is what current AMD processors
 * were seen to do: shifts set AF, and OF follows one rule for all counts.
 */
final class Shifts {
  /** Numbers of the operations, as the reg field has them. */
  static final int ROL = 0, ROR = 1, RCL = 2, RCR = 3, SHL = 4, SHR = 5, SAR = 7;

  private Shifts() {}

  static int compute(long s, int operation, int size, int a, int count) {
    return switch (operation) {
      case ROL, ROR -> rotate(s, operation, size, a, count);
      case RCL, RCR -> rotateCarry(s, operation, size, a, count);
      case SHR -> right(s, size, a, count);
      case SAR -> arithmeticRight(s, size, a, count);
      default -> left(s, size, a, count);
    };
  }

  static int left(long s, int size, int a, int count) {
    long wide = (a & 0xFFFFFFFFL) << count;
    int r = Size.extend(size, (int) wide);
    int carry = (int) (wide >>> Size.bits(size)) & 1;
    Flags.mixed(s, r, carry | Flags.AF | (carry ^ r >>> 31) << 11);
    return r;
  }

  static int right(long s, int size, int a, int count) {
    int unsigned = Size.zeroExtend(size, a);
    int r = Size.extend(size, unsigned >>> count);
    // Overflow is defined for a count of 1 only, as the old sign; processors compute the two top bits' difference for all counts.
    int top = Size.bits(size) - 1;
    Flags.mixed(s, r, unsigned >>> count - 1 & 1 | Flags.AF | ((r ^ r << 1) >>> top & 1) << 11);
    return r;
  }

  static int arithmeticRight(long s, int size, int a, int count) {
    int r = a >> count;
    Flags.mixed(s, r, a >> count - 1 & 1 | Flags.AF);
    return r;
  }

  private static int rotate(long s, int operation, int size, int a, int count) {
    int bits = Size.bits(size);
    int by = count & bits - 1;
    int left = operation == ROL ? by : bits - by & bits - 1;
    int unsigned = Size.zeroExtend(size, a);
    int r = left == 0 ? a : Size.extend(size, unsigned << left | unsigned >>> bits - left);
    int carry = operation == ROL ? r & 1 : r >>> 31;
    int overflow = operation == ROL ? r >>> 31 ^ carry : (r ^ r << 1) >>> bits - 1 & 1;
    setCarryOverflow(s, carry, overflow);
    return r;
  }

  private static int rotateCarry(long s, int operation, int size, int a, int count) {
    int bits = Size.bits(size);
    int by = count % (bits + 1);
    int carry = Flags.carry(s);
    long wide = Size.zeroExtend(size, a) & 0xFFFFFFFFL | (long) carry << bits;
    int left = operation == RCL ? by : bits + 1 - by;
    long mask = (1L << bits + 1) - 1;
    long turned = by == 0 ? wide : (wide << left | wide >>> bits + 1 - left) & mask;
    int r = Size.extend(size, (int) turned);
    int out = (int) (turned >>> bits) & 1;
    int overflow = operation == RCL ? r >>> 31 ^ out : (r ^ r << 1) >>> bits - 1 & 1;
    setCarryOverflow(s, out, overflow);
    return r;
  }

  private static void setCarryOverflow(long s, int carry, int overflow) {
    Flags.setArithmetic(s, Flags.arithmetic(s) & ~(Flags.CF | Flags.OF) | carry | overflow << 11);
  }

  static final class Shift extends Op {
    private final int operation;
    private final Operand destination;
    private final Operand count;

    Shift(int operation, Operand destination, Operand count) {
      this.operation = operation == 6 ? SHL : operation;
      this.destination = destination;
      this.count = count;
    }

    @Override
    void run(Core c) {
      int n = count.value(c) & 31;
      int size = destination.size;
      long at = destination.open(c);
      if (n != 0) Size.store(size, at, compute(c.state, operation, size, Size.load(size, at), n));
      destination.close(c, at);
    }
  }

  /** SHLD and SHRD. */
  static final class Double extends Op {
    private final boolean left;
    private final Operand destination;
    private final Operand source;
    private final Operand count;

    Double(boolean left, Operand destination, Operand source, Operand count) {
      this.left = left;
      this.destination = destination;
      this.source = source;
      this.count = count;
    }

    @Override
    void run(Core c) {
      int n = count.value(c) & 31;
      int size = destination.size;
      long at = destination.open(c);
      if (n != 0) Size.store(size, at, shift(c.state, size, Size.load(size, at), source.value(c), n));
      destination.close(c, at);
    }

    private int shift(long s, int size, int a, int b, int n) {
      int bits = Size.bits(size);
      long x = Size.zeroExtend(size, a) & 0xFFFFFFFFL;
      long y = Size.zeroExtend(size, b) & 0xFFFFFFFFL;
      int r;
      int carry;
      int overflow;
      if (left) {
        long shifted = x << n;
        // 16 bits by more than 16: the manual leaves all open; processors bring in the source a second time, and CF and OF
        // look at the destination alone.
        long in = n <= bits ? y >>> bits - n : (y << 16 | y) >>> 32 - n;
        r = Size.extend(size, (int) (shifted | in));
        carry = (int) (shifted >>> bits) & 1;
        overflow = carry ^ (int) (shifted >>> bits - 1) & 1;
      } else {
        long in = n <= bits ? y << bits - n : (y << 16 | y) << 32 - n >>> 16;
        r = Size.extend(size, (int) (x >>> n | in));
        carry = (int) (x >>> n - 1) & 1;
        overflow = n == 1 ? (r ^ a) >>> 31 : (r ^ r << 1) >>> bits - 1 & 1;
      }
      Flags.mixed(s, r, carry | Flags.AF | overflow << 11);
      return r;
    }
  }
}
