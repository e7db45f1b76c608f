package lguest.cpu.x86.interpret;

import lguest.cpu.x86.state.Flags;
import lguest.cpu.x86.state.Native;

/** BT and its relatives, bit scans, byte swap, SETcc, CMOVcc, sign extensions. */
final class Bits {
  private Bits() {}

  enum Change { TEST, SET, RESET, COMPLEMENT }

  private static int change(Change change, int value, int mask) {
    return switch (change) {
      case TEST -> value;
      case SET -> value | mask;
      case RESET -> value & ~mask;
      case COMPLEMENT -> value ^ mask;
    };
  }

  /** Only CF changes. */
  private static void carry(Core c, int bit) {
    Flags.setArithmetic(c.state, Flags.arithmetic(c.state) & ~Flags.CF | bit);
  }

  /** The bit lies in the operand itself: registers, and immediate bit numbers. */
  static final class Test extends Op {
    private final Change change;
    private final Operand operand;
    private final Operand bit;

    Test(Change change, Operand operand, Operand bit) {
      this.change = change;
      this.operand = operand;
      this.bit = bit;
    }

    @Override
    void run(Core c) {
      int size = operand.size;
      int n = bit.value(c) & Size.bits(size) - 1;
      if (change == Change.TEST) {
        carry(c, operand.value(c) >>> n & 1);
        return;
      }
      long at = operand.open(c);
      int a = Size.load(size, at);
      Size.store(size, at, change(change, a, 1 << n));
      carry(c, a >>> n & 1);
      operand.close(c, at);
    }
  }

  /** The bit number in a register reaches beyond the memory operand, in both directions. */
  static final class TestString extends Op {
    private final Change change;
    private final Ea ea;
    private final int size;
    private final Operand bit;

    TestString(Change change, Ea ea, int size, Operand bit) {
      this.change = change;
      this.ea = ea;
      this.size = size;
      this.bit = bit;
    }

    @Override
    void run(Core c) {
      int number = bit.value(c);
      int n = number & Size.bits(size) - 1;
      int away = (number >> (size == 4 ? 5 : 4)) * size;
      if (change == Change.TEST) {
        int linear = ea.linear(c, away, size, false);
        carry(c, (size == 4 ? c.mmu.read32(linear) : c.mmu.read16(linear)) >>> n & 1);
        return;
      }
      long at = c.mmu.open(ea.linear(c, away, size, true), size);
      int a = Size.load(size, at);
      Size.store(size, at, change(change, a, 1 << n));
      carry(c, a >>> n & 1);
      c.mmu.close(at);
    }
  }

  /**
   * BSF and BSR: a source of zero sets ZF and leaves the destination. Of the undefined flags, PF follows the result and the
   * others are cleared, as AMD does.
   */
  static final class Scan extends Op {
    private final boolean forward;
    private final Operand destination;
    private final Operand source;

    Scan(boolean forward, Operand destination, Operand source) {
      this.forward = forward;
      this.destination = destination;
      this.source = source;
    }

    @Override
    void run(Core c) {
      int a = Size.zeroExtend(source.size, source.value(c));
      int result = a == 0 ? 0 : forward ? Integer.numberOfTrailingZeros(a) : 31 - Integer.numberOfLeadingZeros(a);
      Flags.setArithmetic(c.state, (a == 0 ? Flags.ZF : 0) | Flags.parity(result));
      if (a != 0) destination.set(c, result);
    }
  }

  static final class Swap extends Op {
    private final long at;
    private final int size;

    Swap(long at, int size) {
      this.at = at;
      this.size = size;
    }

    @Override
    void run(Core c) {
      // With a 16-bit operand the manual promises nothing; processors leave zero.
      if (size == 2) Native.set16(at, 0);
      else Native.set32(at, Integer.reverseBytes(Native.get32(at)));
    }
  }

  static final class SetCondition extends Op {
    private final int condition;
    private final Operand destination;

    SetCondition(int condition, Operand destination) {
      this.condition = condition;
      this.destination = destination;
    }

    @Override
    void run(Core c) {
      destination.set(c, Flags.condition(c.state, condition) ? 1 : 0);
    }
  }

  /** CMOV reads its source in any case. */
  static final class MoveCondition extends Op {
    private final int condition;
    private final Operand destination;
    private final Operand source;

    MoveCondition(int condition, Operand destination, Operand source) {
      this.condition = condition;
      this.destination = destination;
      this.source = source;
    }

    @Override
    void run(Core c) {
      int value = source.value(c);
      if (Flags.condition(c.state, condition)) destination.set(c, value);
    }
  }
}
