package lguest.cpu.x86.interpret;

import static lguest.cpu.x86.state.CpuState.*;

import lguest.cpu.x86.decode.Instruction;
import lguest.cpu.x86.decode.OperandKind;
import lguest.cpu.x86.state.Native;

/**
 * An operand of the general forms of instructions: a place of 1, 2 or 4 bytes, or a constant. The hot forms have operations of
 * their own instead.
 */
abstract class Operand {
  final int size;

  Operand(int size) {
    this.size = size;
  }

  /** Sign-extended. */
  abstract int value(Core c);

  abstract void set(Core c, int value);

  /** Host address to load, change and store in place; may fault, the rest may not. */
  abstract long open(Core c);

  void close(Core c, long opened) {}

  /** Host address of general register number at a size; numbers 4..7 of bytes are AH CH DH BH. */
  static long address(Core c, int number, int size) {
    return c.state + EAX + (size == 1 && number >= 4 ? (number - 4) * 8 + 1 : number * 8);
  }

  static Operand of(Core c, Instruction i, int n) {
    OperandKind kind = i.encoding.kind(n);
    int size = i.size(n);
    return switch (kind.place) {
      case RM -> i.mod == 3 ? new Register(size, address(c, i.rm, size)) : new Memory(size, new Ea(c, i));
      case REG -> new Register(size, address(c, i.reg, size));
      case OPCODE -> new Register(size, address(c, i.opcode & 7, size));
      case OFFSET -> new Memory(size, new Ea(c, i));
      case IMMEDIATE -> new Constant(size, i.immediate);
      case FIXED -> switch (kind) {
        case ONE -> new Constant(1, 1);
        case AL, AX, rAX -> new Register(size, address(c, 0, size));
        case CL -> new Register(1, address(c, 1, 1));
        case DX -> new Register(2, address(c, 2, 2));
        default -> throw new IllegalArgumentException(kind.name());
      };
      default -> throw new IllegalArgumentException(kind.name());
    };
  }

  static final class Register extends Operand {
    final long at;

    Register(int size, long at) {
      super(size);
      this.at = at;
    }

    @Override
    int value(Core c) {
      return Size.load(size, at);
    }

    @Override
    void set(Core c, int value) {
      Size.store(size, at, value);
    }

    @Override
    long open(Core c) {
      return at;
    }
  }

  static final class Constant extends Operand {
    final int value;

    Constant(int size, int value) {
      super(size);
      this.value = value;
    }

    @Override
    int value(Core c) {
      return value;
    }

    @Override
    void set(Core c, int value) {
      throw new IllegalStateException("store to a constant");
    }

    @Override
    long open(Core c) {
      throw new IllegalStateException("store to a constant");
    }
  }

  static final class Memory extends Operand {
    final Ea ea;

    Memory(int size, Ea ea) {
      super(size);
      this.ea = ea;
    }

    @Override
    int value(Core c) {
      int linear = ea.linear(c, size, false);
      return size == 4 ? c.mmu.read32(linear) : size == 2 ? c.mmu.read16(linear) : c.mmu.read8(linear);
    }

    @Override
    void set(Core c, int value) {
      int linear = ea.linear(c, size, true);
      if (size == 4) c.mmu.write32(linear, value);
      else if (size == 2) c.mmu.write16(linear, value);
      else c.mmu.write8(linear, value);
    }

    @Override
    long open(Core c) {
      return c.mmu.open(ea.linear(c, size, true), size);
    }

    @Override
    void close(Core c, long opened) {
      c.mmu.close(opened);
    }
  }
}

