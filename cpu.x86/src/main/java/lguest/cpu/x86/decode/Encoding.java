package lguest.cpu.x86.decode;

import java.util.List;
import java.util.Set;

/** One line of the {@link Table}. There is one object per line and opcode, so identity is equality. */
public final class Encoding {
  /** {@link #prefix} when none of the mandatory ones may be there. */
  public static final int NO_PREFIX = -1;
  private static final OperandKind[] NONE = {};

  /** What ModRM must name. */
  public enum Form { ANY, MEMORY, REGISTER }

  /** How an operand is used. */
  public enum Use { READ, WRITE, READ_WRITE, ADDRESS, MAY_WRITE }

  public record Operand(OperandKind kind, Use use) {
    public boolean writes() {
      return use == Use.WRITE || use == Use.READ_WRITE || use == Use.MAY_WRITE;
    }
  }

  private final int opcode, prefix, digit, modrm;
  private final Form form;
  private final Mnemonic mnemonic;
  private final int condition;
  private final List<Operand> operands;
  private final int flagsRead, flagsWritten, flagsUndefined;
  private final boolean conditional;
  private final Set<String> attributes;
  private final boolean endsBlock;
  private final boolean fpu, simd;
  /** Kinds of the operands that have bytes behind ModRM and its displacement. */
  final OperandKind[] trailing;
  private final int registersWritten;

  Encoding(int opcode, int prefix, int digit, int modrm, Form form, Mnemonic mnemonic, int condition, List<Operand> operands, int flagsRead, int flagsWritten, int flagsUndefined,
      boolean conditional, Set<String> attributes) {
    this.opcode = opcode;
    this.prefix = prefix;
    this.digit = digit;
    this.modrm = modrm;
    this.form = form;
    this.mnemonic = mnemonic;
    this.condition = condition;
    this.operands = operands;
    this.flagsRead = flagsRead;
    this.flagsWritten = flagsWritten;
    this.flagsUndefined = flagsUndefined;
    this.conditional = conditional;
    this.attributes = attributes;
    // Asked for each instruction that is decoded or translated, so not looked up each time.
    endsBlock = attributes.contains("end");
    fpu = attributes.contains("fpu");
    simd = attributes.contains("sse") || attributes.contains("mmx");
    int count = 0;
    int written = 0;
    for (Operand operand : operands) {
      if (operand.kind.hasOwnBytes()) count++;
      if (operand.writes() && operand.kind.bank == OperandKind.Bank.GENERAL) written |= WRITES_BY_PLACE[operand.kind.place.ordinal()] << (operand.kind.size == 1 ? 4 : 0);
    }
    registersWritten = written;
    trailing = count == 0 ? NONE : new OperandKind[count];
    for (int n = operands.size() - 1; count > 0; n--) if (operands.get(n).kind.hasOwnBytes()) trailing[--count] = operands.get(n).kind;
  }

  /** 0..FF, or 0F00..0FFF. */
  public int opcode() { return opcode; }

  /** Mandatory prefix 66, F2, F3; {@link #NO_PREFIX} when none of them may be there; 0 when it does not matter. */
  public int prefix() { return prefix; }

  /** Required reg field of ModRM, -1 for any. */
  public int digit() { return digit; }

  /** Required whole ModRM byte, -1 for any. */
  public int modrm() { return modrm; }

  /** Whether ModRM must name memory or a register. */
  public Form form() { return form; }

  public Mnemonic mnemonic() { return mnemonic; }

  /** Of J, SET and CMOV, 0..15 as encoded; -1 for others. */
  public int condition() { return condition; }

  /** Destination first. */
  public List<Operand> operands() { return operands; }

  /** EFLAGS bits the result depends on. */
  public int flagsRead() { return flagsRead; }

  /** Bits it defines. */
  public int flagsWritten() { return flagsWritten; }

  /** Bits the manual leaves open. */
  public int flagsUndefined() { return flagsUndefined; }

  /** The written ones may also keep their value. */
  public boolean conditional() { return conditional; }

  /** See {@link Table}. */
  public Set<String> attributes() { return attributes; }

  /** No instruction behind it belongs to the same basic block: attribute {@code end}. */
  public boolean endsBlock() { return endsBlock; }

  /** Of the x87 unit: attribute {@code fpu}. */
  public boolean fpu() { return fpu; }

  /** Uses MMX or XMM registers: attribute {@code sse} or {@code mmx}. */
  public boolean simd() { return simd; }

  public boolean has(String attribute) { return attributes.contains(attribute); }

  public OperandKind kind(int operand) { return operands.get(operand).kind; }

  /** General registers that operands may write, apart from those a mnemonic implies: places, below. Bytes, four bits higher, mean the first four registers. */
  public int registersWritten() { return registersWritten; }

  /** In {@link #registersWritten}: the register that ModRM's rm names (unless it names memory), its reg, the opcode's low bits, EAX. */
  public static final int WRITES_RM = 1, WRITES_REG = 2, WRITES_OPCODE = 4, WRITES_EAX = 8;
  private static final int[] WRITES_BY_PLACE = new int[OperandKind.Place.values().length];

  static {
    WRITES_BY_PLACE[OperandKind.Place.RM.ordinal()] = WRITES_RM;
    WRITES_BY_PLACE[OperandKind.Place.REG.ordinal()] = WRITES_REG;
    WRITES_BY_PLACE[OperandKind.Place.OPCODE.ordinal()] = WRITES_OPCODE;
    WRITES_BY_PLACE[OperandKind.Place.FIXED.ordinal()] = WRITES_EAX;
  }

  @Override
  public String toString() { return "%s (%02X%s)".formatted(mnemonic, opcode, digit < 0 ? "" : " /" + digit); }
}
