package lguest.cpu.x86.translate;

import static lguest.cpu.x86.state.CpuState.*;
import static lguest.cpu.x86.translate.Assembler.*;
import static lguest.cpu.x86.translate.BlockEmitter.host;
import static lguest.cpu.x86.translate.Stubs.*;

import lguest.cpu.x86.decode.Instruction;

/**
 * Moves to and from segment registers, of which system calls and interrupts are full. Nearly all of them load the selector that is there already; that changes nothing as long as the
 * descriptor has not changed since, which state.SEGMENTS_CURRENT knows, so it is only compared. (What was loadable stays so: a return to an outer ring clears what would not be.)
 * Loads of other selectors are looked up in what the interpreter has loaded before ({@link Crossing}); the rest is its own.
 */
final class SegmentEmitter {
  private final BlockEmitter block;
  private final Assembler a;

  SegmentEmitter(BlockEmitter block) {
    this.block = block;
    this.a = block.hot;
  }

  /** Whether code behind it may stand in the same block: it is emitted here, and either leaves the mode alone or the block. */
  static boolean staysInBlock(Instruction i) {
    int segment = loaded(i);
    return segment >= 0 && segment != SS && segment != CS && segment <= GS && i.operandSize == 4 && !i.lock && (!i.memory() || i.addressSize == 4);
  }

  /** The segment register that it loads, or -1. */
  private static int loaded(Instruction i) {
    return switch (i.encoding.opcode()) {
      case 0x07 -> ES;
      case 0x1F -> DS;
      case 0x0FA1 -> FS;
      case 0x0FA9 -> GS;
      case 0x8E -> i.reg;
      default -> -1;
    };
  }

  /** Emits it, or says that it cannot and has emitted nothing. */
  boolean emit(Instruction i) {
    if (i.operandSize != 4 || i.lock) return false;
    switch (i.encoding.opcode()) {
      case 0x06 -> push(ES);
      case 0x0E -> push(CS);
      case 0x16 -> push(SS);
      case 0x1E -> push(DS);
      case 0x0FA0 -> push(FS);
      case 0x0FA8 -> push(GS);
      case 0x8C -> {
        return store(i);
      }
      default -> {
        return staysInBlock(i) && load(i, loaded(i));
      }
    }
    return true;
  }

  private static int selector(int segment) { return SEGMENTS + segment * SEGMENT_SIZE + SELECTOR; }

  private void push(int segment) {
    block.memory.access(GUEST_ESP, -4, 4, true);
    a.rm(0x8B, R11, STATE, selector(segment));
    a.rm(0x89, R11, R8, 0);
    a.rm(0x8D, GUEST_ESP, GUEST_ESP, -4);
  }

  private boolean store(Instruction i) {
    if (i.reg > GS) return false;
    if (!i.memory()) {
      a.rm(0x8B, host(i.rm), STATE, selector(i.reg));
      return true;
    }
    if (i.addressSize != 4 || !block.memory.reachable(i)) return false;
    block.memory.access(2, true);
    a.rm(0x8B, R11, STATE, selector(i.reg));
    a.rm(0x66, false, 0x89, R11, R8, NONE, 0, 0);
    return true;
  }

  private boolean load(Instruction i, int segment) {
    boolean pop = i.encoding.opcode() != 0x8E;
    block.flags.putAway();
    if (pop) {
      block.memory.access(GUEST_ESP, 0, 4, false);
      a.rm(0x0FB7, R11, R8, 0);
    } else if (i.memory()) {
      if (!block.memory.reachable(i)) return false;
      block.memory.access(2, false);
      a.rm(0x0FB7, R11, R8, 0);
    } else {
      a.rr(0x0FB7, R11, host(i.rm));
    }
    a.rm(0x3B, R11, STATE, selector(segment));
    int other = a.jcc(5);
    a.rm(0xF6, 0, STATE, SEGMENTS_CURRENT);
    a.byte_(1 << segment);
    block.loadSegment(segment, pop, other, a.jcc(4));
    if (pop) a.rm(0x8D, GUEST_ESP, GUEST_ESP, 4);
    return true;
  }
}
