package lguest.cpu.x86.interpret;

import lguest.cpu.x86.state.Flags;

/** ADD to CMP, TEST, INC, DEC, NEG, NOT in their general forms. Hot 32-bit forms: {@link Arithmetic32}. */
final class Arithmetic {
  /** Numbers of the eight two-operand operations, as the opcode has them. */
  static final int ADD = 0, OR = 1, ADC = 2, SBB = 3, AND = 4, SUB = 5, XOR = 6, CMP = 7;

  private Arithmetic() {}

  /** a op b at a size, flags noted. */
  static int compute(long s, int operation, int size, int a, int b) {
    switch (operation) {
      case ADD -> {
        int r = Size.extend(size, a + b);
        Flags.add(s, a, b, r);
        return r;
      }
      case SUB, CMP -> {
        int r = Size.extend(size, a - b);
        Flags.subtract(s, a, b, r);
        return r;
      }
      case ADC -> {
        return addCarry(s, size, a, b);
      }
      case SBB -> {
        return subtractBorrow(s, size, a, b);
      }
      default -> {
        int r = operation == OR ? a | b : operation == AND ? a & b : a ^ b;
        Flags.logic(s, r);
        return r;
      }
    }
  }

  static int addCarry(long s, int size, int a, int b) {
    int carry = Flags.carry(s);
    int r = Size.extend(size, a + b + carry);
    int unsigned = Integer.compareUnsigned(r, a);
    int out = unsigned < 0 || carry != 0 && unsigned == 0 ? Flags.CF : 0;
    Flags.mixed(s, r, out | (a ^ b ^ r) & Flags.AF | ((a ^ r) & (b ^ r)) >>> 31 << 11);
    return r;
  }

  static int subtractBorrow(long s, int size, int a, int b) {
    int carry = Flags.carry(s);
    int r = Size.extend(size, a - b - carry);
    int unsigned = Integer.compareUnsigned(a, b);
    int out = unsigned < 0 || carry != 0 && unsigned == 0 ? Flags.CF : 0;
    Flags.mixed(s, r, out | (a ^ b ^ r) & Flags.AF | ((a ^ b) & (a ^ r)) >>> 31 << 11);
    return r;
  }

  static int increment(long s, int size, int a) {
    int carry = Flags.carry(s);
    int r = Size.extend(size, a + 1);
    Flags.mixed(s, r, carry | (r & 15) - 1 >>> 31 << 4 | (r == -1 << Size.bits(size) - 1 ? Flags.OF : 0));
    return r;
  }

  static int decrement(long s, int size, int a) {
    int carry = Flags.carry(s);
    int r = Size.extend(size, a - 1);
    Flags.mixed(s, r, carry | (a & 15) - 1 >>> 31 << 4 | (a == -1 << Size.bits(size) - 1 ? Flags.OF : 0));
    return r;
  }

  /** Destination op= source. */
  static final class Binary extends Op {
    private final int operation;
    private final Operand destination;
    private final Operand source;

    Binary(int operation, Operand destination, Operand source) {
      this.operation = operation;
      this.destination = destination;
      this.source = source;
    }

    @Override
    void run(Core c) {
      int b = source.value(c);
      int size = destination.size;
      if (operation == CMP) {
        compute(c.state, CMP, size, destination.value(c), b);
        return;
      }
      long at = destination.open(c);
      Size.store(size, at, compute(c.state, operation, size, Size.load(size, at), b));
      destination.close(c, at);
    }
  }

  static final class Test extends Op {
    private final Operand first;
    private final Operand second;

    Test(Operand first, Operand second) {
      this.first = first;
      this.second = second;
    }

    @Override
    void run(Core c) {
      Flags.logic(c.state, first.value(c) & second.value(c));
    }
  }

  /** INC, DEC, NOT, NEG. */
  static final class Unary extends Op {
    enum Kind { INC, DEC, NOT, NEG }

    private final Kind kind;
    private final Operand operand;

    Unary(Kind kind, Operand operand) {
      this.kind = kind;
      this.operand = operand;
    }

    @Override
    void run(Core c) {
      int size = operand.size;
      long at = operand.open(c);
      int a = Size.load(size, at);
      int r = switch (kind) {
        case INC -> increment(c.state, size, a);
        case DEC -> decrement(c.state, size, a);
        case NOT -> ~a;
        case NEG -> compute(c.state, SUB, size, 0, a);
      };
      Size.store(size, at, r);
      operand.close(c, at);
    }
  }

  /** XADD: the sum to the destination, its old value to the source. */
  static final class ExchangeAdd extends Op {
    private final Operand destination;
    private final Operand source;

    ExchangeAdd(Operand destination, Operand source) {
      this.destination = destination;
      this.source = source;
    }

    @Override
    void run(Core c) {
      int size = destination.size;
      long at = destination.open(c);
      int a = Size.load(size, at);
      int sum = compute(c.state, ADD, size, a, source.value(c));
      source.set(c, a);
      Size.store(size, at, sum);
      destination.close(c, at);
    }
  }

  static final class Exchange extends Op {
    private final Operand destination;
    private final Operand source;

    Exchange(Operand destination, Operand source) {
      this.destination = destination;
      this.source = source;
    }

    @Override
    void run(Core c) {
      int size = destination.size;
      long at = destination.open(c);
      int a = Size.load(size, at);
      Size.store(size, at, source.value(c));
      source.set(c, a);
      destination.close(c, at);
    }
  }

  /** CMPXCHG: stores in any case, as the processor does. */
  static final class CompareExchange extends Op {
    private final Operand destination;
    private final Operand source;

    CompareExchange(Operand destination, Operand source) {
      this.destination = destination;
      this.source = source;
    }

    @Override
    void run(Core c) {
      int size = destination.size;
      long at = destination.open(c);
      long accumulator = Operand.address(c, 0, size);
      int a = Size.load(size, at);
      int expected = Size.load(size, accumulator);
      int b = source.value(c);
      compute(c.state, CMP, size, expected, a);
      if (a == expected) Size.store(size, at, b);
      else Size.store(size, accumulator, a);
      destination.close(c, at);
    }
  }
}
