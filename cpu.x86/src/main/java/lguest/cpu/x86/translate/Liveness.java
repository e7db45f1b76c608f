package lguest.cpu.x86.translate;

import java.util.EnumSet;
import java.util.Set;
import lguest.cpu.x86.decode.Encoding;
import lguest.cpu.x86.decode.Instruction;
import lguest.cpu.x86.decode.Mnemonic;
import lguest.cpu.x86.state.Flags;

/**
 * Which arithmetic flags may still be seen, per place in a block: an instruction may read them, or leave emitted code, by a fault say, and then all are shown. What nobody sees need not survive a soft TLB check. All that is not seen is overwritten before
 * control can leave, and within {@link #REACH} instructions.
 */
final class Liveness {
  private static final int LOOK_AHEAD = 6, STRIDE = 8;
  /** Flags that are not alive at some place have been written again so many instructions later, whichever way those went. */
  static final int REACH = STRIDE + LOOK_AHEAD;

  private Liveness() {}

  /** Fills in element n: flags alive before instruction n, the last one: {@code liveOut}; and those whose earlier value it takes away. */
  static void before(Instruction[] code, int count, int liveOut, int[] live, int[] killed) {
    live[count] = liveOut & Flags.ARITHMETIC;
    for (int n = count - 1; n >= 0; n--) {
      killed[n] = killed(code[n]);
      live[n] = n % STRIDE == STRIDE - 1 || shows(code[n]) ? Flags.ARITHMETIC : live[n + 1] & ~killed[n] | reads(code[n]);
    }
  }

  /** Arithmetic flags that it depends on. */
  static int reads(Instruction i) { return i.encoding.flagsRead() & Flags.ARITHMETIC; }

  /** Whether it may change an arithmetic flag. */
  static boolean writes(Instruction i) { return ((i.encoding.flagsWritten() | i.encoding.flagsUndefined()) & Flags.ARITHMETIC) != 0; }

  /** Whether a block wants flags in the host's own before anything can take them from there: to read them, or to leave them alone while others are written. */
  static boolean startsWithFlags(Instruction[] code, int count, int[] live, int[] killed) {
    for (int n = 0; n < count; n++) {
      if (reads(code[n]) != 0 || (live[n + 1] & ~killed[n]) != 0 && writes(code[n])) return true;
      if (shows(code[n])) return false;
    }
    return false;
  }

  /** These go to the end in any case when their operands are registers. */
  private static final Set<Mnemonic> QUIET = EnumSet.of(Mnemonic.ADD, Mnemonic.ADC, Mnemonic.SUB, Mnemonic.SBB, Mnemonic.AND, Mnemonic.OR, Mnemonic.XOR, Mnemonic.CMP, Mnemonic.TEST, Mnemonic.INC,
      Mnemonic.DEC, Mnemonic.NEG, Mnemonic.NOT, Mnemonic.MOV, Mnemonic.MOVZX, Mnemonic.MOVSX, Mnemonic.SHL, Mnemonic.SHR, Mnemonic.SAR, Mnemonic.ROL, Mnemonic.ROR, Mnemonic.RCL, Mnemonic.RCR,
      Mnemonic.SHLD, Mnemonic.SHRD, Mnemonic.SET, Mnemonic.CMOV, Mnemonic.BT, Mnemonic.BTS, Mnemonic.BTR, Mnemonic.BTC, Mnemonic.BSF, Mnemonic.BSR, Mnemonic.BSWAP, Mnemonic.XCHG, Mnemonic.XADD,
      Mnemonic.CMPXCHG, Mnemonic.CLC, Mnemonic.STC, Mnemonic.CMC, Mnemonic.CLD, Mnemonic.STD, Mnemonic.IMUL, Mnemonic.MUL, Mnemonic.CBW, Mnemonic.CWD, Mnemonic.LAHF, Mnemonic.SAHF, Mnemonic.J,
      Mnemonic.JMP, Mnemonic.LOOP, Mnemonic.LOOPE, Mnemonic.LOOPNE, Mnemonic.JCXZ);

  /** Whether control may leave emitted code at the instruction, so that flags are seen. */
  private static boolean shows(Instruction i) {
    Mnemonic m = i.mnemonic();
    if (m == Mnemonic.LEA || m == Mnemonic.NOP) return i.lock;
    return i.memory() || i.lock || !QUIET.contains(m) || m == Mnemonic.MOV && readsOrWritesOthers(i.encoding.opcode());
  }

  /** MOV to and from segment, control and debug registers, and by an address in the instruction. */
  private static boolean readsOrWritesOthers(int opcode) { return opcode == 0x8C || opcode == 0x8E || opcode >= 0xA0 && opcode <= 0xA3 || opcode >= 0x0F20; }

  /** Takes out of element n what some instruction before n left undefined, by the manual's word, and none has defined since. */
  static void withoutUndefined(Instruction[] code, int count, int[] live) {
    int undefined = 0;
    for (int n = 0; n < count; n++) {
      Encoding e = code[n].encoding;
      undefined = undefined & ~(e.conditional() ? 0 : e.flagsWritten()) | e.flagsUndefined();
      live[n + 1] &= ~undefined;
    }
  }

  /** Flags that may be seen from {@code eip} on, as far as the page tells. */
  static int at(int eip, DecodedPage page) {
    int open = Flags.ARITHMETIC;
    int read = 0;
    for (int n = 0; n < LOOK_AHEAD && open != 0 && page.contains(eip); n++) {
      Instruction i = page.at(eip);
      if (i == null || i.encoding.endsBlock() || shows(i)) break;
      read |= i.encoding.flagsRead() & open;
      open &= ~killed(i);
      eip = i.nextEip();
    }
    return read | open;
  }

  /** These leave the flags alone that the manual calls undefined; all others overwrite them. */
  private static final Set<Mnemonic> LEAVE_UNDEFINED = EnumSet.of(Mnemonic.MUL, Mnemonic.IMUL, Mnemonic.DIV, Mnemonic.IDIV, Mnemonic.BT,
      Mnemonic.BTS, Mnemonic.BTR, Mnemonic.BTC, Mnemonic.BSF, Mnemonic.BSR);

  /** Flags whose earlier value is gone for certain. */
  static int killed(Instruction i) {
    Encoding e = i.encoding;
    if (e.conditional()) return isShiftByConstant(i) ? shiftKills(i) : 0;
    int undefined = e.flagsUndefined();
    if (undefined != 0 && LEAVE_UNDEFINED.contains(e.mnemonic())) undefined = 0;
    return (e.flagsWritten() | undefined) & Flags.ARITHMETIC;
  }

  /** Shifts are conditional because a count of 0 changes nothing; a constant count is known. */
  private static boolean isShiftByConstant(Instruction i) {
    int op = i.opcode;
    return i.encoding.opcode() < 0x100 && (op == 0xC0 || op == 0xC1 || op == 0xD0 || op == 0xD1);
  }

  private static int shiftKills(Instruction i) {
    boolean one = i.opcode >= 0xD0;
    if (!one && (i.immediate & 31) == 0) return 0;
    // Rotates leave all but CF and OF; shifts write everything.
    return i.reg < 4 ? Flags.CF | Flags.OF : Flags.ARITHMETIC;
  }
}
