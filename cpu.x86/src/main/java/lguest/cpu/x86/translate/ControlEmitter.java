package lguest.cpu.x86.translate;

import static lguest.cpu.x86.state.CpuState.*;
import static lguest.cpu.x86.translate.Assembler.*;
import static lguest.cpu.x86.translate.BlockEmitter.host;
import static lguest.cpu.x86.translate.Stubs.*;

import lguest.cpu.x86.decode.Instruction;

/** Instructions that end a block by going somewhere: jumps, calls, returns, loops, and through {@link Crossing} INT and IRET. Other far transfers are the interpreter's. */
final class ControlEmitter {
  private final BlockEmitter block;
  private final Assembler a;
  /** Stores no flags that another processor might see otherwise. */
  boolean exact;

  ControlEmitter(BlockEmitter block) {
    this.block = block;
    this.a = block.hot;
  }

  /** Jcc, LOOP and their kin: the block goes on at one of two places. */
  static boolean conditional(Instruction i) {
    int op = i.encoding.opcode();
    return op >= 0x70 && op <= 0x7F || op >= 0x0F80 && op <= 0x0F8F || op >= 0xE0 && op <= 0xE3;
  }

  /** JMP to a place that the instruction names. */
  static boolean jumps(Instruction i) { return i.encoding.opcode() == 0xE9 || i.encoding.opcode() == 0xEB; }

  /** Emits it, or says that it cannot and has emitted nothing. */
  boolean emit(Instruction i) {
    if (i.operandSize != 4 || i.lock || i.memory() && i.addressSize != 4) return false;
    int op = i.encoding.opcode();
    if (op >= 0x0F80 && op <= 0x0F8F) return jumpIf(i, i.opcode & 15);
    if (op >= 0x100) return false;
    op = i.opcode;
    if (op == 0xCD) return interrupt(i);
    if (op == 0xCF) return interruptReturn();
    if (op >= 0x70 && op <= 0x7F) return jumpIf(i, op & 15);
    return switch (op) {
      case 0xE9, 0xEB -> jump(i.target());
      case 0xE8 -> call(i);
      case 0xC3, 0xC2 -> ret(i);
      case 0xE0, 0xE1, 0xE2, 0xE3 -> loop(i, op);
      case 0xFF -> i.reg == 2 ? callIndirect(i) : i.reg == 4 && jumpIndirect(i);
      default -> false;
    };
  }

  /** The block ends before {@code eip} for no reason of the guest's. */
  boolean jump(int eip) {
    block.to(a.jmp(), eip);
    return true;
  }

  private boolean jumpIf(Instruction i, int condition) {
    block.flags.need();
    int taken = a.jcc(condition);
    block.to(taken, i.target());
    block.to(a.jmp(), i.nextEip());
    return true;
  }

  private boolean loop(Instruction i, int op) {
    if (i.addressSize != 4) return false;
    if (op < 0xE2) block.flags.need();
    // LEA and JRCXZ touch no flag; the upper half of RCX is always 0.
    if (op != 0xE3) a.rm(0x8D, RCX, RCX, -1);
    a.byte_(0xE3);
    a.byte_(5);
    int notZero = a.jmp(); // 5 bytes
    if (op == 0xE3) {
      block.to(a.jmp(), i.target());
      block.to(notZero, i.nextEip());
    } else {
      block.to(a.jmp(), i.nextEip());
      a.here(notZero);
      if (op == 0xE2) {
        block.to(a.jmp(), i.target());
      } else {
        block.to(a.jcc(op == 0xE1 ? 4 : 5), i.target());
        block.to(a.jmp(), i.nextEip());
      }
    }
    return true;
  }

  private boolean call(Instruction i) {
    pushReturn(i);
    a.rm(0x8D, GUEST_ESP, GUEST_ESP, -4);
    return jump(i.target());
  }

  private void pushReturn(Instruction i) {
    block.memory.reach(GUEST_ESP, -4, 4, true);
    block.memory.operand(0, 0xC7, 0);
    a.int_(i.nextEip());
  }

  private boolean ret(Instruction i) {
    block.memory.reach(GUEST_ESP, 0, 4, false);
    a.rm(0x8D, GUEST_ESP, GUEST_ESP, 4 + (i.opcode == 0xC2 ? i.immediate & 0xFFFF : 0));
    block.memory.operand(0, 0x8B, R8);
    block.indirect();
    return true;
  }

  /** Only programs go through the gate; any other leaves. */
  private boolean interrupt(Instruction i) {
    if (exact && !block.comparable()) return false;
    int vector = i.immediate & 0xFF;
    if (block.level() == 3) block.cross(Crossing.INTERRUPT, i.nextEip(), vector);
    else block.softwareInterrupt(vector);
    return true;
  }

  private boolean interruptReturn() {
    if (block.level() == 0 || block.level() == 3) return false;
    block.cross(Crossing.RETURN, 0, 0);
    return true;
  }

  private boolean callIndirect(Instruction i) {
    if (i.memory()) {
      if (!block.memory.reachable(i)) return false;
      block.memory.access(4, false);
      a.rm(0x8B, R11, R8, 0);
      a.rm(0x89, R11, STATE, SCRATCH);
      pushReturn(i);
      a.rm(0x8B, R8, STATE, SCRATCH);
    } else {
      pushReturn(i);
      a.rr(0x8B, R8, host(i.rm));
    }
    a.rm(0x8D, GUEST_ESP, GUEST_ESP, -4);
    block.indirect();
    return true;
  }

  private boolean jumpIndirect(Instruction i) {
    if (i.memory()) {
      if (!block.memory.reachable(i)) return false;
      block.memory.access(4, false);
      a.rm(0x8B, R8, R8, 0);
    } else {
      a.rr(0x8B, R8, host(i.rm));
    }
    block.indirect();
    return true;
  }
}
