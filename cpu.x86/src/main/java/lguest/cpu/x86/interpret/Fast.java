package lguest.cpu.x86.interpret;

import static lguest.cpu.x86.state.CpuState.*;

import lguest.cpu.x86.decode.Instruction;
import lguest.cpu.x86.decode.OperandKind;
import lguest.cpu.x86.decode.OperandKind.Place;
import lguest.cpu.x86.state.Mode;

/** Chooses operations made for the forms hot code consists of: 32-bit registers and memory, a flat stack. */
final class Fast {
  private Fast() {}

  /** Null: no special form. */
  static Op op(Core c, Instruction i) {
    return switch (i.mnemonic()) {
      case MOV -> move(c, i);
      case MOVZX -> i.operandSize == 4 && i.size(1) == 1 ? i.memory() ? new Moves.ZeroLoad8(register(c, i.reg), new Ea(c, i))
          : new Moves.ZeroByte32(register(c, i.reg), Operand.address(c, i.rm, 1)) : null;
      case PUSH -> push(c, i);
      case POP -> flatStack(c) && i.operandSize == 4 && i.encoding.kind(0) == OperandKind.Zv ? new Stack.PopFlat(register(c, i.opcode & 7)) : null;
      case LEAVE -> flatStack(c) && i.operandSize == 4 ? new Stack.LeaveFlat() : null;
      default -> null;
    };
  }

  static End end(Core c, Instruction i) {
    if (i.operandSize != 4 || (c.mode & Mode.CS_FLAT) == 0 || !flatStack(c)) return null;
    return switch (i.mnemonic()) {
      case CALL -> i.encoding.kind(0).place == Place.RELATIVE ? new Branches.CallFlat(i.nextEip(), Binder.link(c, i, i.target())) : null;
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

  private static Op move(Core c, Instruction i) {
    OperandKind to = i.encoding.kind(0);
    OperandKind from = i.encoding.kind(1);
    if (to.place == Place.SEGMENT || from.place == Place.SEGMENT || to.place == Place.CONTROL || from.place == Place.CONTROL || to.place == Place.DEBUG
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
