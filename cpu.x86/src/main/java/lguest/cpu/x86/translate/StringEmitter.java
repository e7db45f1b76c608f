package lguest.cpu.x86.translate;

import static lguest.cpu.x86.state.CpuState.*;
import static lguest.cpu.x86.translate.Assembler.*;
import static lguest.cpu.x86.translate.Stubs.*;

import lguest.cpu.x86.decode.Instruction;

/**
 * String instructions. A repetition goes page by page: as many elements as lie in one page on both sides are the host's own REP, on host addresses, between which ESI, EDI and ECX
 * are the guest's again. So a miss or a request of another thread finds an instruction that has done a part of its elements, which is what the processor shows, too. There is code for both
 * directions, and the guest's flag is asked which; only while elements are moved downwards is the host's flag set.
 */
final class StringEmitter {
  private static final int MOVS = 0xA4, CMPS = 0xA6, STOS = 0xAA, LODS = 0xAC, SCAS = 0xAE;
  private static final int ZERO = 4, NOT_ZERO = 5;
  private static final int DF_BYTE = EFLAGS + 1, DF_BIT = 4;
  private static final int CLD = 0xFC, STD = 0xFD;

  private final BlockEmitter block;
  private final Assembler a;

  // The instruction being emitted.
  private int kind;
  private int size;
  /** It reads at ESI, and reads or writes at EDI. */
  private boolean source, destination;
  private boolean down;

  StringEmitter(BlockEmitter block) {
    this.block = block;
    this.a = block.hot;
  }

  /** Whether it is one of them. */
  static boolean isString(Instruction i) {
    int op = i.encoding.opcode();
    return op >= MOVS && op <= 0xAF && op != 0xA8 && op != 0xA9;
  }

  /** Emits it, or says that it cannot and has emitted nothing. */
  boolean emit(Instruction i) {
    int op = i.encoding.opcode();
    if (op == CLD || op == STD) return direction(op == STD);
    if (!isString(i)) return false;
    kind = op & ~1;
    size = (op & 1) == 0 ? 1 : i.operandSize;
    source = kind == MOVS || kind == CMPS || kind == LODS;
    destination = kind != LODS;
    int segment = i.override < 0 ? DS : i.override;
    if (i.addressSize != 4 || i.lock || source && (segment >= FS || segment == CS)) return false;
    block.flags.putAway(); // where a repeated comparison leaves those of its elements
    a.rm(0xF6, 0, STATE, DF_BYTE);
    a.byte_(DF_BIT);
    int downwards = a.jcc(NOT_ZERO);
    emit(i.rep, false);
    int end = a.jmp();
    a.here(downwards);
    block.flags.areAway();
    emit(i.rep, true);
    a.here(end);
    return true;
  }

  private void emit(int rep, boolean down) {
    this.down = down;
    if (rep == 0) single();
    else if (kind == CMPS || kind == SCAS) compare(rep);
    else repeat();
  }

  private boolean direction(boolean down) {
    block.flags.clobber();
    a.rm(0x80, down ? 1 : 4, STATE, DF_BYTE);
    a.byte_(down ? DF_BIT : ~DF_BIT);
    return true;
  }

  // ---- one element

  private void single() {
    int prefix = size == 2 ? 0x66 : 0;
    int wide = size == 1 ? 0 : 1;
    switch (kind) {
      case MOVS -> {
        keepElement();
        block.memory.access(RDI, 0, size, true);
        a.rm(0x8B, R11, STATE, SCRATCH);
        a.rm(prefix, false, 0x88 + wide, R11, R8, NONE, 0, 0);
      }
      case STOS -> {
        block.memory.access(RDI, 0, size, true);
        a.rm(prefix, false, 0x88 + wide, RAX, R8, NONE, 0, 0);
      }
      case LODS -> {
        block.memory.access(RSI, 0, size, false);
        a.rm(prefix, false, 0x8A + wide, RAX, R8, NONE, 0, 0);
      }
      case CMPS -> {
        keepElement();
        block.memory.access(RDI, 0, size, false);
        block.flags.aboutToSet();
        a.rm(0x8B, R11, STATE, SCRATCH);
        a.rm(prefix, false, 0x3A + wide, R11, R8, NONE, 0, 0);
      }
      default -> {
        block.memory.access(RDI, 0, size, false);
        block.flags.aboutToSet();
        a.rm(prefix, false, 0x3A + wide, RAX, R8, NONE, 0, 0);
      }
    }
    int step = down ? -size : size;
    if (source) a.rm(0x8D, RSI, RSI, step);
    if (destination) a.rm(0x8D, RDI, RDI, step);
  }

  private void keepElement() {
    block.memory.access(RSI, 0, size, false);
    if (size == 4) a.rm(0x8B, R11, R8, 0);
    else a.rm(size == 1 ? 0x0FB6 : 0x0FB7, R11, R8, 0);
    a.rm(0x89, R11, STATE, SCRATCH);
  }

  // ---- repetitions

  private void repeat() {
    int again = a.size();
    a.rr(0x85, RCX, RCX);
    int done = a.jcc(ZERO);
    prepare(again);
    elements(0xF3);
    a.rr(0x8B, RCX, R9);
    a.patchJump(a.jmp(), again);
    a.here(done);
  }

  /** CMPS and SCAS leave flags, unless there is no element at all. From the host's comparison on nothing touches them. */
  private void compare(int rep) {
    a.rr(0x85, RCX, RCX);
    int none = a.jcc(ZERO);
    int again = a.size();
    prepare(again);
    elements(rep);
    a.rm(0, false, 0x8D, RCX, RCX, R9, 0, 0);
    int decided = a.jcc(rep == 0xF3 ? NOT_ZERO : ZERO);
    a.byte_(0xE3); // jrcxz
    int last = a.size();
    a.byte_(0);
    block.flags.save();
    a.patchJump(a.jmp(), again);
    a.hereShort(last);
    a.here(decided);
    block.unchangedFrom(none);
  }

  /** Accesses the next elements, and counts how many lie in their pages: ECX those, R9 the rest, R8 and, where there are two of them, state.SCRATCH the host addresses. */
  private void prepare(int again) {
    boolean two = source && destination;
    a.group1Memory(false, 7, STATE, REQUEST, 0);
    block.interpretFrom(a.jcc(NOT_ZERO));
    if (two) {
      block.memory.access(RSI, size, false, again);
      a.rmq(0x89, R8, STATE, SCRATCH);
    }
    // By itself: both pages may have the same place in the soft TLB, and each would throw the other out for ever. The source's host address stays good.
    block.memory.access(destination ? RDI : RSI, size, kind == MOVS || kind == STOS, two ? a.size() : again);
    offset(R9, destination ? RDI : RSI);
    if (two) {
      offset(R10, RSI);
      a.rr(0x3B, R9, R10);
      a.rr(down ? 0x0F47 : 0x0F42, R9, R10); // cmova, cmovb: whichever leaves fewer
    }
    if (down) {
      a.rr(0x8B, R10, R9);
      if (size > 1) toElements();
      a.rm(0x8D, R10, R10, 1);
    } else {
      a.movImmediate(R10, 0x1000);
      a.rr(0x2B, R10, R9);
      if (size > 1) toElements();
    }
    a.rr(0x3B, R10, RCX);
    a.rr(0x0F47, R10, RCX); // cmova
    a.rr(0x8B, R9, RCX);
    a.rr(0x2B, R9, R10);
    a.rr(0x8B, RCX, R10);
  }

  /** Of a guest address, in its page. */
  private void offset(int register, int address) {
    a.rr(0x8B, register, address);
    a.group1(false, 4, register, 0xFFF);
  }

  /** From bytes, in R10. */
  private void toElements() {
    a.rr(0xC1, 5, R10);
    a.byte_(size == 4 ? 2 : 1);
  }

  /** The host's own repetition, of ECX elements on host addresses. ESI and EDI are the guest's again afterwards; R9 elements stay for later. The flags are the host's. */
  private void elements(int rep) {
    boolean two = source && destination;
    if (source) {
      if (two) a.rmq(0x8B, R10, STATE, SCRATCH);
      else a.rrq(0x8B, R10, R8);
      a.rrq(0x8B, R11, RSI);
      a.rrq(0x2B, R11, R10);
      a.rrq(0x8B, RSI, R10);
    }
    if (destination) {
      a.rrq(0x8B, R10, RDI);
      a.rrq(0x2B, R10, R8);
      a.rrq(0x8B, RDI, R8);
    }
    if (down) a.byte_(STD);
    a.byte_(rep);
    if (size == 2) a.byte_(0x66);
    a.byte_(size == 1 ? kind : kind + 1);
    if (down) a.byte_(CLD);
    if (source) a.rm(0, false, 0x8D, RSI, RSI, R11, 0, 0);
    if (destination) a.rm(0, false, 0x8D, RDI, RDI, R10, 0, 0);
  }
}
