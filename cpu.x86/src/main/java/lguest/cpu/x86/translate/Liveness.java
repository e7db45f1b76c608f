package lguest.cpu.x86.translate;

import java.util.EnumSet;
import java.util.Set;
import lguest.cpu.x86.decode.Encoding;
import lguest.cpu.x86.decode.Instruction;
import lguest.cpu.x86.decode.Mnemonic;
import lguest.cpu.x86.state.Flags;

/** Which arithmetic flags somebody may still read, per place in a block. What nobody reads need not survive a soft TLB check. */
final class Liveness {
  private static final int LOOK_AHEAD = 6;

  private Liveness() {}

  /** Fills in element n: flags alive before instruction n; the last one: {@code liveOut}. */
  static void before(Instruction[] code, int count, int liveOut, int[] live) {
    live[count] = liveOut & Flags.ARITHMETIC;
    for (int n = count - 1; n >= 0; n--) live[n] = live[n + 1] & ~killed(code[n]) | code[n].encoding.flagsRead() & Flags.ARITHMETIC;
  }

  /** Takes out of element n what some instruction before n left undefined, by the manual's word, and none has defined since. */
  static void withoutUndefined(Instruction[] code, int count, int[] live) {
    int undefined = 0;
    for (int n = 0; n < count; n++) {
      Encoding e = code[n].encoding;
      undefined = undefined & ~(e.conditional() ? 0 : e.flagsWritten()) | e.flagsUndefined();
      live[n + 1] &= ~undefined;
    }
  }

  /** Flags somebody may read from {@code eip} on, as far as the page tells. */
  static int at(int eip, DecodedPage page) {
    int open = Flags.ARITHMETIC;
    int read = 0;
    for (int n = 0; n < LOOK_AHEAD && open != 0 && page.contains(eip); n++) {
      Instruction i = page.at(eip);
      // Exits of what is not emitted show all flags to the interpreter.
      if (i == null || i.encoding.endsBlock()) break;
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
