package lguest.cpu.x86.translate;

import static lguest.cpu.x86.state.CpuState.*;
import static lguest.cpu.x86.translate.Assembler.*;
import static lguest.cpu.x86.translate.Stubs.INSTRUCTIONS_LEFT;
import static lguest.cpu.x86.translate.Stubs.STATE;

import lguest.cpu.x86.decode.Instruction;

/**
 * Memory accesses of a block that jumps to itself. Such a loop goes through memory in small steps, so each of its accesses is to the page of the last time, nearly always. The soft TLB is
 * found by the address, and the address of the operand by what was found: in a loop where each address comes from the last load, that wait is most of the time. So an access gets a copy of its last TLB entry at a place of its own
 * (state.LOOPS), known when the code is emitted; whether it is the right one is only checked, which the host's processor does beside its work.
 *
 * <p>Where it is not, the TLB is asked and its entry copied. A loop that jumps about in memory would do that each time: after {@link #PATIENCE} times in a row, with only a few rounds between, it leaves
 * by {@link Exits#LOOP} and is compiled again without. There are few places; loops that share one take it from each other, and may come to that as well.
 */
final class LoopSites {
  private static final int MOST_IN_A_LOOP = 4, PATIENCE = 32, FEW_ROUNDS = 8;

  private int first;
  private int next;
  private int left;
  private int soon;

  /** A block begins, or the last one {@code again}. {@code wanted}: it may have such accesses if it is a loop. */
  void begin(Instruction[] code, int count, boolean wanted, boolean again) {
    if (again) next = first;
    first = next;
    left = wanted && isLoop(code, count) ? MOST_IN_A_LOOP : 0;
    soon = FEW_ROUNDS * count;
  }

  /** Whether the block may jump to itself. */
  static boolean isLoop(Instruction[] code, int count) {
    Instruction last = code[count - 1];
    return (ControlEmitter.conditional(last) || ControlEmitter.jumps(last)) && last.target() == code[0].eip;
  }

  /** A place for the next access, an offset in the state; 0: it goes by the TLB as any other. */
  int take() {
    if (left == 0) return 0;
    left--;
    int site = LOOPS + next * LOOP_SIZE;
    next = (next + 1) % LOOP_ENTRIES;
    return site;
  }

  /** Begins what is done when the access is not wholly to the page that {@code site} has. Returns the jump to where patience is at its end. R11 is destroyed. */
  int emitOtherPage(Assembler a, int site) {
    a.rm(0x8B, R11, STATE, site + LOOP_LAST);
    a.rm(0x89, INSTRUCTIONS_LEFT, STATE, site + LOOP_LAST);
    a.rr(0x2B, R11, INSTRUCTIONS_LEFT);
    // As a number without sign: a budget that was filled up meanwhile makes it large.
    a.group1(false, 7, R11, soon);
    int notSoon = a.jccShort(3);
    a.rm(0xFF, 1, STATE, site + LOOP_PATIENCE);
    int enough = a.jcc(8);
    int on = a.jmpShort();
    a.hereShort(notSoon);
    a.rm(0xC7, 0, STATE, site + LOOP_PATIENCE);
    a.int_(PATIENCE);
    a.hereShort(on);
    return enough;
  }

  /** The entry with the page in R10 and the addend in R9 is copied. */
  void emitCopy(Assembler a, int site) {
    a.rmq(0x89, R10, STATE, site + LOOP_PAGE);
    a.rmq(0x89, R9, STATE, site + LOOP_ADDEND);
    a.rm(0xC7, 0, STATE, LOOPS_FILLED);
    a.int_(1);
  }
}
