package lguest.cpu.x86.interpret;

import static lguest.cpu.x86.state.CpuState.*;

import lguest.cpu.x86.decode.Instruction;
import lguest.cpu.x86.decode.Mnemonic;
import lguest.cpu.x86.decode.OperandKind;
import lguest.cpu.x86.decode.OperandKind.Place;
import lguest.cpu.x86.state.Mode;

/** Chooses operations made for the forms hot code consists of: 32-bit registers and memory, a flat stack. */
final class Fast {
  private Fast() {}

  /** Null: no special form. */
  static Op op(Core c, Instruction i, boolean live) {
    return switch (i.mnemonic()) {
      case ADD, SUB, AND, OR, XOR, CMP -> i.size(0) == 4 ? arithmetic(c, i, live) : null;
      case TEST -> i.size(0) == 4 && !i.memory() && i.encoding.kind(1).place == Place.REG
          ? new Arithmetic32.TestRegister(register(c, i.rm), register(c, i.reg)) : null;
      case INC, DEC -> i.size(0) == 4 && !i.memory()
          ? new Arithmetic32.Increment(register(c, i.encoding.kind(0).place == Place.OPCODE ? i.opcode & 7 : i.rm),
          i.mnemonic() == Mnemonic.INC ? 1 : -1, live) : null;
      case SHL, SHR, SAR -> shift(c, i, live);
      case IMUL -> i.operandSize == 4 && !i.memory() && i.encoding.operands().size() == 2
          ? new Arithmetic32.Multiply(register(c, i.reg), register(c, i.rm), live) : null;
      case MOV -> move(c, i);
      case MOVZX -> i.operandSize == 4 && i.size(1) == 1 ? i.memory() ? new Moves.ZeroLoad8(register(c, i.reg), new Ea(c, i))
          : new Moves.ZeroByte32(register(c, i.reg), Operand.address(c, i.rm, 1)) : null;
      case PUSH -> push(c, i);
      case POP -> flatStack(c) && i.operandSize == 4 && i.encoding.kind(0) == OperandKind.Zv
          ? new Stack.PopFlat(register(c, i.opcode & 7)) : null;
      case LEAVE -> flatStack(c) && i.operandSize == 4 ? new Stack.LeaveFlat() : null;
      default -> null;
    };
  }

  static End end(Core c, Instruction i) {
    if (i.mnemonic() == Mnemonic.J && i.encoding.condition() >> 1 == 2 && (c.mode & Mode.CS_FLAT) != 0) {
      boolean negated = (i.encoding.condition() & 1) != 0;
      Link taken = Binder.link(c, i, i.target());
      Link next = Binder.link(c, i, i.nextEip());
      return negated ? new Fused.IfZero(next, taken) : new Fused.IfZero(taken, next);
    }
    if (i.operandSize != 4 || (c.mode & Mode.CS_FLAT) == 0 || !flatStack(c)) return null;
    return switch (i.mnemonic()) {
      case CALL -> i.encoding.kind(0).place == Place.RELATIVE ? new Branches.CallFlat(i.nextEip(), Binder.link(c, i, i.target()))
          : null;
      case RET -> new Branches.ReturnFlat(i.encoding.operands().isEmpty() ? 0 : i.immediate);
      default -> null;
    };
  }

  private static boolean flatStack(Core c) {
    return (c.mode & Mode.SS_FLAT) != 0;
  }

  private static long register(Core c, int number) {
    return c.state + EAX + 8 * number;
  }

  private static Op arithmetic(Core c, Instruction i, boolean live) {
    int operation = Binder.operation(i.mnemonic());
    OperandKind to = i.encoding.kind(0);
    OperandKind from = i.encoding.kind(1);
    boolean constant = from.place == Place.IMMEDIATE;
    if (to.place == Place.RM && i.memory())
      return Arithmetic32.memory(operation, new Ea(c, i), constant ? 0 : register(c, i.reg), i.immediate);
    long at = register(c, to.place == Place.RM ? i.rm : to.place == Place.REG ? i.reg : 0);
    if (constant) return Arithmetic32.constant(operation, at, i.immediate, live);
    if (from.place == Place.RM && i.memory()) return Arithmetic32.load(operation, at, new Ea(c, i), live);
    return Arithmetic32.registers(operation, at, register(c, from.place == Place.RM ? i.rm : i.reg), live);
  }

  private static Op shift(Core c, Instruction i, boolean live) {
    if (i.size(0) != 4 || i.memory() || i.encoding.kind(1) == OperandKind.CL) return null;
    int count = i.encoding.kind(1) == OperandKind.ONE ? 1 : i.immediate & 31;
    long at = register(c, i.rm);
    if (count == 0) return new Moves.Nothing();
    return switch (i.mnemonic()) {
      case SHL -> new Arithmetic32.ShiftLeft(at, count, live);
      case SHR -> new Arithmetic32.ShiftRight(at, count, live);
      default -> new Arithmetic32.ShiftArithmetic(at, count, live);
    };
  }

  /** CMP or TEST and the Jcc behind it as one; null when they do not make a pair. */
  static End pair(Core c, Instruction first, Instruction jump) {
    if (jump.mnemonic() != Mnemonic.J || jump.operandSize != 4 || (c.mode & Mode.CS_FLAT) == 0) return null;
    boolean compare = first.mnemonic() == Mnemonic.CMP;
    if (!compare && first.mnemonic() != Mnemonic.TEST) return null;
    Link taken = Binder.link(c, jump, jump.target());
    Link next = Binder.link(c, jump, jump.nextEip());
    Operand a = Operand.of(c, first, 0);
    Operand b = Operand.of(c, first, 1);
    return compare ? Fused.compare(a, b, jump.encoding.condition(), taken, next)
        : Fused.test(a, b, jump.encoding.condition(), taken, next);
  }

  private static Op move(Core c, Instruction i) {
    OperandKind to = i.encoding.kind(0);
    OperandKind from = i.encoding.kind(1);
    if (to.place == Place.SEGMENT || from.place == Place.SEGMENT || to.place == Place.CONTROL || from.place == Place.CONTROL
        || to.place == Place.DEBUG
        || from.place == Place.DEBUG) return null;
    int size = i.size(0);
    if (size == 2) return null;
    boolean loads = from.place == Place.RM && i.memory() || from.place == Place.OFFSET;
    boolean stores = to.place == Place.RM && i.memory() || to.place == Place.OFFSET;
    if (loads) {
      long at = Operand.address(c, to.place == Place.REG ? i.reg : 0, size);
      return size == 4 ? new Moves.Load32(at, new Ea(c, i)) : new Moves.Load8(at, new Ea(c, i));
    }
    if (stores && from.place == Place.IMMEDIATE) return size == 4 ? new Moves.StoreConstant32(new Ea(c, i), i.immediate) : null;
    if (stores) {
      long at = Operand.address(c, from.place == Place.REG ? i.reg : 0, size);
      return size == 4 ? new Moves.Store32(new Ea(c, i), at) : new Moves.Store8(new Ea(c, i), at);
    }
    if (size != 4) return null;
    long at = register(c, to.place == Place.REG ? i.reg : to.place == Place.RM ? i.rm : i.opcode & 7);
    if (from.place == Place.IMMEDIATE) return new Moves.Constant32(at, i.immediate);
    return new Moves.Register32(at, register(c, from.place == Place.REG ? i.reg : i.rm));
  }

  private static Op push(Core c, Instruction i) {
    if (!flatStack(c) || i.operandSize != 4) return null;
    OperandKind kind = i.encoding.kind(0);
    return switch (kind) {
      case Zv -> new Stack.PushFlat(register(c, i.opcode & 7));
      case Iz, Ibs -> new Stack.PushConstantFlat(i.immediate);
      case Ev -> i.memory() ? null : new Stack.PushFlat(register(c, i.rm));
      default -> null;
    };
  }
}
