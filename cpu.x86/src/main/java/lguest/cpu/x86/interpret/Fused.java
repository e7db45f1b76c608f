package lguest.cpu.x86.interpret;

import lguest.cpu.x86.state.Flags;
import lguest.cpu.x86.state.Native;

/**
 * CMP or TEST with the conditional jump behind it, as one. The flags are noted all the same, because who lives at the target
 * may look; the decision does not go through them. A
 * negated condition swaps the two links, so there are only these: equal, less, less or equal, by sign or not.
 */
final class Fused {
  private Fused() {}

  /** The decision for a - b, or null when no rule covers the condition. */
  static End compare(Operand first, Operand second, int condition, Link taken, Link next) {
    boolean negated = (condition & 1) != 0;
    Link yes = negated ? next : taken;
    Link no = negated ? taken : next;
    int bias = condition >> 1 == 1 || condition >> 1 == 3 ? Integer.MIN_VALUE : 0;
    boolean registers = first.size == 4 && first instanceof Operand.Register && second instanceof Operand.Register;
    boolean constant = first.size == 4 && first instanceof Operand.Register && second instanceof Operand.Constant;
    long a = first instanceof Operand.Register r ? r.at : 0;
    long b = second instanceof Operand.Register r ? r.at : 0;
    int value = second instanceof Operand.Constant k ? k.value : 0;
    return switch (condition >> 1) {
      case 2 -> registers ? new EqualRegisters(a, b, yes, no) : constant ? new EqualConstant(a, value, yes, no)
          : new Equal(first, second, yes, no);
      case 1, 6 -> registers ? new LessRegisters(a, b, bias, yes, no) : constant ? new LessConstant(a, value, bias, yes, no)
          : new Less(first, second, bias, yes, no);
      case 3, 7 -> registers ? new LessEqualRegisters(a, b, bias, yes, no) : constant
          ? new LessEqualConstant(a, value, bias, yes, no)
          : new LessEqual(first, second, bias, yes, no);
      default -> null;
    };
  }

  /** The decision for a AND b: CF and OF are clear, so below is never, and less is negative. */
  static End test(Operand first, Operand second, int condition, Link taken, Link next) {
    boolean negated = (condition & 1) != 0;
    Link yes = negated ? next : taken;
    Link no = negated ? taken : next;
    boolean same = first.size == 4 && first instanceof Operand.Register a && second instanceof Operand.Register b && a.at == b.at;
    long at = first instanceof Operand.Register r ? r.at : 0;
    return switch (condition >> 1) {
      case 2, 3 -> same ? new ZeroRegister(at, yes, no) : new Zero(first, second, yes, no);
      case 4, 6 -> new Negative(first, second, yes, no);
      case 7 -> new NotPositive(first, second, yes, no);
      default -> null;
    };
  }

  /** Jcc alone on ZF: the most frequent one behind arithmetic. */
  static final class IfZero extends End {
    private final Link yes;
    private final Link no;

    IfZero(Link yes, Link no) {
      this.yes = yes;
      this.no = no;
    }

    @Override
    Block run(Core c) {
      return Flags.zero(c.state) ? yes.follow(c) : no.follow(c);
    }
  }

  private abstract static class Decision extends End {
    final Link yes;
    final Link no;

    Decision(Link yes, Link no) {
      this.yes = yes;
      this.no = no;
    }
  }

  private abstract static class Registers extends Decision {
    final long first;
    final long second;

    Registers(long first, long second, Link yes, Link no) {
      super(yes, no);
      this.first = first;
      this.second = second;
    }
  }

  private abstract static class Constant extends Decision {
    final long first;
    final int b;

    Constant(long first, int b, Link yes, Link no) {
      super(yes, no);
      this.first = first;
      this.b = b;
    }
  }

  private abstract static class General extends Decision {
    final Operand first;
    final Operand second;

    General(Operand first, Operand second, Link yes, Link no) {
      super(yes, no);
      this.first = first;
      this.second = second;
    }
  }

  private static final class EqualRegisters extends Registers {
    EqualRegisters(long first, long second, Link yes, Link no) {
      super(first, second, yes, no);
    }

    @Override
    Block run(Core c) {
      int a = Native.get32(first);
      int b = Native.get32(second);
      Flags.subtract(c.state, a, b, a - b);
      return a == b ? yes.follow(c) : no.follow(c);
    }
  }

  private static final class EqualConstant extends Constant {
    EqualConstant(long first, int b, Link yes, Link no) {
      super(first, b, yes, no);
    }

    @Override
    Block run(Core c) {
      int a = Native.get32(first);
      Flags.subtract(c.state, a, b, a - b);
      return a == b ? yes.follow(c) : no.follow(c);
    }
  }

  private static final class Equal extends General {
    Equal(Operand first, Operand second, Link yes, Link no) {
      super(first, second, yes, no);
    }

    @Override
    Block run(Core c) {
      int b = second.value(c);
      int a = first.value(c);
      Flags.subtract(c.state, a, b, Size.extend(first.size, a - b));
      return a == b ? yes.follow(c) : no.follow(c);
    }
  }

  private static final class LessRegisters extends Registers {
    private final int bias;

    LessRegisters(long first, long second, int bias, Link yes, Link no) {
      super(first, second, yes, no);
      this.bias = bias;
    }

    @Override
    Block run(Core c) {
      int a = Native.get32(first);
      int b = Native.get32(second);
      Flags.subtract(c.state, a, b, a - b);
      return (a ^ bias) < (b ^ bias) ? yes.follow(c) : no.follow(c);
    }
  }

  private static final class LessConstant extends Constant {
    private final int bias;

    LessConstant(long first, int b, int bias, Link yes, Link no) {
      super(first, b, yes, no);
      this.bias = bias;
    }

    @Override
    Block run(Core c) {
      int a = Native.get32(first);
      Flags.subtract(c.state, a, b, a - b);
      return (a ^ bias) < (b ^ bias) ? yes.follow(c) : no.follow(c);
    }
  }

  private static final class Less extends General {
    private final int bias;

    Less(Operand first, Operand second, int bias, Link yes, Link no) {
      super(first, second, yes, no);
      this.bias = bias;
    }

    @Override
    Block run(Core c) {
      int b = second.value(c);
      int a = first.value(c);
      Flags.subtract(c.state, a, b, Size.extend(first.size, a - b));
      return (a ^ bias) < (b ^ bias) ? yes.follow(c) : no.follow(c);
    }
  }

  private static final class LessEqualRegisters extends Registers {
    private final int bias;

    LessEqualRegisters(long first, long second, int bias, Link yes, Link no) {
      super(first, second, yes, no);
      this.bias = bias;
    }

    @Override
    Block run(Core c) {
      int a = Native.get32(first);
      int b = Native.get32(second);
      Flags.subtract(c.state, a, b, a - b);
      return (a ^ bias) <= (b ^ bias) ? yes.follow(c) : no.follow(c);
    }
  }

  private static final class LessEqualConstant extends Constant {
    private final int bias;

    LessEqualConstant(long first, int b, int bias, Link yes, Link no) {
      super(first, b, yes, no);
      this.bias = bias;
    }

    @Override
    Block run(Core c) {
      int a = Native.get32(first);
      Flags.subtract(c.state, a, b, a - b);
      return (a ^ bias) <= (b ^ bias) ? yes.follow(c) : no.follow(c);
    }
  }

  private static final class LessEqual extends General {
    private final int bias;

    LessEqual(Operand first, Operand second, int bias, Link yes, Link no) {
      super(first, second, yes, no);
      this.bias = bias;
    }

    @Override
    Block run(Core c) {
      int b = second.value(c);
      int a = first.value(c);
      Flags.subtract(c.state, a, b, Size.extend(first.size, a - b));
      return (a ^ bias) <= (b ^ bias) ? yes.follow(c) : no.follow(c);
    }
  }

  private static final class ZeroRegister extends Decision {
    private final long at;

    ZeroRegister(long at, Link yes, Link no) {
      super(yes, no);
      this.at = at;
    }

    @Override
    Block run(Core c) {
      int r = Native.get32(at);
      Flags.logic(c.state, r);
      return r == 0 ? yes.follow(c) : no.follow(c);
    }
  }

  private static final class Zero extends General {
    Zero(Operand first, Operand second, Link yes, Link no) {
      super(first, second, yes, no);
    }

    @Override
    Block run(Core c) {
      int r = first.value(c) & second.value(c);
      Flags.logic(c.state, r);
      return r == 0 ? yes.follow(c) : no.follow(c);
    }
  }

  private static final class Negative extends General {
    Negative(Operand first, Operand second, Link yes, Link no) {
      super(first, second, yes, no);
    }

    @Override
    Block run(Core c) {
      int r = first.value(c) & second.value(c);
      Flags.logic(c.state, r);
      return r < 0 ? yes.follow(c) : no.follow(c);
    }
  }

  private static final class NotPositive extends General {
    NotPositive(Operand first, Operand second, Link yes, Link no) {
      super(first, second, yes, no);
    }

    @Override
    Block run(Core c) {
      int r = first.value(c) & second.value(c);
      Flags.logic(c.state, r);
      return r <= 0 ? yes.follow(c) : no.follow(c);
    }
  }
}
