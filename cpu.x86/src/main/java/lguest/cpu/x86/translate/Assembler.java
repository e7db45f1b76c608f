package lguest.cpu.x86.translate;

import java.util.Arrays;

/**
 * Writes x86-64 machine code into a byte array. It knows how an instruction is put together (REX, ModRM, SIB, displacement), not what the
 * instructions mean: the translator passes guest opcodes through almost verbatim, so the opcode is an argument.
 *
 * <p>An opcode is written as one to three bytes in an int, most significant first: 0x89, 0x0FAF, 0x0F38F6. A mandatory or operand size prefix goes in {@code prefix}, 0 for none.
 * Registers are numbers 0..15 as the processor encodes them.
 */
final class Assembler {
  static final int RAX = 0, RCX = 1, RDX = 2, RBX = 3, RSP = 4, RBP = 5, RSI = 6, RDI = 7;
  static final int R8 = 8, R9 = 9, R10 = 10, R11 = 11, R12 = 12, R13 = 13, R14 = 14, R15 = 15;
  /** No index register in a memory operand. */
  static final int NONE = -1;

  private byte[] code = new byte[4096];
  private int size;

  int size() { return size; }

  byte[] bytes() { return Arrays.copyOf(code, size); }

  /** The bytes so far, without a copy; valid until the next emission. */
  byte[] array() { return code; }

  void clear() { size = 0; }

  void byte_(int value) {
    if (size == code.length) code = Arrays.copyOf(code, size * 2);
    code[size++] = (byte) value;
  }

  void int_(int value) {
    byte_(value);
    byte_(value >> 8);
    byte_(value >> 16);
    byte_(value >> 24);
  }

  void long_(long value) {
    int_((int) value);
    int_((int) (value >> 32));
  }

  /** Overwrites the 32 bits at {@code at}. */
  void patchInt(int at, int value) {
    code[at] = (byte) value;
    code[at + 1] = (byte) (value >> 8);
    code[at + 2] = (byte) (value >> 16);
    code[at + 3] = (byte) (value >> 24);
  }

  // Register forms. byteRegister: the instruction names an 8-bit register 4..7 that must be read as SPL..DIL, which takes a REX.

  /** {@code op reg, rm} between registers. */
  void rr(int prefix, boolean wide, int opcode, int reg, int rm) {
    prefixes(prefix, wide, reg, 0, rm, false);
    opcode(opcode);
    byte_(0xC0 | (reg & 7) << 3 | rm & 7);
  }

  /** The 32-bit form without prefix. */
  void rr(int opcode, int reg, int rm) { rr(0, false, opcode, reg, rm); }

  /** The 64-bit form. */
  void rrq(int opcode, int reg, int rm) { rr(0, true, opcode, reg, rm); }

  /** {@code op reg, [base + index * (1 << scale) + displacement]}. {@code index} may be {@link #NONE}, but not RSP. */
  void rm(int prefix, boolean wide, int opcode, int reg, int base, int index, int scale, int displacement) {
    prefixes(prefix, wide, reg, index == NONE ? 0 : index, base, false);
    opcode(opcode);
    address(reg, base, index, scale, displacement);
  }

  void rm(int opcode, int reg, int base, int displacement) { rm(0, false, opcode, reg, base, NONE, 0, displacement); }

  void rmq(int opcode, int reg, int base, int displacement) { rm(0, true, opcode, reg, base, NONE, 0, displacement); }

  /** {@code op reg, [index * (1 << scale) + displacement]}: no base at all. */
  void rmNoBase(int prefix, boolean wide, int opcode, int reg, int index, int scale, int displacement) {
    prefixes(prefix, wide, reg, index == NONE ? 0 : index, 0, false);
    opcode(opcode);
    byte_((reg & 7) << 3 | 4);
    byte_(scale << 6 | (index == NONE ? 4 : index & 7) << 3 | 5);
    int_(displacement);
  }

  /** An instruction without ModRM whose opcode holds the register in its low three bits. */
  void plus(boolean wide, int opcode, int register) {
    if (wide || register >= 8) byte_(0x40 | (wide ? 8 : 0) | register >> 3);
    opcode(opcode | register & 7);
  }

  void movImmediate(int register, int value) {
    plus(false, 0xB8, register);
    int_(value);
  }

  void movImmediate64(int register, long value) {
    plus(true, 0xB8, register);
    long_(value);
  }

  /** {@code op rm, imm} of the 81/83 group; {@code digit} 0 ADD, 1 OR, 2 ADC, 3 SBB, 4 AND, 5 SUB, 6 XOR, 7 CMP. */
  void group1(boolean wide, int digit, int register, int value) {
    boolean small = value == (byte) value;
    rr(0, wide, small ? 0x83 : 0x81, digit, register);
    if (small) byte_(value); else int_(value);
  }

  /** The same on memory at [base + displacement]. */
  void group1Memory(boolean wide, int digit, int base, int displacement, int value) {
    boolean small = value == (byte) value;
    rm(0, wide, small ? 0x83 : 0x81, digit, base, NONE, 0, displacement);
    if (small) byte_(value); else int_(value);
  }

  /** The same on a byte there. */
  void group1MemoryByte(int digit, int base, int displacement, int value) {
    rm(0x80, digit, base, displacement);
    byte_(value);
  }

  /** {@code jcc rel32}; returns where its displacement lies, for {@link #patchJump} or {@link #here}. */
  int jcc(int condition) {
    byte_(0x0F);
    byte_(0x80 | condition);
    int_(0);
    return size - 4;
  }

  int jmp() {
    byte_(0xE9);
    int_(0);
    return size - 4;
  }

  int call() {
    byte_(0xE8);
    int_(0);
    return size - 4;
  }

  /** {@code jcc rel8}, to be closed by {@link #hereShort}. */
  int jccShort(int condition) {
    byte_(0x70 | condition);
    byte_(0);
    return size - 1;
  }

  int jmpShort() {
    byte_(0xEB);
    byte_(0);
    return size - 1;
  }

  /** Makes the jump whose displacement lies at {@code at} come here. */
  void here(int at) { patchInt(at, size - at - 4); }

  void hereShort(int at) {
    int distance = size - at - 1;
    if (distance > 127) throw new IllegalStateException("short jump over " + distance + " bytes");
    code[at] = (byte) distance;
  }

  /** Makes the jump whose displacement lies at {@code at} go to {@code target}, an offset in this code. */
  void patchJump(int at, int target) { patchInt(at, target - at - 4); }

  private void prefixes(int prefix, boolean wide, int reg, int index, int base, boolean force) {
    if (prefix != 0) byte_(prefix);
    int rex = (wide ? 8 : 0) | (reg >> 3 & 1) << 2 | (index >> 3 & 1) << 1 | base >> 3 & 1;
    if (rex != 0 || force) byte_(0x40 | rex);
  }

  void opcode(int opcode) {
    if (opcode > 0xFFFF) byte_(opcode >> 16);
    if (opcode > 0xFF) byte_(opcode >> 8);
    byte_(opcode);
  }

  private void address(int reg, int base, int index, int scale, int displacement) {
    // RBP and R13 as base have no form without displacement; RSP and R12 need a SIB.
    int mode = displacement == 0 && (base & 7) != 5 ? 0 : displacement == (byte) displacement ? 1 : 2;
    if (index == NONE && (base & 7) != 4) {
      byte_(mode << 6 | (reg & 7) << 3 | base & 7);
    } else {
      byte_(mode << 6 | (reg & 7) << 3 | 4);
      byte_(scale << 6 | (index == NONE ? 4 : index & 7) << 3 | base & 7);
    }
    if (mode == 1) byte_(displacement);
    if (mode == 2) int_(displacement);
  }
}
