package lguest.cpu.x86.decode;

import java.util.List;
import java.util.Set;

/**
 * One line of the {@link Table}.
 *
 * @param opcode 0..FF, or 0F00..0FFF
 * @param prefix mandatory prefix 66, F2, F3; {@link #NO_PREFIX} when none of them may be there; 0 when it does not matter
 * @param digit required reg field of ModRM, -1 for any
 * @param modrm required whole ModRM byte, -1 for any
 * @param form whether ModRM must name memory or a register
 * @param condition of J, SET and CMOV, 0..15 as encoded; -1 for others
 * @param operands destination first
 * @param flagsRead EFLAGS bits the result depends on
 * @param flagsWritten bits it defines; {@code flagsUndefined} bits the manual leaves open
 * @param conditional the written ones may also keep their value
 * @param attributes see {@link Table}
 * @param endsBlock no instruction behind it belongs to the same basic block: attribute {@code end}
 */
public record Encoding(int opcode, int prefix, int digit, int modrm, Form form, Mnemonic mnemonic, int condition,
                       List<Operand> operands, int flagsRead, int flagsWritten, int flagsUndefined, boolean conditional,
                       Set<String> attributes, boolean endsBlock) {
  public static final int NO_PREFIX = -1;

  /** What ModRM must name. */
  public enum Form { ANY, MEMORY, REGISTER }

  /** How an operand is used. */
  public enum Use { READ, WRITE, READ_WRITE, ADDRESS, MAY_WRITE }

  public record Operand(OperandKind kind, Use use) {
    public boolean writes() {
      return use == Use.WRITE || use == Use.READ_WRITE || use == Use.MAY_WRITE;
    }
  }

  public boolean has(String attribute) {
    return attributes.contains(attribute);
  }

  public OperandKind kind(int operand) {
    return operands.get(operand).kind;
  }

  boolean matches(int byteAfterOpcode) {
    boolean register = byteAfterOpcode >= 0xC0;
    if (modrm >= 0) return byteAfterOpcode == modrm;
    if (digit >= 0 && (byteAfterOpcode >> 3 & 7) != digit) return false;
    return form == Form.ANY || register == (form == Form.REGISTER);
  }
}
