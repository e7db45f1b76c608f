package lguest.cpu.x86.interpret;

import static lguest.cpu.x86.state.CpuState.*;

import lguest.cpu.x86.state.Flags;
import lguest.cpu.x86.state.GuestFault;
import lguest.cpu.x86.state.Native;

/** MUL, IMUL, DIV, IDIV. */
final class Multiply {
  private Multiply() {}

  /** CF = OF = the product does not fit its lower half; the rest as before. */
  static void overflow(Core c, boolean yes) {
    int others = Flags.arithmetic(c.state) & ~(Flags.CF | Flags.OF);
    Flags.setArithmetic(c.state, others | (yes ? Flags.CF | Flags.OF : 0));
  }

  /** Accumulator times operand, into twice the width. */
  static final class Wide extends Op {
    private final boolean signed;
    private final Operand source;

    Wide(boolean signed, Operand source) {
      this.signed = signed;
      this.source = source;
    }

    @Override
    void run(Core c) {
      int size = source.size;
      int b = source.value(c);
      int a = Size.load(size, c.state + EAX);
      long product;
      if (signed) product = (long) a * b;
      else product = (Size.zeroExtend(size, a) & 0xFFFFFFFFL) * (Size.zeroExtend(size, b) & 0xFFFFFFFFL);
      int low = Size.extend(size, (int) product);
      int high = Size.extend(size, (int) (product >> Size.bits(size)));
      if (size == 1) {
        Native.set16(c.state + EAX, (int) product);
      } else {
        Size.store(size, c.state + EAX, low);
        Size.store(size, c.state + EDX, high);
      }
      overflow(c, signed ? high != low >> 31 : high != 0);
    }
  }

  /** IMUL of two or three operands. */
  static final class Narrow extends Op {
    private final Operand destination;
    private final Operand first;
    private final Operand second;

    Narrow(Operand destination, Operand first, Operand second) {
      this.destination = destination;
      this.first = first;
      this.second = second;
    }

    @Override
    void run(Core c) {
      long product = (long) first.value(c) * second.value(c);
      int r = Size.extend(destination.size, (int) product);
      destination.set(c, r);
      overflow(c, product != r);
    }
  }

  static final class Divide extends Op {
    private final boolean signed;
    private final Operand source;

    Divide(boolean signed, Operand source) {
      this.signed = signed;
      this.source = source;
    }

    @Override
    void run(Core c) {
      int size = source.size;
      int divisor = source.value(c);
      if (divisor == 0) throw c.fault.plain(GuestFault.DE);
      long dividend;
      if (size == 1) dividend = signed ? Native.get16(c.state + EAX) : Native.get16(c.state + EAX) & 0xFFFF;
      else if (size == 2) dividend = signed ? (int) pair16(c) : pair16(c);
      else dividend = c.get(EAX) & 0xFFFFFFFFL | (long) c.get(EDX) << 32;
      long quotient;
      long remainder;
      if (signed) {
        quotient = dividend / divisor;
        remainder = dividend % divisor;
        if (quotient != Size.extend(size, (int) quotient) || dividend == Long.MIN_VALUE && divisor == -1)
          throw c.fault.plain(GuestFault.DE);
      } else {
        long d = Size.zeroExtend(size, divisor) & 0xFFFFFFFFL;
        quotient = Long.divideUnsigned(dividend, d);
        remainder = Long.remainderUnsigned(dividend, d);
        if (quotient >>> Size.bits(size) != 0) throw c.fault.plain(GuestFault.DE);
      }
      if (size == 1) {
        Native.set16(c.state + EAX, (int) (remainder << 8 | quotient & 0xFF));
      } else {
        Size.store(size, c.state + EAX, (int) quotient);
        Size.store(size, c.state + EDX, (int) remainder);
      }
      // All six are undefined; AMD processors set AF, clear SF, ZF and PF, and leave CF and OF.
      Flags.setArithmetic(c.state, Flags.arithmetic(c.state) & (Flags.CF | Flags.OF) | Flags.AF);
    }

    private static long pair16(Core c) {
      return (Native.get16(c.state + EAX) & 0xFFFF | Native.get16(c.state + EDX) << 16) & 0xFFFFFFFFL;
    }
  }
}
