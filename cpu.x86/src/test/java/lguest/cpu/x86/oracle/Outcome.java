package lguest.cpu.x86.oracle;

import java.nio.ByteBuffer;

/** How a program ended: everything a program could notice. */
final class Outcome {
  static final int TIMEOUT = 0x100, SYSTEM_CALL = 0x101;
  static final String[] REGISTER = {"eax", "ecx", "edx", "ebx", "esp", "ebp", "esi", "edi"};

  /** Exception vector, or one of the above; error code; linear address of a page fault. */
  int vector, error, address;
  int eip, eflags;
  final int[] registers = new int[8];
  /** ES CS SS DS FS GS. */
  final int[] selectors = new int[6];
  int fcw, fsw, ftw;
  final long[] mantissa = new long[8];
  final int[] signExp = new int[8];
  final long[] xmm = new long[16];
  int mxcsr;
  /** Address and new contents of every aligned word of memory that changed, in turns. */
  int[] changes = {};

  static Outcome read(ByteBuffer b) {
    Outcome o = new Outcome();
    o.vector = b.getInt();
    o.error = b.getInt();
    o.address = b.getInt();
    o.eip = b.getInt();
    o.eflags = b.getInt();
    for (int i = 0; i < 8; i++) o.registers[i] = b.getInt();
    for (int i : new int[] {1, 2, 3, 0, 4, 5}) o.selectors[i] = b.getShort() & 0xffff;
    o.fcw = b.getShort() & 0xffff;
    o.fsw = b.getShort() & 0xffff;
    o.ftw = b.getShort() & 0xff;
    b.getShort();
    int n = b.getInt();
    for (int i = 0; i < 8; i++) {
      o.mantissa[i] = b.getLong();
      o.signExp[i] = b.getShort() & 0xffff;
    }
    for (int i = 0; i < 16; i++) o.xmm[i] = b.getLong();
    o.mxcsr = b.getInt();
    o.changes = new int[2 * n];
    for (int i = 0; i < 2 * n; i++) o.changes[i] = b.getInt();
    return o;
  }

  @Override
  public String toString() {
    StringBuilder s = new StringBuilder(String.format("vector %x error %x address %08x eip %08x", vector, error, address, eip));
    s.append(String.format(" es %x cs %x ss %x ds %x fs %x gs %x fcw %x fsw %x ftw %x%n", selectors[0], selectors[1], selectors[2], selectors[3],
        selectors[4], selectors[5], fcw, fsw, ftw)).append(Program.registers(registers, eflags)).append(Program.vectors(xmm, mxcsr));
    for (int i = 0; i < changes.length && i < 32; i += 2) s.append(String.format(" [%08x]=%08x", changes[i], changes[i + 1]));
    if (changes.length > 0) s.append('\n');
    for (int i = 0; i < 8; i++) if ((ftw >> ((fsw >> 11) + i & 7) & 1) != 0) s.append(String.format(" st%d %04x:%016x%n", i, signExp[i], mantissa[i]));
    return s.toString();
  }
}
