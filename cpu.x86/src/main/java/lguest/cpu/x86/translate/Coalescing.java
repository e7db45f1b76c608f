package lguest.cpu.x86.translate;

import static lguest.cpu.x86.decode.Encoding.*;

import java.util.Arrays;
import lguest.cpu.x86.decode.Encoding;
import lguest.cpu.x86.decode.Instruction;
import lguest.cpu.x86.decode.Mnemonic;
import lguest.cpu.x86.decode.OperandKind.Place;
import lguest.cpu.x86.state.CpuState;

/**
 * One soft TLB check for several accesses. What a block pushes, pops and keeps in its stack frame, or finds in one structure, lies a few bytes apart: the same register plus different
 * constants, and where the register changes, it changes by constants. Such accesses form a group; the first one checks the bytes of all of them and leaves their host address in R13.
 * Should the check fail for good (they lie on two pages, one may not be written, or has code), the rest of the block is run as compiled without groups.
 *
 * <p>The plan is made before anything is emitted, from what instructions usually access. Nothing depends on its being right: an access that was not foreseen exactly so goes alone,
 * and a group is opened by whichever of its members comes first.
 */
final class Coalescing {
  private static final int MOST_BYTES = 512, MOST_ACCESSES = 128, ESP = 4, EBP = 5, NO_GROUP = -1, UNKNOWN = Integer.MIN_VALUE;

  // Accesses, in order: of which instruction, how many bytes at a guest register plus a constant, whether to write; the group, and how the register has changed since it was opened.
  private final int[] index = new int[MOST_ACCESSES];
  private final int[] register = new int[MOST_ACCESSES];
  private final int[] displacement = new int[MOST_ACCESSES];
  private final int[] bytes = new int[MOST_ACCESSES];
  private final boolean[] write = new boolean[MOST_ACCESSES];
  private final int[] group = new int[MOST_ACCESSES];
  private final int[] change = new int[MOST_ACCESSES];
  private int accesses;
  private int cursor;
  /** Registers of more than one access: a bit each. */
  private int repeated;
  private int seen;

  // Groups: first byte and the one behind the last, counted from the register's value where the group was opened; first and last access; how many.
  private final int[] low = new int[MOST_ACCESSES];
  private final int[] high = new int[MOST_ACCESSES];
  private final int[] first = new int[MOST_ACCESSES];
  private final int[] last = new int[MOST_ACCESSES];
  private final int[] members = new int[MOST_ACCESSES];
  private final boolean[] writes = new boolean[MOST_ACCESSES];
  private final boolean[] taken = new boolean[MOST_ACCESSES];
  private int groups;
  /** By register. */
  private final int[] open = new int[8];
  private final int[] changed = new int[8];

  /** Forgets the last block: no access has a group. */
  void clear() {
    accesses = groups = cursor = repeated = seen = 0;
  }

  /** Finds the groups of a block. */
  void plan(Instruction[] code, int count) {
    clear();
    for (int n = 0; n < count && accesses < MOST_ACCESSES - 2; n++) foresee(n, code[n]);
    if (repeated == 0) return;
    Arrays.fill(open, NO_GROUP);
    Arrays.fill(changed, 0);
    int next = 0;
    for (int n = 0; n < count; n++) {
      for (; next < accesses && index[next] == n; next++) join(next);
      leave(code[n]);
    }
    choose();
  }

  /** Which group the access that is being emitted belongs to; -1: none. Asked for each in order. */
  int groupOf(int instruction, int guestRegister, int displacement, int bytes, boolean write) {
    while (cursor < accesses && index[cursor] <= instruction) {
      int n = cursor++;
      if (index[n] != instruction || register[n] != guestRegister || this.displacement[n] != displacement || this.bytes[n] != bytes || this.write[n] != write) continue;
      return group[n] == NO_GROUP || !taken[group[n]] ? NO_GROUP : group[n];
    }
    return NO_GROUP;
  }

  /** What must be added to the register, where the access last asked for is made, to have the group's lowest byte. */
  int base(int group) { return low[group] - change[cursor - 1]; }

  /** And how far that access is from there. */
  int offset(int group) { return change[cursor - 1] + displacement[cursor - 1] - low[group]; }

  int bytes(int group) { return high[group] - low[group]; }

  boolean writes(int group) { return writes[group]; }

  // ---- what a block will access

  private void foresee(int n, Instruction i) {
    int op = i.encoding.opcode();
    if (i.memory() && i.base >= 0 && i.index < 0 && i.addressSize == 4 && i.segment() < CpuState.FS && op != 0x8D) {
      for (int k = 0; k < i.encoding.operands().size(); k++) {
        Encoding.Operand operand = i.encoding.operands().get(k);
        if (operand.kind().place != Place.RM) continue;
        int size = i.size(k);
        if (size > 0 && (size < 16 || i.encoding.has("loose"))) add(n, i.base, i.displacement, size, operand.writes());
        break;
      }
    }
    if (i.operandSize != 4) return;
    switch (op) {
      case 0x50, 0x51, 0x52, 0x53, 0x54, 0x55, 0x56, 0x57, 0x68, 0x6A, 0xE8, 0x06, 0x0E, 0x16, 0x1E, 0x0FA0, 0x0FA8 -> add(n, ESP, -4, 4, true);
      case 0xFF -> {
        if (i.reg == 2 || i.reg == 6) add(n, ESP, -4, 4, true);
      }
      case 0x58, 0x59, 0x5A, 0x5B, 0x5C, 0x5D, 0x5E, 0x5F, 0xC2, 0xC3, 0x07, 0x1F, 0x0FA1, 0x0FA9 -> add(n, ESP, 0, 4, false);
      case 0xC9 -> add(n, EBP, 0, 4, false);
      default -> { }
    }
  }

  private void add(int n, int guestRegister, int constant, int size, boolean written) {
    repeated |= seen & 1 << guestRegister;
    seen |= 1 << guestRegister;
    index[accesses] = n;
    register[accesses] = guestRegister;
    displacement[accesses] = constant;
    bytes[accesses] = size;
    write[accesses] = written;
    group[accesses++] = NO_GROUP;
  }

  // ---- groups

  private void join(int n) {
    int guest = register[n];
    if ((repeated & 1 << guest) == 0) return;
    int from = changed[guest] + displacement[n];
    int to = from + bytes[n];
    int g = open[guest];
    if (g == NO_GROUP || Math.max(high[g], to) - Math.min(low[g], from) > MOST_BYTES || Math.abs(from) > 1 << 20) {
      g = open[guest] = groups++;
      low[g] = from;
      high[g] = to;
      first[g] = n;
      members[g] = 0;
      writes[g] = taken[g] = false;
    }
    low[g] = Math.min(low[g], from);
    high[g] = Math.max(high[g], to);
    writes[g] |= write[n];
    last[g] = n;
    members[g]++;
    group[n] = g;
    change[n] = changed[guest];
  }

  /** What the instruction does to registers: the open groups follow it, or end. */
  private void leave(Instruction i) {
    int written = -1;
    for (int rest = repeated; rest != 0; rest &= rest - 1) {
      int guest = Integer.numberOfTrailingZeros(rest);
      int by = change(i, guest);
      if (by == 0) {
        if (written < 0) written = written(i);
        if ((written & 1 << guest) == 0) continue;
        by = UNKNOWN;
      }
      if (by == UNKNOWN) {
        open[guest] = NO_GROUP;
        changed[guest] = 0;
      } else {
        changed[guest] += by;
      }
    }
  }

  /** R13 serves one group at a time: the largest come first. */
  private void choose() {
    for (;;) {
      int best = NO_GROUP;
      for (int g = 0; g < groups; g++) if (!taken[g] && members[g] > 1 && (best == NO_GROUP || members[g] > members[best])) best = g;
      if (best == NO_GROUP) return;
      boolean free = true;
      for (int g = 0; g < groups && free; g++) free = !taken[g] || last[best] < first[g] || first[best] > last[g];
      if (free) taken[best] = true;
      else members[best] = 0;
    }
  }

  /** A constant that the instruction adds to a register; 0 when it is not of that kind. */
  private static int change(Instruction i, int guest) {
    if (i.operandSize != 4) return 0;
    int op = i.encoding.opcode();
    if (guest == ESP) {
      if (op >= 0x50 && op < 0x58 || op == 0x68 || op == 0x6A || op == 0xFF && i.reg == 6) return -4;
      if (op >= 0x58 && op < 0x60) return op == 0x5C ? UNKNOWN : 4;
    }
    boolean same = i.modrm >= 0 && i.mod == 3 && i.rm == guest;
    if (same && (op == 0x81 || op == 0x83) && (i.reg == 0 || i.reg == 5)) return small(i.reg == 0 ? i.immediate : -i.immediate);
    if (same && op == 0xFF && i.reg < 2) return i.reg == 0 ? 1 : -1;
    if (op == 0x40 + guest) return 1;
    if (op == 0x48 + guest) return -1;
    if (op == 0x8D && i.reg == guest && i.base == guest && i.index < 0) return small(i.displacement);
    return 0;
  }

  private static int small(int by) { return Math.abs(by) < 1 << 16 ? by : UNKNOWN; }

  /** A bit per general register that may be written: all of them where the operands do not tell. */
  static int written(Instruction i) {
    int written = IMPLIED[i.mnemonic().ordinal()];
    if (written < 0) written = i.encoding.opcode() >= 0xD8 && i.encoding.opcode() <= 0xDF ? 1 : 0xFF;
    if (i.mnemonic() == Mnemonic.IMUL && i.encoding.operands().size() == 1) written |= 5;
    int places = i.encoding.registersWritten();
    if (places == 0) return written;
    for (int mask = 7; mask >= 3; mask -= 4, places >>= 4) {
      if ((places & WRITES_RM) != 0 && !i.memory()) written |= 1 << (i.rm & mask);
      if ((places & WRITES_REG) != 0) written |= 1 << (i.reg & mask);
      if ((places & WRITES_OPCODE) != 0) written |= 1 << (i.opcode & mask);
      if ((places & WRITES_EAX) != 0) written |= 1;
    }
    return written;
  }

  /** By mnemonic: registers written though no operand names them; -1 where nothing is known. */
  private static final int[] IMPLIED = implied();

  private static int[] implied() {
    int[] implied = new int[Mnemonic.values().length];
    for (Mnemonic mnemonic : Mnemonic.values()) {
      implied[mnemonic.ordinal()] = switch (mnemonic) {
        case ADD, ADC, SUB, SBB, AND, OR, XOR, CMP, TEST, INC, DEC, NEG, NOT, MOV, MOVZX, MOVSX, LEA, SHL, SHR, SAR, ROL, ROR, RCL, RCR, SHLD, SHRD, SET, CMOV,
            BT, BTS, BTR, BTC, BSF, BSR, BSWAP, XCHG, NOP, CLC, STC, CMC, CLD, IMUL -> 0;
        case PUSH, POP -> 1 << ESP;
        case J, JMP, JCXZ -> 0;
        case CBW, LAHF -> 1;
        case LOOP, LOOPE, LOOPNE -> 2;
        case CWD -> 4;
        case MUL, DIV, IDIV -> 5;
        case MOVS, CMPS, STOS, LODS, SCAS -> 0xC3;
        default -> -1;
      };
    }
    return implied;
  }
}
