package lguest.cpu.x86.decode;

/** One decoded instruction. Plain data, filled by the {@link Decoder}, read-only afterwards. */
public final class Instruction {
  public Encoding encoding;
  /** Linear order: offset in the code segment of the first byte, and length in bytes. */
  public int eip;
  public int length;
  /** 2 or 4: operand size and address size in force. */
  public int operandSize;
  public int addressSize;
  /** Segment override 0..5 as in CpuState, -1 for none. */
  public int override = -1;
  public boolean lock;
  /** F2, F3, or 0: the last one given. */
  public int rep;
  /** Opcode byte (the second one behind 0F). */
  public int opcode;
  /** -1 when there is none. */
  public int modrm = -1;
  public int mod;
  public int reg;
  public int rm;
  /**
   * Memory operand: register numbers or -1 for none; scale as a shift; displacement, sign-extended (or the offset of a moffs
   * form).
   */
  public int base = -1;
  public int index = -1;
  public int scale;
  public int displacement;
  /** Immediate, branch distance or far offset, sign-extended unless the kind says otherwise; second immediate or far selector. */
  public int immediate;
  public int immediate2;

  public Mnemonic mnemonic() {
    return encoding.mnemonic();
  }

  public int nextEip() {
    return eip + length;
  }

  /** ModRM names memory. */
  public boolean memory() {
    return modrm >= 0 && mod != 3;
  }

  /** Segment of the memory operand: the override, or SS for addresses based on ESP and EBP, else DS. */
  public int segment() {
    if (override >= 0) return override;
    return base == 4 || base == 5 ? 2 : 3;
  }

  /** Bytes of the operand. */
  public int size(int operand) {
    OperandKind kind = encoding.kind(operand);
    if ((kind == OperandKind.Evw || kind == OperandKind.Edw) && memory()) return 2;
    return kind.size(operandSize);
  }

  /** Target of a near relative branch. */
  public int target() {
    int target = nextEip() + immediate;
    return operandSize == 2 ? target & 0xFFFF : target;
  }

  @Override
  public String toString() {
    return Formatter.format(this);
  }
}
