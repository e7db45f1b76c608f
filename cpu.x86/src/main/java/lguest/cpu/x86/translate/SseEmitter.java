package lguest.cpu.x86.translate;

import static lguest.cpu.x86.state.CpuState.*;
import static lguest.cpu.x86.translate.Assembler.*;
import static lguest.cpu.x86.translate.BlockEmitter.host;
import static lguest.cpu.x86.translate.Stubs.*;

import lguest.cpu.x86.decode.Instruction;
import lguest.cpu.x86.decode.OperandKind;
import lguest.cpu.x86.decode.OperandKind.Bank;
import lguest.cpu.x86.decode.OperandKind.Place;

/**
 * MMX, SSE and SSE2: the guest's own opcodes on host registers of the same numbers, under the guest's own MXCSR, so that rounding, flags
 * and NaNs are this processor's.
 *
 * <p>What keeps a fault out of it: all exceptions are masked while the unit is loaded (see Stubs); a 16-byte operand is at [R8] only
 * after its address was found to be aligned, and guest memory itself begins on such a boundary; a new MXCSR is looked at in a place of
 * ours, where no other thread can change it before it is loaded.
 */
final class SseEmitter {
  private static final int MXCSR_RESERVED = 0xFFFF0000, MXCSR_MASKS = 0x1F80;

  private final BlockEmitter block;
  private final Assembler a;
  /** Only instructions whose results do not depend on the make of the host's processor: not RCP and RSQRT, of which the manual defines the first eleven bits. */
  boolean exact;

  SseEmitter(BlockEmitter block) {
    this.block = block;
    this.a = block.hot;
  }

  /** Emits it, or says that it cannot and has emitted nothing. */
  boolean emit(Instruction i) {
    if (i.memory() && (i.addressSize != 4 || !block.memory.reachable(i))) return false;
    if (!i.encoding.simd()) return plain(i);
    boolean sse = i.encoding.has("sse"), mmx = i.encoding.has("mmx");
    switch (i.mnemonic()) {
      case RCPPS, RCPSS, RSQRTPS, RSQRTSS -> {
        if (exact) return false;
      }
      case MASKMOVQ -> {
        return false; // it turns the x87 stack into MMX registers even when it faults
      }
      case MASKMOVDQU -> {
        if (i.override >= 0 || i.addressSize != 4) return false;
      }
      default -> { }
    }
    if (sse) block.fpu(FPU_SSE);
    if (mmx) block.fpu(FPU_X87);
    switch (i.mnemonic()) {
      case LDMXCSR -> loadControl();
      case MASKMOVDQU -> maskedMove(i);
      default -> {
        if (i.memory()) memory(i);
        else registers(i);
      }
    }
    return true;
  }

  /** Those that use no register of the unit. */
  private boolean plain(Instruction i) {
    switch (i.mnemonic()) {
      case MOVNTI -> {
        block.memory.access(4, true);
        a.rm(0x0FC3, host(i.reg), R8, 0);
      }
      case CLFLUSH -> block.memory.access(1, false); // it may fault; caches are the host's own business
      case LFENCE, MFENCE, SFENCE -> a.rr(0x0FAE, i.reg, i.rm);
      default -> {
        return false;
      }
    }
    return true;
  }

  private void registers(Instruction i) {
    setsFlags(i);
    if (i.modrm < 0) a.opcode(i.encoding.opcode()); // EMMS
    else a.rr(prefix(i), false, i.encoding.opcode(), register(i, Place.REG, i.reg), register(i, Place.RM, i.rm));
    immediate(i);
  }

  private void memory(Instruction i) {
    int operand = 0;
    while (i.encoding.kind(operand).place != Place.RM) operand++;
    int bytes = i.size(operand);
    boolean write = i.encoding.operands().get(operand).writes();
    if (bytes == 16 && !i.encoding.has("loose")) block.memory.accessAligned(bytes, write);
    else block.memory.access(bytes, write);
    setsFlags(i);
    a.rm(prefix(i), false, i.encoding.opcode(), register(i, Place.REG, i.reg), R8, NONE, 0, 0);
    immediate(i);
  }

  /** The number as it is for MMX and XMM registers; ESP is elsewhere. */
  private static int register(Instruction i, Place place, int number) {
    for (int n = 0; n < i.encoding.operands().size(); n++) {
      OperandKind kind = i.encoding.kind(n);
      if (kind.place == place && kind.bank == Bank.GENERAL) return host(number);
    }
    return number;
  }

  private void setsFlags(Instruction i) {
    if (i.encoding.flagsWritten() != 0) block.flags.aboutToSet();
  }

  private static int prefix(Instruction i) { return Math.max(i.encoding.prefix(), 0); }

  private void immediate(Instruction i) {
    if (i.encoding.operands().stream().anyMatch(o -> o.kind() == OperandKind.Ibu)) a.byte_(i.immediate);
  }

  /** A value that would unmask an exception, or cannot be loaded at all, is the interpreter's. */
  private void loadControl() {
    block.flags.clobber();
    block.memory.access(4, false);
    a.rm(0x8B, R11, R8, 0);
    a.rm(0x89, R11, STATE, SCRATCH);
    a.group1(false, 4, R11, MXCSR_RESERVED | MXCSR_MASKS);
    a.group1(false, 7, R11, MXCSR_MASKS);
    block.interpretFrom(a.jcc(5));
    a.rm(0x0FAE, 2, STATE, SCRATCH);
  }

  /** The address is in EDI and nowhere else. */
  private void maskedMove(Instruction i) {
    block.memory.access(RDI, 0, 16, true);
    a.rrq(0x8B, R9, RDI);
    a.rrq(0x8B, RDI, R8);
    a.rr(prefix(i), false, i.encoding.opcode(), i.reg, i.rm);
    a.rrq(0x8B, RDI, R9);
  }
}
