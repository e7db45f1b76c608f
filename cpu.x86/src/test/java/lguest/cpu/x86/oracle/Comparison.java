package lguest.cpu.x86.oracle;

import java.util.Arrays;
import java.util.Set;
import lguest.cpu.x86.decode.Instruction;

/** Whether two outcomes are the same as far as the architecture promises, and if not, in what. */
final class Comparison {
  static final String NOT_COMPARABLE = "not comparable";
  /** OF DF TF SF ZF AF PF CF, NT, ID. RF is the processor's own business, IF and IOPL cannot change. */
  private static final int FLAGS = 0x204dd5 | 0x100;
  private static final int ARITHMETIC = 0x8d5;
  private static final int MISALIGNED_MODE = 1 << 17;
  /** Programs that set AC: the host checks alignment, our CR0 does not ask for it. */
  private static final int ALIGNMENT_CHECK = 17;
  /** These store in several steps; what is stored before a fault in a later one is not laid down. */
  private static final Set<String> MANY_STORES = Set.of("PUSHA", "ENTER", "CALLF", "FSTP", "FST", "FBSTP", "FIST", "FISTP",
      "FNSTENV", "FNSAVE");
  /** These have several reasons to fault, and the maker chooses which to find first. */
  private static final Set<String> MANY_FAULTS = Set.of("BOUND", "CMPS", "ENTER", "FLDENV", "FNSTENV", "FRSTOR", "FNSAVE", "RETF", "IRET", "CALLF", "JMPF", "LES", "LDS", "LSS", "LFS", "LGS");
  /** These may go to memory in several steps, a later one of which finds the segment's end. */
  private static final Set<String> IN_STEPS = Set.of("FLD", "FSTP", "FBLD", "FBSTP", "MASKMOVQ", "MASKMOVDQU");
  private static final Set<Integer> FAULTS = Set.of(10, 11, 12, 13, 14);

  private final OurProcessor ours;
  private final boolean undefinedAgree;

  Comparison(HostProcessor host, OurProcessor ours) {
    this.ours = ours;
    undefinedAgree = host.undefinedAgree;
  }

  /** Null when they agree. */
  String difference(Program p, Outcome t, Outcome o) {
    if (raw(t, o, FLAGS, 0xffff) == null) return null;
    // Memory that happened to look like AMD's mode for misaligned operands has been loaded.
    if ((t.mxcsr & MISALIGNED_MODE) != 0) return NOT_COMPARABLE;
    // The rest is slow, and rare.
    if (o.vector == Outcome.TIMEOUT && t.vector != Outcome.TIMEOUT) {
      o = ours.runLong(p);
      if (o.vector == Outcome.TIMEOUT) return NOT_COMPARABLE;
    }
    Route route = route(p);
    if (route.strayed() || route.readsUndefined() || t.vector == ALIGNMENT_CHECK && o.vector != ALIGNMENT_CHECK
        || t.vector == Outcome.SYSTEM_CALL && o.vector != Outcome.SYSTEM_CALL || usesForeignSelector(t, o)) return NOT_COMPARABLE;
    o = ours.runLong(p);
    return raw(t, o, FLAGS & ~route.undefined(), 0xffff & ~route.undefinedFsw());
  }

  /** Null when two runs of ours are the same in everything, but for C1 behind FCOMI, where the interpreter, which may take over anywhere, follows the manual. */
  String unlike(Program p, Outcome a, Outcome b) {
    if (a.vector == Outcome.TIMEOUT || same(a, b)) return null;
    Route route = route(p);
    if (route.readsUndefined()) return null;
    int fsw = a.fsw;
    if (((a.fsw ^ b.fsw) & ~route.undefinedFsw()) == 0) a.fsw = b.fsw;
    boolean alike = same(a, b);
    a.fsw = fsw;
    return alike ? null : "not the same in pieces";
  }

  private static boolean same(Outcome a, Outcome b) {
    return a.toString().equals(b.toString()) && Arrays.equals(a.changes, b.changes);
  }

  Route route(Program p) {
    return Route.follow(p, ours, undefinedAgree);
  }

  /** The host's 64-bit code segment, and the one whose limit is the number of the processor we happen to be on. */
  private static boolean usesForeignSelector(Outcome t, Outcome o) {
    for (int s : t.selectors) if (s >> 3 == 15) return true;
    int failed = o.vector == 13 ? o.error >> 3 : 0;
    return t.selectors[1] >> 3 == 6 || o.selectors[1] >> 3 == 6 || failed == 6 || failed == 15;
  }

  private String raw(Outcome t, Outcome o, int compared, int comparedFsw) {
    // Who is stopped in the middle of something is anywhere.
    if (t.vector == Outcome.TIMEOUT && o.vector == Outcome.TIMEOUT) return null;
    String at = o.vector < 32 && t.eip == o.eip ? name(ours.instructionAt(o.eip)) : "";
    // A fetch runs into the missing page behind an instruction that is undefined already by its first bytes.
    if (o.vector == 6 && t.vector == 14 && t.address == Area.CODE + Area.CODE_SIZE && (t.error & 0x10) != 0) return null;
    // Our flat segments have no end; the processor's do, and an access that runs over it is a limit violation.
    if (o.vector == 14 && (t.vector == 13 || t.vector == 12) && t.eip == o.eip && (o.address >= -10 && o.address < 10)) return null;
    boolean several = MANY_FAULTS.contains(at) || IN_STEPS.contains(at);
    if (t.vector != o.vector && !(several && FAULTS.contains(t.vector) && FAULTS.contains(o.vector))) return "vector";
    // A virtual host may report INT1 as a fault.
    if (t.eip != o.eip && t.vector != 1) return "eip";
    if (t.vector != o.vector) {
      // accepted above
    } else if (t.vector == 14) {
      // Bit 4 tells fetches apart where there are no-execute pages; we have none.
      if ((t.error & 7) != o.error && !MANY_FAULTS.contains(at)) return "error code";
      if (t.address != o.address && !MANY_FAULTS.contains(at)) return "fault address";
    } else if (t.vector < 32 && t.error != o.error) {
      return "error code";
    }
    // AMD's have already filled some registers when a later one cannot be read.
    boolean partly = at.equals("POPA") && t.vector == 14;
    for (int i = 0; i < 8; i++) if (!partly && t.registers[i] != o.registers[i]) return Outcome.REGISTER[i];
    int flags = (t.eflags ^ o.eflags) & compared;
    if (flags != 0) return "eflags " + Integer.toHexString(flags);
    // All null selectors are one to kernels that save and restore them.
    for (int i = 0; i < 6; i++) if (t.selectors[i] != o.selectors[i] && (t.selectors[i] | o.selectors[i]) > 3) return "selectors";
    if (t.fcw != o.fcw) return "fcw";
    if (((t.fsw ^ o.fsw) & comparedFsw) != 0) return "fsw " + Integer.toHexString(t.fsw ^ o.fsw);
    if (t.ftw != o.ftw) return "ftw";
    for (int i = 0; i < 8; i++) {
      boolean full = (t.ftw >> ((t.fsw >> 11) + i & 7) & 1) != 0;
      if (full && (t.mantissa[i] != o.mantissa[i] || t.signExp[i] != o.signExp[i])) return "st";
    }
    if (t.mxcsr != o.mxcsr) return "mxcsr " + Integer.toHexString(t.mxcsr ^ o.mxcsr);
    for (int i = 0; i < 16; i++) if (t.xmm[i] != o.xmm[i]) return "xmm";
    if (!Arrays.equals(t.changes, o.changes) && !(o.vector == 14 && MANY_STORES.contains(at))) return "memory";
    return null;
  }

  private static String name(Instruction i) {
    return i == null ? "" : i.mnemonic().name();
  }
}
