package lguest.cpu.x86.state;

import static lguest.cpu.x86.state.CpuState.*;

/**
 * EFLAGS, and how its arithmetic bits are kept lazily.
 *
 * <p>
 * Tour 5.6: Flags nobody asks for
 *
 * <p>Nearly every arithmetic instruction writes six flags and nearly nobody reads them. So an addition or subtraction only
 * notes its operands and its result, all
 * sign-extended to 32 bits, and a flag is computed when somebody wants it. Sign extension keeps unsigned order and the sign
 * bit, so one rule serves all operand sizes.
 */
public final class Flags {
  public static final int CF = 1, PF = 4, AF = 0x10, ZF = 0x40, SF = 0x80, TF = 0x100, IF = 0x200, DF = 0x400, OF = 0x800,
      IOPL = 0x3000, NT = 0x4000, RF = 1 << 16,
      VM = 1 << 17, AC = 1 << 18, VIF = 1 << 19, VIP = 1 << 20, ID = 1 << 21;
  public static final int ARITHMETIC = OF | SF | ZF | AF | PF | CF;
  /** Bits that exist; bit 1 always reads 1. */
  public static final int DEFINED = ARITHMETIC | TF | IF | DF | IOPL | NT | RF | VM | AC | VIF | VIP | ID;

  /** The six are in EFLAGS. */
  public static final int EAGER = 0;
  /** FLAG_A + FLAG_B gave FLAG_RESULT; FLAG_A - FLAG_B did. */
  public static final int ADD = 1, SUB = 2;
  /** CF, AF and OF stand in FLAG_B at their places in EFLAGS; ZF, SF and PF follow from FLAG_RESULT. */
  public static final int MIXED = 3;

  private Flags() {}

  /** EFLAGS with everything computed. */
  public static int all(long s) {
    int eflags = Native.get32(s + EFLAGS);
    return Native.get32(s + FLAG_KIND) == EAGER ? eflags : eflags & ~ARITHMETIC | arithmetic(s);
  }

  /** The six, computed. */
  public static int arithmetic(long s) {
    int kind = Native.get32(s + FLAG_KIND);
    if (kind == EAGER) return Native.get32(s + EFLAGS) & ARITHMETIC;
    int r = Native.get32(s + FLAG_RESULT);
    int a = Native.get32(s + FLAG_A);
    int b = Native.get32(s + FLAG_B);
    int rest = zsp(r);
    return switch (kind) {
      case ADD -> rest | (Integer.compareUnsigned(r, b) < 0 ? CF : 0) | (a ^ b ^ r) & AF | ((a ^ r) & (b ^ r)) >>> 31 << 11;
      case SUB -> rest | (Integer.compareUnsigned(a, b) < 0 ? CF : 0) | (a ^ b ^ r) & AF | ((a ^ b) & (a ^ r)) >>> 31 << 11;
      default -> rest | b;
    };
  }

  /** Notes a + b = r, all sign-extended from the operand size. */
  public static void add(long s, int a, int b, int r) {
    note(s, ADD, a, b, r);
  }

  /** Notes a - b = r. */
  public static void subtract(long s, int a, int b, int r) {
    note(s, SUB, a, b, r);
  }

  /** Notes a result of AND, OR, XOR: CF, OF and AF are clear. */
  public static void logic(long s, int r) {
    mixed(s, r, 0);
  }

  /** ZF, SF and PF from r; CF, AF and OF as given. */
  public static void mixed(long s, int r, int cao) {
    Native.set32(s + FLAG_KIND, MIXED);
    Native.set32(s + FLAG_RESULT, r);
    Native.set32(s + FLAG_B, cao);
  }

  private static void note(long s, int kind, int a, int b, int r) {
    Native.set32(s + FLAG_KIND, kind);
    Native.set32(s + FLAG_RESULT, r);
    Native.set32(s + FLAG_A, a);
    Native.set32(s + FLAG_B, b);
  }

  /** ZF, SF and PF of a sign-extended result. */
  public static int zsp(int r) {
    return (r == 0 ? ZF : 0) | r >>> 24 & SF | parity(r);
  }

  /** PF: even number of ones in the low byte. */
  public static int parity(int r) {
    int x = r ^ r >>> 4;
    return 0x9669 >>> (x & 15) << 2 & PF;
  }

  /** Sets the six, keeps the rest. */
  public static void setArithmetic(long s, int bits) {
    Native.set32(s + EFLAGS, Native.get32(s + EFLAGS) & ~ARITHMETIC | bits & ARITHMETIC);
    Native.set32(s + FLAG_KIND, EAGER);
  }

  /** Sets all of EFLAGS. */
  public static void setAll(long s, int eflags) {
    Native.set32(s + EFLAGS, eflags & DEFINED | 2);
    Native.set32(s + FLAG_KIND, EAGER);
  }

  public static int carry(long s) {
    return switch (Native.get32(s + FLAG_KIND)) {
      case EAGER -> Native.get32(s + EFLAGS) & CF;
      case ADD -> Integer.compareUnsigned(Native.get32(s + FLAG_RESULT), Native.get32(s + FLAG_B)) < 0 ? 1 : 0;
      case SUB -> Integer.compareUnsigned(Native.get32(s + FLAG_A), Native.get32(s + FLAG_B)) < 0 ? 1 : 0;
      default -> Native.get32(s + FLAG_B) & CF;
    };
  }

  public static boolean zero(long s) {
    return Native.get32(s + FLAG_KIND) == EAGER ? (Native.get32(s + EFLAGS) & ZF) != 0 : Native.get32(s + FLAG_RESULT) == 0;
  }

  public static boolean sign(long s) {
    return Native.get32(s + FLAG_KIND) == EAGER ? (Native.get32(s + EFLAGS) & SF) != 0 : Native.get32(s + FLAG_RESULT) < 0;
  }

  /** SF differs from OF. */
  private static boolean less(long s) {
    if (Native.get32(s + FLAG_KIND) == SUB) return Native.get32(s + FLAG_A) < Native.get32(s + FLAG_B);
    int f = arithmetic(s);
    return (f & SF) != 0 != ((f & OF) != 0);
  }

  /** A condition as Jcc, SETcc and CMOVcc encode it. */
  public static boolean condition(long s, int code) {
    boolean yes = switch (code >> 1) {
      case 0 -> (arithmetic(s) & OF) != 0;
      case 1 -> carry(s) != 0;
      case 2 -> zero(s);
      case 3 -> zero(s) || carry(s) != 0;
      case 4 -> sign(s);
      case 5 -> (arithmetic(s) & PF) != 0;
      case 6 -> less(s);
      default -> zero(s) || less(s);
    };
    return yes != ((code & 1) != 0);
  }

  /** The flags a condition looks at. */
  public static int readBy(int code) {
    return switch (code >> 1) {
      case 0 -> OF;
      case 1 -> CF;
      case 2 -> ZF;
      case 3 -> ZF | CF;
      case 4 -> SF;
      case 5 -> PF;
      case 6 -> SF | OF;
      default -> ZF | SF | OF;
    };
  }
}
