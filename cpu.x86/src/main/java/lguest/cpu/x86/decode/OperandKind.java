package lguest.cpu.x86.decode;

/** Where an operand is and how wide. Names follow the SDM's opcode map (vol. 2, appendix A.2). */
public enum OperandKind {
  /** Register or memory named by ModRM. */
  Eb(Place.RM, 1), Ew(Place.RM, 2), Ev(Place.RM, 0),
  /** 16 bits in memory, operand size in a register. */
  Evw(Place.RM, 0),
  /** Register, whatever the mod field says. */
  Rd(Place.RM, 4),
  /** Memory: no size (address only), far pointer, bound pair, 8 bytes, 4, 2. */
  M(Place.RM, 0), Mp(Place.RM, 0), Ma(Place.RM, 0), Mq(Place.RM, 8), Md(Place.RM, 4), Mw(Place.RM, 2),
  /** Memory: 8 and 10 bytes of x87, x87 environment, x87 state, FXSAVE image, pseudo-descriptor. */
  Mfq(Place.RM, 8), Mt(Place.RM, 10), Me(Place.RM, 28), Mn(Place.RM, 108), Mx(Place.RM, 512), Ms(Place.RM, 6),
  /** Register named by the reg field; Gvb is a signed bit offset. */
  Gb(Place.REG, 1), Gw(Place.REG, 2), Gv(Place.REG, 0), Gvb(Place.REG, 0),
  Sw(Place.SEGMENT, 2), Cd(Place.CONTROL, 4), Dd(Place.DEBUG, 4),
  /** Register named by the low three bits of the opcode. */
  Zb(Place.OPCODE, 1), Zv(Place.OPCODE, 0), Zd(Place.OPCODE, 4),
  /** Immediates: byte, byte sign-extended to operand size, unsigned byte, word, operand size. */
  Ib(Place.IMMEDIATE, 1), Ibs(Place.IMMEDIATE, 1), Ibu(Place.IMMEDIATE, 1), Iw(Place.IMMEDIATE, 2), Iz(Place.IMMEDIATE, 0),
  /** Branch distances. */
  Jb(Place.RELATIVE, 1), Jz(Place.RELATIVE, 0),
  /** Far pointer in the instruction. */
  Ap(Place.FAR, 0),
  /** Memory at an offset in the instruction. */
  Ob(Place.OFFSET, 1), Ov(Place.OFFSET, 0),
  /** Memory at (E)SI and at ES:(E)DI. */
  Xb(Place.SOURCE, 1), Xv(Place.SOURCE, 0), Yb(Place.DESTINATION, 1), Yv(Place.DESTINATION, 0),
  AL(Place.FIXED, 1), AX(Place.FIXED, 2), rAX(Place.FIXED, 0), CL(Place.FIXED, 1), DX(Place.FIXED, 2),
  ES(Place.FIXED, 2), CS(Place.FIXED, 2), SS(Place.FIXED, 2), DS(Place.FIXED, 2), FS(Place.FIXED, 2), GS(Place.FIXED, 2),
  /** The constant 1 of the short shift forms. */
  ONE(Place.FIXED, 1),
  ST(Place.X87, 10), STi(Place.X87, 10),
  /** General register or memory of 4 bytes, whatever the operand size; of 4 bytes in a register and 2 in memory. */
  Ed(Place.RM, 4), Edw(Place.RM, 4), Gd(Place.REG, 4),
  /** Memory of 1 byte, and of 16. */
  Mb(Place.RM, 1), Mdq(Place.RM, 16),
  /** MMX register by the reg field; MMX register or memory, 8 or 4 bytes of it; MMX register by the rm field. */
  Pq(Place.REG, 8, Bank.MMX), Qq(Place.RM, 8, Bank.MMX), Qd(Place.RM, 4, Bank.MMX), Nq(Place.RM, 8, Bank.MMX),
  /** XMM register by the reg field; XMM register or memory, so many bytes of it; XMM register by the rm field. */
  Vdq(Place.REG, 16, Bank.XMM), Wdq(Place.RM, 16, Bank.XMM), Wq(Place.RM, 8, Bank.XMM), Wd(Place.RM, 4, Bank.XMM),
  Udq(Place.RM, 16, Bank.XMM);

  /** Which registers a register operand means. */
  public enum Bank { GENERAL, MMX, XMM }

  /** What part of the encoding, or of the machine, names the operand. */
  public enum Place { RM, REG, SEGMENT, CONTROL, DEBUG, OPCODE, IMMEDIATE, RELATIVE, FAR, OFFSET, SOURCE, DESTINATION, FIXED, X87 }

  public final Place place;
  /** Bytes; 0: the operand size of the instruction (or none). */
  public final int size;
  public final Bank bank;

  OperandKind(Place place, int size) {
    this(place, size, Bank.GENERAL);
  }

  OperandKind(Place place, int size, Bank bank) {
    this.place = place;
    this.size = size;
    this.bank = bank;
  }

  static OperandKind of(String name) {
    return name.equals("1") ? ONE : valueOf(name);
  }

  /** A ModRM byte follows the opcode. */
  boolean needsModrm() {
    return switch (place) {
      case RM, REG, SEGMENT, CONTROL, DEBUG, X87 -> true;
      default -> false;
    };
  }

  /** Bytes of its own behind ModRM and its displacement. */
  boolean hasOwnBytes() {
    return switch (place) {
      case IMMEDIATE, RELATIVE, FAR, OFFSET -> true;
      default -> false;
    };
  }

  /** Bytes at an operand size of 2 or 4. */
  public int size(int operandSize) {
    return switch (this) {
      case Mp, Ap -> operandSize + 2;
      case Ma -> operandSize * 2;
      default -> size == 0 ? operandSize : size;
    };
  }
}
