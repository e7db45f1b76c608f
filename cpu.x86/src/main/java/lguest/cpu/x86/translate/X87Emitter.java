package lguest.cpu.x86.translate;

import static lguest.cpu.x86.state.CpuState.*;
import static lguest.cpu.x86.translate.Assembler.*;
import static lguest.cpu.x86.translate.Stubs.*;

import lguest.cpu.x86.decode.Instruction;
import lguest.cpu.x86.decode.Mnemonic;
import lguest.cpu.x86.fpu.Escape;

/**
 * x87 instructions, run by the host's own unit on the guest's own state: results of 80 bits, status and tags need no thought. The unit must never trap there, so code that unmasks an
 * exception is the interpreter's, and so are the instructions that replace the whole state. The transcendental instructions give what this make of processor gives; between makes,
 * and between it and the interpreter, the last bit may differ.
 */
final class X87Emitter {
  private static final int MASKS = 0x3F;

  private final BlockEmitter block;
  private final Assembler a;
  /** Only instructions whose results do not depend on the make of the host's processor. */
  boolean exact;

  X87Emitter(BlockEmitter block) {
    this.block = block;
    this.a = block.hot;
  }

  /** Emits it, or says that it cannot and has emitted nothing. */
  boolean emit(Instruction i) {
    if (i.mnemonic() == Mnemonic.WAIT) {
      // With the exceptions masked there is nothing to wait for, and with the unit loaded TS is clear.
      block.fpu(FPU_X87);
      return true;
    }
    if (!i.encoding.fpu() || i.encoding.opcode() < 0xD8 || i.encoding.opcode() > 0xDF) return false;
    return i.memory() ? memory(i) : register(i);
  }

  private boolean register(Instruction i) {
    int form = Escape.register(i.opcode, i.modrm);
    if ((form & Escape.UNDEFINED) != 0 || i.mnemonic() == Mnemonic.FNINIT || exact && transcendental(i.mnemonic())) return false;
    block.fpu(FPU_X87);
    if ((form & Escape.READS_FLAGS) != 0) block.flags.need();
    if ((form & Escape.WRITES_FLAGS) != 0) block.flags.aboutToSet();
    a.byte_(i.opcode);
    a.byte_(i.modrm);
    if ((form & Escape.CONTROL) == 0) block.x87Done();
    return true;
  }

  private boolean memory(Instruction i) {
    int form = Escape.memory(i.opcode, i.reg);
    if ((form & (Escape.UNDEFINED | Escape.ENVIRONMENT | Escape.SSE3)) != 0 || i.addressSize != 4 || !block.memory.reachable(i)) return false;
    block.fpu(FPU_X87);
    if (i.mnemonic() == Mnemonic.FLDCW) block.flags.clobber();
    block.memory.access(form & Escape.SIZE, (form & Escape.STORE) != 0);
    if (i.mnemonic() == Mnemonic.FLDCW) {
      a.rm(0x0FB7, R11, R8, 0);
      a.rm(0x89, R11, STATE, SCRATCH);
      a.rr(0xF7, 2, R11);
      a.rr(0xF7, 0, R11); a.int_(MASKS);
      block.interpretFrom(a.jcc(5));
      // Not from guest memory once more: another thread may have stored there meanwhile, and the unit would trap.
      a.rm(i.opcode, i.reg, STATE, SCRATCH);
      return true;
    }
    a.rm(i.opcode, i.reg, R8, 0);
    if ((form & Escape.CONTROL) == 0) {
      block.x87Done();
      block.x87OperandDone();
    }
    return true;
  }

  private static boolean transcendental(Mnemonic mnemonic) {
    return switch (mnemonic) {
      case F2XM1, FYL2X, FYL2XP1, FPTAN, FPATAN, FSIN, FCOS, FSINCOS -> true;
      default -> false;
    };
  }
}
