package lguest.cpu.x86.translate;

import static lguest.cpu.x86.translate.Assembler.*;
import static lguest.cpu.x86.translate.BlockEmitter.host;

import lguest.cpu.x86.decode.Instruction;
import lguest.cpu.x86.decode.Mnemonic;

/**
 * Instructions whose flags can be had once more, as long as the registers they used still hold what they left there. A comparison is simply made again; what has been added is taken off and
 * added again, in a register of ours; of AND, OR and XOR the result tells all.
 */
final class Repetition {
  static final int IMPOSSIBLE = -1;
  private static final int ADD = 0, SUB = 5, CMP = 7;

  private Repetition() {}

  /** The guest registers that it depends on, a bit each; or {@link #IMPOSSIBLE}. */
  static int registers(Instruction i) {
    if (i.lock || i.memory() || i.encoding.opcode() >= 0x100) return IMPOSSIBLE;
    int size = size(i);
    int destination = 1 << (size == 1 ? destination(i) & 3 : destination(i));
    int source = source(i);
    int both = source < 0 ? destination : destination | 1 << (size == 1 ? source & 3 : source);
    return switch (i.mnemonic()) {
      case CMP, TEST -> both;
      case AND, OR, XOR -> destination;
      case ADD -> size == 4 && source != destination(i) ? both : IMPOSSIBLE;
      case SUB -> size == 4 ? both : IMPOSSIBLE;
      case NEG, INC, DEC -> size == 4 ? destination : IMPOSSIBLE;
      default -> IMPOSSIBLE;
    };
  }

  /** Whether it leaves the carry as it is and can be had again: INC and DEC. */
  static boolean counts(Instruction i) { return (i.mnemonic() == Mnemonic.INC || i.mnemonic() == Mnemonic.DEC) && registers(i) != IMPOSSIBLE; }

  /** Emits what sets the host's flags as the instruction did; the carry of INC and DEC stays. Destroys R11. */
  static void emit(Assembler a, Instruction i) {
    int size = size(i);
    int destination = size == 1 ? destination(i) : host(destination(i));
    int source = source(i);
    if (source >= 0 && size > 1) source = host(source);
    switch (i.mnemonic()) {
      case CMP -> compare(a, i, size, destination, source, 0x38, 0x80, CMP);
      case TEST -> compare(a, i, size, destination, source, 0x84, 0xF6, 0);
      case AND, OR, XOR -> result(a, size, destination);
      case ADD -> again(a, i, destination, source, ADD, SUB);
      case SUB -> {
        if (source == destination) result(a, size, destination);
        else again(a, i, destination, source, SUB, ADD);
      }
      case NEG -> {
        a.rr(0x8B, R11, destination);
        a.rr(0xF7, 3, R11);
        a.rr(0xF7, 3, R11);
      }
      case INC, DEC -> {
        boolean up = i.mnemonic() == Mnemonic.INC;
        a.rm(0x8D, R11, destination, up ? -1 : 1);
        a.rr(0xFF, up ? 0 : 1, R11);
      }
      default -> throw new IllegalArgumentException(i.toString());
    }
  }

  private static void compare(Assembler a, Instruction i, int size, int destination, int source, int opcode, int immediateOpcode, int digit) {
    int prefix = size == 2 ? 0x66 : 0;
    int wide = size == 1 ? 0 : 1;
    if (source >= 0) {
      a.rr(prefix, false, opcode + wide, source, destination);
      return;
    }
    a.rr(prefix, false, immediateOpcode + wide, digit, destination);
    a.byte_(i.immediate);
    if (size > 1) a.byte_(i.immediate >> 8);
    if (size > 2) {
      a.byte_(i.immediate >> 16);
      a.byte_(i.immediate >> 24);
    }
  }

  private static void result(Assembler a, int size, int register) { a.rr(size == 2 ? 0x66 : 0, false, size == 1 ? 0x84 : 0x85, register, register); }

  private static void again(Assembler a, Instruction i, int destination, int source, int operation, int inverse) {
    if (source < 0) {
      a.rm(0x8D, R11, destination, operation == ADD ? -i.immediate : i.immediate);
      a.group1(false, operation, R11, i.immediate);
      return;
    }
    a.rr(0x8B, R11, destination);
    a.rr(inverse << 3 | 1, source, R11);
    a.rr(operation << 3 | 1, source, R11);
  }

  private static int size(Instruction i) { return i.opcode >= 0x40 && i.opcode <= 0x4F || (i.opcode & 1) != 0 ? i.operandSize : 1; }

  /** The register that it changes, or compares first. */
  private static int destination(Instruction i) {
    if (i.opcode >= 0x40 && i.opcode <= 0x4F) return i.opcode & 7;
    if (i.modrm < 0) return 0;
    return i.opcode < 0x40 && (i.opcode & 2) != 0 ? i.reg : i.rm;
  }

  /** The other one; -1 when that is a constant, or there is none. */
  private static int source(Instruction i) {
    if (i.modrm < 0 || i.opcode >= 0x80 && i.opcode <= 0x83 || i.opcode > 0x85) return -1;
    return i.opcode < 0x40 && (i.opcode & 2) != 0 ? i.rm : i.reg;
  }
}
