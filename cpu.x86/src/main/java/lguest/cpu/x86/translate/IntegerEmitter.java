package lguest.cpu.x86.translate;

import static lguest.cpu.x86.state.CpuState.*;
import static lguest.cpu.x86.translate.Assembler.*;
import static lguest.cpu.x86.translate.BlockEmitter.host;
import static lguest.cpu.x86.translate.Stubs.*;

import lguest.cpu.x86.decode.Instruction;

/**
 * Integer instructions that do not branch. Most are the guest's own opcode again, with ESP renamed to R15 and the memory operand, if any, at [R8]; so results and flags,
 * the undefined ones included, are those of this processor. What is not here the interpreter does.
 */
final class IntegerEmitter {
  private static final int XCHG8 = 0x86;

  private final BlockEmitter block;
  private final Assembler a;

  IntegerEmitter(BlockEmitter block) {
    this.block = block;
    this.a = block.hot;
  }

  /** Emits it, or says that it cannot and has emitted nothing. */
  boolean emit(Instruction i) {
    if (i.addressSize != 4 && (i.memory() || StringEmitter.isString(i))) return false;
    if (i.lock && !i.memory()) return false;
    int op = i.encoding.opcode();
    if (op >= 0x0F00) return two(i, i.opcode);
    op = i.opcode;
    if (op < 0x40 && (op & 7) < 6) return arithmetic(i, op);
    return switch (op >> 4) {
      case 0x4 -> { // INC and DEC of a register: those opcodes are REX here
        block.flags.aboutToSet();
        registerOperand(i, 0xFF, op < 0x48 ? 0 : 1, op & 7, i.operandSize);
        yield true;
      }
      case 0x5 -> op < 0x58 ? push(i, op & 7) : pop(i, op & 7);
      case 0x6 -> six(i, op);
      case 0x8 -> eight(i, op);
      case 0x9 -> nine(i, op);
      case 0xA -> moveOffset(i, op);
      case 0xB -> immediateMove(i, op);
      case 0xC -> op == 0xC9 ? leave(i) : op < 0xC2 ? shift(i, op) : op == 0xC6 || op == 0xC7 ? storeImmediate(i, op) : false;
      case 0xD -> op <= 0xD3 && shift(i, op);
      case 0xF -> fifteen(i, op);
      default -> false;
    };
  }

  // ---- forms

  /** {@code op rm, reg} or {@code op reg, rm} with the same numbers the guest used. {@code write}: memory is stored to. */
  private boolean form(Instruction i, int opcode, int bytes, boolean write, boolean flags) {
    return form(i, opcode, i.reg, bytes, bytes, write, flags, 0, 0);
  }

  /**
   * @param reg the reg field: a guest register, or an opcode extension when {@code regBytes} is 0
   * @param regBytes size of that register
   * @param bytes size of the ModRM operand
   * @param immediate appended, {@code immediateBytes} long
   */
  private boolean form(Instruction i, int opcode, int reg, int regBytes, int bytes, boolean write, boolean flags, int immediate, int immediateBytes) {
    int prefix = i.operandSize == 2 && (bytes > 1 || regBytes > 1) ? 0x66 : 0;
    int register = regBytes > 1 ? host(reg) : reg;
    if (!i.memory()) {
      int rm = bytes > 1 ? host(i.rm) : i.rm;
      // A byte register 4..7 is AH..BH only without REX, which R15 would bring.
      boolean highByte = bytes == 1 && i.rm >= 4 || regBytes == 1 && reg >= 4;
      if (highByte && (register >= 8 || rm >= 8)) return false;
      if (flags) block.flags.aboutToSet(); else if (readsFlags(i)) block.flags.need();
      a.rr(prefix, false, opcode, register, rm);
      immediate(immediate, immediateBytes);
      return true;
    }
    if (!block.memory.reachable(i)) return false;
    boolean high = regBytes == 1 && reg >= 4;
    block.memory.reach(bytes, write);
    if (flags) block.flags.aboutToSet(); else if (readsFlags(i)) block.flags.need();
    if (high) a.rr(XCHG8, register & 3, register);
    if (i.lock) a.byte_(0xF0);
    block.memory.operand(prefix, opcode, high ? register & 3 : register);
    immediate(immediate, immediateBytes);
    if (high) a.rr(XCHG8, register & 3, register);
    return true;
  }

  private static boolean readsFlags(Instruction i) { return i.encoding.flagsRead() != 0; }

  private void immediate(int value, int bytes) {
    if (bytes == 1) a.byte_(value);
    if (bytes == 2) {
      a.byte_(value);
      a.byte_(value >> 8);
    }
    if (bytes == 4) a.int_(value);
  }

  private void registerOperand(Instruction i, int opcode, int digit, int register, int size) {
    a.rr(size == 2 ? 0x66 : 0, false, opcode, digit, host(register));
  }

  // ---- one-byte opcodes

  private boolean arithmetic(Instruction i, int op) {
    boolean compare = op >> 3 == 7;
    switch (op & 7) {
      case 0, 1 -> {
        return form(i, op, (op & 1) == 0 ? 1 : i.operandSize, !compare, true);
      }
      case 2, 3 -> {
        return form(i, op, (op & 1) == 0 ? 1 : i.operandSize, false, true);
      }
      case 4 -> {
        block.flags.aboutToSet();
        a.byte_(op);
        a.byte_(i.immediate);
        return true;
      }
      default -> {
        block.flags.aboutToSet();
        accumulator(i, op);
        return true;
      }
    }
  }

  /** {@code op eAX, imm}. */
  private void accumulator(Instruction i, int op) {
    if (i.operandSize == 2) a.byte_(0x66);
    a.byte_(op);
    immediate(i.immediate, i.operandSize);
  }

  private boolean six(Instruction i, int op) {
    return switch (op) {
      case 0x68, 0x6A -> pushImmediate(i);
      case 0x69 -> form(i, 0x69, i.reg, i.operandSize, i.operandSize, false, true, i.immediate, i.operandSize);
      case 0x6B -> form(i, 0x6B, i.reg, i.operandSize, i.operandSize, false, true, i.immediate, 1);
      default -> false;
    };
  }

  private boolean eight(Instruction i, int op) {
    int size = (op & 1) == 0 ? 1 : i.operandSize;
    return switch (op) {
      case 0x80, 0x82 -> form(i, 0x80, i.reg, 0, 1, i.reg != 7, true, i.immediate, 1);
      case 0x81 -> form(i, 0x81, i.reg, 0, size, i.reg != 7, true, i.immediate, size);
      case 0x83 -> form(i, 0x83, i.reg, 0, size, i.reg != 7, true, i.immediate, 1);
      case 0x84, 0x85 -> form(i, op, size, false, true);
      case 0x86, 0x87 -> form(i, op, size, true, false);
      case 0x88, 0x89 -> form(i, op, size, true, false);
      case 0x8A, 0x8B -> form(i, op, size, false, false);
      case 0x8D -> loadAddress(i);
      default -> false;
    };
  }

  private boolean loadAddress(Instruction i) {
    if (i.operandSize == 2) return false;
    block.memory.effectiveAddress(host(i.reg));
    return true;
  }

  private boolean nine(Instruction i, int op) {
    switch (op) {
      case 0x90 -> {
        return i.rep == 0 || i.rep == 0xF3;
      }
      case 0x91, 0x92, 0x93, 0x94, 0x95, 0x96, 0x97 -> a.rr(i.operandSize == 2 ? 0x66 : 0, false, 0x87, host(op & 7), RAX);
      case 0x98, 0x99 -> {
        if (i.operandSize == 2) a.byte_(0x66);
        a.byte_(op);
      }
      case 0x9E -> {
        block.flags.aboutToSet();
        a.byte_(op);
      }
      case 0x9F -> {
        block.flags.need();
        a.byte_(op);
      }
      default -> {
        return false;
      }
    }
    return true;
  }

  private boolean moveOffset(Instruction i, int op) {
    int size = (op & 1) == 0 ? 1 : i.operandSize;
    switch (op) {
      case 0xA0, 0xA1, 0xA2, 0xA3 -> {
        if (i.addressSize != 4 || !block.memory.reachable(i)) return false;
        boolean store = op >= 0xA2;
        block.memory.reach(size, store);
        block.memory.operand(size == 2 ? 0x66 : 0, (size == 1 ? 0x8A : 0x8B) - (store ? 2 : 0), RAX);
        return true;
      }
      case 0xA8 -> {
        block.flags.aboutToSet();
        a.byte_(op);
        a.byte_(i.immediate);
        return true;
      }
      case 0xA9 -> {
        block.flags.aboutToSet();
        accumulator(i, op);
        return true;
      }
      default -> {
        return false;
      }
    }
  }

  private boolean immediateMove(Instruction i, int op) {
    if (op < 0xB8) {
      a.byte_(op);
      a.byte_(i.immediate);
    } else {
      if (i.operandSize == 2) a.byte_(0x66);
      a.plus(false, 0xB8, host(op & 7));
      immediate(i.immediate, i.operandSize);
    }
    return true;
  }

  private boolean storeImmediate(Instruction i, int op) {
    int size = op == 0xC6 ? 1 : i.operandSize;
    return form(i, op, i.reg, 0, size, true, false, i.immediate, size);
  }

  private boolean shift(Instruction i, int op) {
    int size = (op & 1) == 0 ? 1 : i.operandSize;
    boolean byImmediate = op < 0xD0;
    return form(i, op, i.reg, 0, size, true, true, i.immediate, byImmediate ? 1 : 0);
  }

  private boolean fifteen(Instruction i, int op) {
    int size = (op & 1) == 0 ? 1 : i.operandSize;
    switch (op) {
      case 0xF5, 0xF8, 0xF9 -> {
        block.flags.aboutToSet();
        a.byte_(op);
        return true;
      }
      case 0xF6, 0xF7 -> {
        return switch (i.reg) {
          case 0, 1 -> form(i, op, 0, 0, size, false, true, i.immediate, size);
          case 2 -> form(i, op, 2, 0, size, true, false, 0, 0);
          case 3 -> form(i, op, 3, 0, size, true, true, 0, 0);
          case 4, 5 -> form(i, op, i.reg, 0, size, false, true, 0, 0);
          case 6 -> size == 4 && divideUnsigned(i);
          default -> size == 4 && divideSigned(i);
        };
      }
      case 0xFE, 0xFF -> {
        if (i.reg < 2) return form(i, op, i.reg, 0, size, true, true, 0, 0);
        return i.reg == 6 && op == 0xFF && pushOperand(i);
      }
      default -> {
        return false;
      }
    }
  }

  /** The divisor to R9, guest flags safe or dead. */
  private boolean divisor(Instruction i) {
    if (i.memory()) {
      if (!block.memory.reachable(i)) return false;
      block.memory.access(4, false);
      a.rm(0x8B, R9, R8, 0);
    } else {
      a.rr(0x8B, R9, host(i.rm));
    }
    block.flags.clobber();
    return true;
  }

  /** A division that would trap must not trap here: the quotient fits exactly when the high half is below the divisor. */
  private boolean divideUnsigned(Instruction i) {
    if (!divisor(i)) return false;
    a.rr(0x3B, RDX, R9);
    block.interpretFrom(a.jcc(3));
    block.flags.aboutToSet();
    a.rr(0xF7, 6, R9);
    return true;
  }

  /** The usual case: a dividend that CDQ made from 32 bits, which only 0 and -1 can divide into a trap. */
  private boolean divideSigned(Instruction i) {
    if (!divisor(i)) return false;
    a.rm(0x8D, R10, R9, 1);
    a.group1(false, 7, R10, 1);
    block.interpretFrom(a.jcc(6)); // at most 1, unsigned: the divisor is -1 or 0
    a.rr(0x8B, R11, RAX);
    a.rr(0xC1, 7, R11); a.byte_(31);
    a.rr(0x3B, R11, RDX);
    block.interpretFrom(a.jcc(5));
    block.flags.aboutToSet();
    a.rr(0xF7, 7, R9);
    return true;
  }

  // ---- stack: 32-bit operands only; the rest is rare

  private boolean push(Instruction i, int register) {
    if (i.operandSize != 4) return false;
    block.memory.reach(GUEST_ESP, -4, 4, true);
    block.memory.operand(0, 0x89, host(register));
    a.rm(0x8D, GUEST_ESP, GUEST_ESP, -4);
    return true;
  }

  private boolean pushImmediate(Instruction i) {
    if (i.operandSize != 4) return false;
    block.memory.reach(GUEST_ESP, -4, 4, true);
    block.memory.operand(0, 0xC7, 0);
    a.int_(i.immediate);
    a.rm(0x8D, GUEST_ESP, GUEST_ESP, -4);
    return true;
  }

  private boolean pushOperand(Instruction i) {
    if (i.operandSize != 4 || !i.memory() || !block.memory.reachable(i)) return false;
    // Two accesses: both are checked before ESP changes. A second miss repeats the load, which is harmless.
    block.memory.reach(4, false);
    block.memory.operand(0, 0x8B, R11);
    a.rm(0x89, R11, STATE, SCRATCH);
    block.memory.reach(GUEST_ESP, -4, 4, true);
    a.rm(0x8B, R11, STATE, SCRATCH);
    block.memory.operand(0, 0x89, R11);
    a.rm(0x8D, GUEST_ESP, GUEST_ESP, -4);
    return true;
  }

  private boolean pop(Instruction i, int register) {
    if (i.operandSize != 4) return false;
    block.memory.reach(GUEST_ESP, 0, 4, false);
    a.rm(0x8D, GUEST_ESP, GUEST_ESP, 4);
    block.memory.operand(0, 0x8B, host(register));
    return true;
  }

  private boolean leave(Instruction i) {
    if (i.operandSize != 4) return false;
    block.memory.reach(RBP, 0, 4, false);
    a.rm(0x8D, GUEST_ESP, RBP, 4);
    block.memory.operand(0, 0x8B, RBP);
    return true;
  }

  // ---- two-byte opcodes

  /** BT and its kin on memory, where the bit number reaches beyond the operand. */
  private boolean bit(Instruction i, int opcode, boolean write) {
    if (i.operandSize != 4 || !block.memory.reachable(i)) return false;
    block.memory.accessBits(host(i.reg), write);
    block.flags.aboutToSet();
    if (i.lock) a.byte_(0xF0);
    a.rm(opcode, R10, R8, 0);
    return true;
  }

  private boolean two(Instruction i, int op) {
    int size = (op & 1) == 0 ? 1 : i.operandSize;
    int full = 0x0F00 | op;
    return switch (op) {
      case 0x18, 0x19, 0x1A, 0x1B, 0x1C, 0x1D, 0x1E, 0x1F -> true;
      case 0x40, 0x41, 0x42, 0x43, 0x44, 0x45, 0x46, 0x47, 0x48, 0x49, 0x4A, 0x4B, 0x4C, 0x4D, 0x4E, 0x4F ->
          form(i, full, i.operandSize, false, false);
      case 0x90, 0x91, 0x92, 0x93, 0x94, 0x95, 0x96, 0x97, 0x98, 0x99, 0x9A, 0x9B, 0x9C, 0x9D, 0x9E, 0x9F ->
          form(i, full, 0, 0, 1, true, false, 0, 0);
      case 0xA3 -> i.memory() ? bit(i, full, false) : form(i, full, i.operandSize, false, true);
      case 0xAB, 0xB3, 0xBB -> i.memory() ? bit(i, full, true) : form(i, full, i.operandSize, true, true);
      case 0xA4, 0xAC -> form(i, full, i.reg, i.operandSize, i.operandSize, true, true, i.immediate, 1);
      case 0xA5, 0xAD -> form(i, full, i.operandSize, true, true);
      case 0xAF -> form(i, full, i.operandSize, false, true);
      case 0xB0, 0xB1 -> !(size == 1 && i.memory() && i.reg >= 4) && form(i, full, size, true, true);
      case 0xC0, 0xC1 -> form(i, full, size, true, true);
      case 0xB6, 0xBE -> form(i, full, i.reg, i.operandSize, 1, false, false, 0, 0);
      case 0xB7, 0xBF -> form(i, full, i.reg, i.operandSize, 2, false, false, 0, 0);
      case 0xBA -> form(i, full, i.reg, 0, i.operandSize, i.reg != 4, true, i.immediate, 1);
      case 0xBC, 0xBD -> form(i, full, i.operandSize, false, true);
      case 0xC7 -> i.memory() && form(i, full, 1, 0, 8, true, true, 0, 0);
      case 0xC8, 0xC9, 0xCA, 0xCB, 0xCC, 0xCD, 0xCE, 0xCF -> {
        if (i.operandSize != 4) yield false;
        a.plus(false, 0x0FC8, host(op & 7));
        yield true;
      }
      default -> false;
    };
  }
}
