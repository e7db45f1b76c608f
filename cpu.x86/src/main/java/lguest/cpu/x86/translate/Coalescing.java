package lguest.cpu.x86.translate;

import java.util.ArrayList;
import java.util.Comparator;
import java.util.List;
import lguest.cpu.x86.decode.Encoding;
import lguest.cpu.x86.decode.Instruction;
import lguest.cpu.x86.decode.OperandKind;

/**
 * One soft TLB check for several accesses. What a block pushes, pops and keeps in its stack frame, or finds in one structure, lies a few bytes apart: the same register plus different
 * constants, and where the register changes, it changes by constants. Such accesses form a group; the first one checks the bytes of all of them and leaves their host address in R13.
 * Should the check fail for good (they lie on two pages, one may not be written, or has code), the rest of the block is run as compiled without groups.
 */
final class Coalescing {
  /** An access the block makes: so many bytes at a host register plus a constant, or with register -1 anywhere. */
  record Access(int index, int register, int displacement, int bytes, boolean write) {}

  /** Several of them. Offsets count from the register's value where the group was opened. */
  static final class Group {
    final int register;
    int low = Integer.MAX_VALUE;
    int high = Integer.MIN_VALUE;
    boolean write;
    int first = -1;
    int last;
    int members;

    Group(int register) { this.register = register; }

    int bytes() { return high - low; }
  }

  /** The part of one access: {@code offset} from the group's lowest byte, which is the register as it is at this instruction plus {@code base}. */
  record Part(Group group, boolean first, int offset, int base) {}

  private static final int MOST_BYTES = 512, ESP = 4, UNKNOWN = Integer.MIN_VALUE;

  private final Instruction[] code;
  private final int count;
  private final List<Access> accesses;
  /** Per access: its group and the register's change since the group was opened. */
  private final Group[] groups;
  private final int[] changes;

  private Coalescing(Instruction[] code, int count, List<Access> accesses) {
    this.code = code;
    this.count = count;
    this.accesses = accesses;
    groups = new Group[accesses.size()];
    changes = new int[accesses.size()];
  }

  /** An element per access, null for those that go alone; null for no group at all. */
  static Part[] plan(Instruction[] code, int count, List<Access> accesses) { return new Coalescing(code, count, accesses).plan(); }

  private Part[] plan() {
    List<Group> found = new ArrayList<>();
    int registers = 0;
    int repeated = 0;
    for (Access access : accesses) {
      if (access.register < 0) continue;
      repeated |= registers & 1 << access.register;
      registers |= 1 << access.register;
    }
    for (int guest = 0; guest < 8; guest++) if ((repeated & 1 << BlockEmitter.host(guest)) != 0) find(guest, found);
    if (found.isEmpty()) return null;
    // R13 serves one group at a time: the largest come first.
    found.sort(Comparator.comparingInt(group -> -group.members));
    List<Group> taken = new ArrayList<>();
    for (Group group : found) if (taken.stream().allMatch(other -> group.last < other.first || group.first > other.last)) taken.add(group);
    Part[] parts = new Part[groups.length];
    for (int n = 0; n < parts.length; n++) {
      Group group = groups[n];
      if (group == null || !taken.contains(group)) continue;
      parts[n] = new Part(group, group.first == n, changes[n] + accesses.get(n).displacement - group.low, group.low - changes[n]);
    }
    return parts;
  }

  private void find(int guest, List<Group> found) {
    int register = BlockEmitter.host(guest);
    Group open = null;
    int change = 0;
    int next = 0;
    for (int n = 0; n < count; n++) {
      for (; next < accesses.size() && accesses.get(next).index == n; next++) {
        Access access = accesses.get(next);
        if (access.register != register) continue;
        int from = change + access.displacement;
        int to = from + access.bytes;
        if (open == null || Math.max(open.high, to) - Math.min(open.low, from) > MOST_BYTES || Math.abs(from) > 1 << 20) {
          close(open, found);
          open = new Group(register);
          open.first = next;
        }
        open.low = Math.min(open.low, from);
        open.high = Math.max(open.high, to);
        open.write |= access.write;
        open.last = next;
        open.members++;
        groups[next] = open;
        changes[next] = change;
      }
      int by = change(code[n], guest);
      if (by == UNKNOWN) {
        close(open, found);
        open = null;
        change = 0;
      } else {
        change += by;
      }
    }
    close(open, found);
  }

  private static void close(Group group, List<Group> found) {
    if (group != null && group.members > 1) found.add(group);
  }

  /** What the instruction adds to a register; UNKNOWN when it does something else to it. */
  private static int change(Instruction i, int register) {
    int op = i.encoding.opcode();
    if (i.operandSize == 4) {
      if (register == ESP) {
        if (op >= 0x50 && op < 0x58 || op == 0x68 || op == 0x6A || op == 0xFF && i.reg == 6) return -4;
        if (op >= 0x58 && op < 0x60) return op == 0x5C ? UNKNOWN : 4;
      }
      boolean same = i.modrm >= 0 && i.mod == 3 && i.rm == register;
      if (same && (op == 0x81 || op == 0x83) && (i.reg == 0 || i.reg == 5)) return small(i.reg == 0 ? i.immediate : -i.immediate);
      if (same && op == 0xFF && i.reg < 2) return i.reg == 0 ? 1 : -1;
      if (op == 0x40 + register) return 1;
      if (op == 0x48 + register) return -1;
      if (op == 0x8D && i.reg == register && i.base == register && i.index < 0) return small(i.displacement);
    }
    return (written(i) & 1 << register) == 0 ? 0 : UNKNOWN;
  }

  private static int small(int by) { return Math.abs(by) < 1 << 16 ? by : UNKNOWN; }

  /** A bit per general register that may be written: all of them where the operands do not tell. */
  private static int written(Instruction i) {
    int implied = switch (i.mnemonic()) {
      case ADD, ADC, SUB, SBB, AND, OR, XOR, CMP, TEST, INC, DEC, NEG, NOT, MOV, MOVZX, MOVSX, LEA, SHL, SHR, SAR, ROL, ROR, RCL, RCR, SHLD, SHRD, SET, CMOV,
          BT, BTS, BTR, BTC, BSF, BSR, BSWAP, XCHG, NOP, CLC, STC, CMC, CLD -> 0;
      case PUSH, POP -> 1 << ESP;
      case CBW, LAHF -> 1;
      case CWD -> 4;
      case MUL, DIV, IDIV -> 5;
      case IMUL -> i.encoding.operands().size() == 1 ? 5 : 0;
      case MOVS, CMPS, STOS, LODS, SCAS -> 0xC3;
      default -> i.encoding.opcode() >= 0xD8 && i.encoding.opcode() <= 0xDF ? 1 : 0xFF;
    };
    for (Encoding.Operand operand : i.encoding.operands()) {
      if (!operand.writes()) continue;
      OperandKind kind = operand.kind();
      if (kind.bank != OperandKind.Bank.GENERAL) continue;
      int mask = kind.size == 1 ? 3 : 7;
      switch (kind.place) {
        case RM -> implied |= i.memory() ? 0 : 1 << (i.rm & mask);
        case REG -> implied |= 1 << (i.reg & mask);
        case OPCODE -> implied |= 1 << (i.opcode & mask);
        case FIXED -> implied |= 1;
        default -> { }
      }
    }
    return implied;
  }
}
