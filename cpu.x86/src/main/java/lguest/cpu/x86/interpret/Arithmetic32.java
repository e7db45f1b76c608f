package lguest.cpu.x86.interpret;

import lguest.cpu.x86.state.Flags;
import lguest.cpu.x86.state.Native;

/**
 * The 32-bit forms of ADD, SUB, AND, OR, XOR, CMP, TEST, INC, DEC and shifts by a constant, a class for each operation and
 * kind of operands: a class is what the compiler can make one
 * straight piece of machine code of. The text is repetitive on purpose. {@code live}: somebody may look at the flags before
 * they are written again.
 */
final class Arithmetic32 {
  private Arithmetic32() {}

  /** Register and register or memory or constant. */
  private abstract static class ToRegister extends Op {
    final long to;
    final boolean live;

    ToRegister(long to, boolean live) {
      this.to = to;
      this.live = live;
    }
  }

  private abstract static class FromRegister extends ToRegister {
    final long from;

    FromRegister(long to, long from, boolean live) {
      super(to, live);
      this.from = from;
    }
  }

  private abstract static class FromConstant extends ToRegister {
    final int b;

    FromConstant(long to, int b, boolean live) {
      super(to, live);
      this.b = b;
    }
  }

  private abstract static class FromMemory extends ToRegister {
    final Ea ea;

    FromMemory(long to, Ea ea, boolean live) {
      super(to, live);
      this.ea = ea;
    }
  }

  /** Memory and register, or constant when the register's address is 0. */
  private abstract static class ToMemory extends Op {
    final Ea ea;
    private final long from;
    private final int constant;

    ToMemory(Ea ea, long from, int constant) {
      this.ea = ea;
      this.from = from;
      this.constant = constant;
    }

    final int b() {
      return from == 0 ? constant : Native.get32(from);
    }

    final long open(Core c) {
      return c.mmu.open(ea.linear(c, 4, true), 4);
    }
  }

  static Op registers(int operation, long to, long from, boolean live) {
    return switch (operation) {
      case Arithmetic.ADD -> new AddRegister(to, from, live);
      case Arithmetic.SUB -> new SubRegister(to, from, live);
      case Arithmetic.AND -> new AndRegister(to, from, live);
      case Arithmetic.OR -> new OrRegister(to, from, live);
      case Arithmetic.XOR -> to == from ? new Clear(to, live) : new XorRegister(to, from, live);
      case Arithmetic.CMP -> new CompareRegister(to, from);
      default -> null;
    };
  }

  static Op constant(int operation, long to, int value, boolean live) {
    return switch (operation) {
      case Arithmetic.ADD -> new AddConstant(to, value, live);
      case Arithmetic.SUB -> new SubConstant(to, value, live);
      case Arithmetic.AND -> new AndConstant(to, value, live);
      case Arithmetic.OR -> new OrConstant(to, value, live);
      case Arithmetic.XOR -> new XorConstant(to, value, live);
      case Arithmetic.CMP -> new CompareConstant(to, value);
      default -> null;
    };
  }

  static Op load(int operation, long to, Ea ea, boolean live) {
    return switch (operation) {
      case Arithmetic.ADD -> new AddLoad(to, ea, live);
      case Arithmetic.SUB -> new SubLoad(to, ea, live);
      case Arithmetic.AND -> new AndLoad(to, ea, live);
      case Arithmetic.OR -> new OrLoad(to, ea, live);
      case Arithmetic.XOR -> new XorLoad(to, ea, live);
      case Arithmetic.CMP -> new CompareLoad(to, ea);
      default -> null;
    };
  }

  /** from is 0 for a constant. */
  static Op memory(int operation, Ea ea, long from, int constant) {
    return switch (operation) {
      case Arithmetic.ADD -> new AddMemory(ea, from, constant);
      case Arithmetic.SUB -> new SubMemory(ea, from, constant);
      case Arithmetic.AND -> new AndMemory(ea, from, constant);
      case Arithmetic.OR -> new OrMemory(ea, from, constant);
      case Arithmetic.XOR -> new XorMemory(ea, from, constant);
      case Arithmetic.CMP -> new CompareMemory(ea, from, constant);
      default -> null;
    };
  }

  private static final class AddRegister extends FromRegister {
    AddRegister(long to, long from, boolean live) {
      super(to, from, live);
    }

    @Override
    void run(Core c) {
      int b = Native.get32(from);
      int a = Native.get32(to);
      int r = a + b;
      Native.set32(to, r);
      if (live) Flags.add(c.state, a, b, r);
    }
  }

  private static final class AddConstant extends FromConstant {
    AddConstant(long to, int b, boolean live) {
      super(to, b, live);
    }

    @Override
    void run(Core c) {
      int a = Native.get32(to);
      int r = a + b;
      Native.set32(to, r);
      if (live) Flags.add(c.state, a, b, r);
    }
  }

  private static final class AddLoad extends FromMemory {
    AddLoad(long to, Ea ea, boolean live) {
      super(to, ea, live);
    }

    @Override
    void run(Core c) {
      int b = c.mmu.read32(ea.linear(c, 4, false));
      int a = Native.get32(to);
      int r = a + b;
      Native.set32(to, r);
      if (live) Flags.add(c.state, a, b, r);
    }
  }

  private static final class AddMemory extends ToMemory {
    AddMemory(Ea ea, long from, int constant) {
      super(ea, from, constant);
    }

    @Override
    void run(Core c) {
      long at = open(c);
      int a = Native.get32(at);
      int b = b();
      int r = a + b;
      Native.set32(at, r);
      Flags.add(c.state, a, b, r);
      c.mmu.close(at);
    }
  }

  private static final class SubRegister extends FromRegister {
    SubRegister(long to, long from, boolean live) {
      super(to, from, live);
    }

    @Override
    void run(Core c) {
      int b = Native.get32(from);
      int a = Native.get32(to);
      int r = a - b;
      Native.set32(to, r);
      if (live) Flags.subtract(c.state, a, b, r);
    }
  }

  private static final class SubConstant extends FromConstant {
    SubConstant(long to, int b, boolean live) {
      super(to, b, live);
    }

    @Override
    void run(Core c) {
      int a = Native.get32(to);
      int r = a - b;
      Native.set32(to, r);
      if (live) Flags.subtract(c.state, a, b, r);
    }
  }

  private static final class SubLoad extends FromMemory {
    SubLoad(long to, Ea ea, boolean live) {
      super(to, ea, live);
    }

    @Override
    void run(Core c) {
      int b = c.mmu.read32(ea.linear(c, 4, false));
      int a = Native.get32(to);
      int r = a - b;
      Native.set32(to, r);
      if (live) Flags.subtract(c.state, a, b, r);
    }
  }

  private static final class SubMemory extends ToMemory {
    SubMemory(Ea ea, long from, int constant) {
      super(ea, from, constant);
    }

    @Override
    void run(Core c) {
      long at = open(c);
      int a = Native.get32(at);
      int b = b();
      int r = a - b;
      Native.set32(at, r);
      Flags.subtract(c.state, a, b, r);
      c.mmu.close(at);
    }
  }

  private static final class AndRegister extends FromRegister {
    AndRegister(long to, long from, boolean live) {
      super(to, from, live);
    }

    @Override
    void run(Core c) {
      int b = Native.get32(from);
      int a = Native.get32(to);
      int r = a & b;
      Native.set32(to, r);
      if (live) Flags.logic(c.state, r);
    }
  }

  private static final class AndConstant extends FromConstant {
    AndConstant(long to, int b, boolean live) {
      super(to, b, live);
    }

    @Override
    void run(Core c) {
      int a = Native.get32(to);
      int r = a & b;
      Native.set32(to, r);
      if (live) Flags.logic(c.state, r);
    }
  }

  private static final class AndLoad extends FromMemory {
    AndLoad(long to, Ea ea, boolean live) {
      super(to, ea, live);
    }

    @Override
    void run(Core c) {
      int b = c.mmu.read32(ea.linear(c, 4, false));
      int a = Native.get32(to);
      int r = a & b;
      Native.set32(to, r);
      if (live) Flags.logic(c.state, r);
    }
  }

  private static final class AndMemory extends ToMemory {
    AndMemory(Ea ea, long from, int constant) {
      super(ea, from, constant);
    }

    @Override
    void run(Core c) {
      long at = open(c);
      int a = Native.get32(at);
      int b = b();
      int r = a & b;
      Native.set32(at, r);
      Flags.logic(c.state, r);
      c.mmu.close(at);
    }
  }

  private static final class OrRegister extends FromRegister {
    OrRegister(long to, long from, boolean live) {
      super(to, from, live);
    }

    @Override
    void run(Core c) {
      int b = Native.get32(from);
      int a = Native.get32(to);
      int r = a | b;
      Native.set32(to, r);
      if (live) Flags.logic(c.state, r);
    }
  }

  private static final class OrConstant extends FromConstant {
    OrConstant(long to, int b, boolean live) {
      super(to, b, live);
    }

    @Override
    void run(Core c) {
      int a = Native.get32(to);
      int r = a | b;
      Native.set32(to, r);
      if (live) Flags.logic(c.state, r);
    }
  }

  private static final class OrLoad extends FromMemory {
    OrLoad(long to, Ea ea, boolean live) {
      super(to, ea, live);
    }

    @Override
    void run(Core c) {
      int b = c.mmu.read32(ea.linear(c, 4, false));
      int a = Native.get32(to);
      int r = a | b;
      Native.set32(to, r);
      if (live) Flags.logic(c.state, r);
    }
  }

  private static final class OrMemory extends ToMemory {
    OrMemory(Ea ea, long from, int constant) {
      super(ea, from, constant);
    }

    @Override
    void run(Core c) {
      long at = open(c);
      int a = Native.get32(at);
      int b = b();
      int r = a | b;
      Native.set32(at, r);
      Flags.logic(c.state, r);
      c.mmu.close(at);
    }
  }

  private static final class XorRegister extends FromRegister {
    XorRegister(long to, long from, boolean live) {
      super(to, from, live);
    }

    @Override
    void run(Core c) {
      int b = Native.get32(from);
      int a = Native.get32(to);
      int r = a ^ b;
      Native.set32(to, r);
      if (live) Flags.logic(c.state, r);
    }
  }

  private static final class XorConstant extends FromConstant {
    XorConstant(long to, int b, boolean live) {
      super(to, b, live);
    }

    @Override
    void run(Core c) {
      int a = Native.get32(to);
      int r = a ^ b;
      Native.set32(to, r);
      if (live) Flags.logic(c.state, r);
    }
  }

  private static final class XorLoad extends FromMemory {
    XorLoad(long to, Ea ea, boolean live) {
      super(to, ea, live);
    }

    @Override
    void run(Core c) {
      int b = c.mmu.read32(ea.linear(c, 4, false));
      int a = Native.get32(to);
      int r = a ^ b;
      Native.set32(to, r);
      if (live) Flags.logic(c.state, r);
    }
  }

  private static final class XorMemory extends ToMemory {
    XorMemory(Ea ea, long from, int constant) {
      super(ea, from, constant);
    }

    @Override
    void run(Core c) {
      long at = open(c);
      int a = Native.get32(at);
      int b = b();
      int r = a ^ b;
      Native.set32(at, r);
      Flags.logic(c.state, r);
      c.mmu.close(at);
    }
  }

  private static final class CompareRegister extends FromRegister {
    CompareRegister(long to, long from) {
      super(to, from, true);
    }

    @Override
    void run(Core c) {
      int a = Native.get32(to);
      int b = Native.get32(from);
      Flags.subtract(c.state, a, b, a - b);
    }
  }

  private static final class CompareConstant extends FromConstant {
    CompareConstant(long to, int b) {
      super(to, b, true);
    }

    @Override
    void run(Core c) {
      int a = Native.get32(to);
      Flags.subtract(c.state, a, b, a - b);
    }
  }

  private static final class CompareLoad extends FromMemory {
    CompareLoad(long to, Ea ea) {
      super(to, ea, true);
    }

    @Override
    void run(Core c) {
      int b = c.mmu.read32(ea.linear(c, 4, false));
      int a = Native.get32(to);
      Flags.subtract(c.state, a, b, a - b);
    }
  }

  private static final class CompareMemory extends ToMemory {
    CompareMemory(Ea ea, long from, int constant) {
      super(ea, from, constant);
    }

    @Override
    void run(Core c) {
      int a = c.mmu.read32(ea.linear(c, 4, false));
      int b = b();
      Flags.subtract(c.state, a, b, a - b);
    }
  }

  /** XOR of a register with itself. */
  private static final class Clear extends ToRegister {
    Clear(long to, boolean live) {
      super(to, live);
    }

    @Override
    void run(Core c) {
      Native.set32(to, 0);
      if (live) Flags.logic(c.state, 0);
    }
  }

  static final class TestRegister extends FromRegister {
    TestRegister(long to, long from) {
      super(to, from, true);
    }

    @Override
    void run(Core c) {
      Flags.logic(c.state, Native.get32(to) & Native.get32(from));
    }
  }

  static final class Increment extends ToRegister {
    private final int by;

    /** by is 1 or -1. */
    Increment(long to, int by, boolean live) {
      super(to, live);
      this.by = by;
    }

    @Override
    void run(Core c) {
      int a = Native.get32(to);
      if (!live) Native.set32(to, a + by);
      else Native.set32(to, by > 0 ? Arithmetic.increment(c.state, 4, a) : Arithmetic.decrement(c.state, 4, a));
    }
  }

  static final class ShiftLeft extends FromConstant {
    ShiftLeft(long to, int count, boolean live) {
      super(to, count, live);
    }

    @Override
    void run(Core c) {
      int a = Native.get32(to);
      if (live) Shifts.left(c.state, 4, a, b);
      Native.set32(to, a << b);
    }
  }

  static final class ShiftRight extends FromConstant {
    ShiftRight(long to, int count, boolean live) {
      super(to, count, live);
    }

    @Override
    void run(Core c) {
      int a = Native.get32(to);
      if (live) Shifts.right(c.state, 4, a, b);
      Native.set32(to, a >>> b);
    }
  }

  static final class ShiftArithmetic extends FromConstant {
    ShiftArithmetic(long to, int count, boolean live) {
      super(to, count, live);
    }

    @Override
    void run(Core c) {
      int a = Native.get32(to);
      if (live) Shifts.arithmeticRight(c.state, 4, a, b);
      Native.set32(to, a >> b);
    }
  }

  static final class Multiply extends FromRegister {
    Multiply(long to, long from, boolean live) {
      super(to, from, live);
    }

    @Override
    void run(Core c) {
      long product = (long) Native.get32(to) * Native.get32(from);
      Native.set32(to, (int) product);
      if (live) lguest.cpu.x86.interpret.Multiply.overflow(c, product != (int) product);
    }
  }
}
