package lguest.cpu.x86.decode;

import lguest.cpu.x86.decode.OperandKind.Place;

/**
 * Bytes to {@link Instruction}.
 *
 * <p>
 * Tour 5.4: Reading code
 *
 * <p>Prefixes, opcode, ModRM, SIB, displacement, immediates: the order never changes, only what of it is there, and that the
 * table says. The decoder knows no memory: it is
 * given a buffer, and when the buffer ends inside an instruction it says so, and its caller decides whether the next page may
 * be read.
 */
public final class Decoder {
  /** No instruction is longer (SDM vol. 2, 2.3.11). */
  public static final int MAX_LENGTH = 15;

  private byte[] code;
  private int at;
  private int end;
  private boolean starved;

  /**
   * Decodes one instruction of 16- or 32-bit code.
   *
   * @return null when the bytes end before the instruction does; otherwise an instruction, perhaps {@link Encodings#INVALID}
   *     or {@link Encodings#TOO_LONG}
   */
  public Instruction decode(byte[] bytes, int from, int to, int eip, boolean code32) {
    code = bytes;
    at = from;
    end = Math.min(to, from + MAX_LENGTH);
    starved = false;
    Instruction i = new Instruction();
    i.eip = eip;
    i.operandSize = i.addressSize = code32 ? 4 : 2;
    int opcode = prefixes(i, code32);
    int prefix66 = i.operandSize == (code32 ? 4 : 2) ? 0 : 0x66;
    i.opcode = opcode & 0xFF;
    int modrm = -1;
    if (Encodings.hasModrm(opcode)) modrm = next();
    i.encoding = starved ? Encodings.INVALID : Encodings.find(opcode, i.rep != 0 ? i.rep : prefix66, Math.max(modrm, 0));
    if (i.encoding != Encodings.INVALID) {
      if (modrm >= 0) modrm(i, modrm);
      for (OperandKind kind : i.encoding.trailing) operand(i, kind);
    }
    if (starved) {
      if (end - from < MAX_LENGTH) return null;
      i.encoding = Encodings.TOO_LONG;
    }
    i.length = at - from;
    if (i.lock && !lockable(i)) i.encoding = Encodings.INVALID;
    return i;
  }

  /** Returns the opcode, with 0F00 added for the second map. */
  private int prefixes(Instruction i, boolean code32) {
    for (;;) {
      int b = next();
      switch (b) {
        case 0x26 -> i.override = 0;
        case 0x2E -> i.override = 1;
        case 0x36 -> i.override = 2;
        case 0x3E -> i.override = 3;
        case 0x64 -> i.override = 4;
        case 0x65 -> i.override = 5;
        case 0x66 -> i.operandSize = code32 ? 2 : 4;
        case 0x67 -> i.addressSize = code32 ? 2 : 4;
        case 0xF0 -> i.lock = true;
        case 0xF2, 0xF3 -> i.rep = b;
        case 0x0F -> {
          return 0x0F00 | next();
        }
        default -> {
          return b;
        }
      }
      if (starved) return 0x90;
    }
  }

  private static boolean lockable(Instruction i) {
    // The destination is always the operand that may be memory in a lockable form.
    return i.encoding.has("lock") && i.memory();
  }

  private void modrm(Instruction i, int modrm) {
    i.modrm = modrm;
    i.mod = modrm >> 6;
    i.reg = modrm >> 3 & 7;
    i.rm = modrm & 7;
    // MOV to and from control and debug registers names a general register, whatever mod says.
    if ((i.encoding.opcode() & ~3) == 0x0F20) i.mod = 3;
    if (i.mod == 3) return;
    if (i.addressSize == 2) address16(i);
    else address32(i);
  }

  private void address32(Instruction i) {
    i.base = i.rm;
    if (i.rm == 4) {
      int sib = next();
      i.base = sib & 7;
      i.scale = sib >> 6;
      int index = sib >> 3 & 7;
      i.index = index == 4 ? -1 : index;
    }
    if (i.mod == 0 && i.base == 5) {
      i.base = -1;
      i.displacement = next32();
    } else if (i.mod == 1) {
      i.displacement = (byte) next();
    } else if (i.mod == 2) {
      i.displacement = next32();
    }
  }

  private static final int[] BASE16 = {3, 3, 5, 5, 6, 7, 5, 3};
  private static final int[] INDEX16 = {6, 7, 6, 7, -1, -1, -1, -1};

  private void address16(Instruction i) {
    i.base = BASE16[i.rm];
    i.index = INDEX16[i.rm];
    if (i.mod == 0 && i.rm == 6) {
      i.base = -1;
      i.displacement = (short) next16();
    } else if (i.mod == 1) {
      i.displacement = (byte) next();
    } else if (i.mod == 2) {
      i.displacement = (short) next16();
    }
  }

  private void operand(Instruction i, OperandKind kind) {
    if (kind.place == Place.IMMEDIATE) {
      int value = switch (kind) {
        case Ib, Ibs -> (byte) next();
        case Ibu -> next();
        case Iw -> next16();
        default -> i.operandSize == 2 ? (short) next16() : next32();
      };
      if (kind == OperandKind.Ibu && i.encoding.kind(0) == OperandKind.Iw) i.immediate2 = value;
      else i.immediate = value;
    } else if (kind.place == Place.RELATIVE) {
      i.immediate = kind == OperandKind.Jb ? (byte) next() : i.operandSize == 2 ? (short) next16() : next32();
    } else if (kind.place == Place.FAR) {
      i.immediate = i.operandSize == 2 ? next16() : next32();
      i.immediate2 = next16();
    } else if (kind.place == Place.OFFSET) {
      i.displacement = i.addressSize == 2 ? next16() : next32();
    }
  }

  private int next() {
    if (at >= end) {
      starved = true;
      return 0;
    }
    return code[at++] & 0xFF;
  }

  private int next16() {
    int low = next();
    return low | next() << 8;
  }

  private int next32() {
    int low = next16();
    return low | next16() << 16;
  }
}
