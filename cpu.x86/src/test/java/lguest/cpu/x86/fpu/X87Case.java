package lguest.cpu.x86.fpu;

import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.util.Arrays;
import java.util.HexFormat;

/** A case for, or an outcome of, the real unit or ours: the record of x87-oracle.c. */
final class X87Case {
  static final int BYTES = 208, MEMORY = 112;
  int fcw = 0x37f, fsw, ftw = 0xff, eflags = 0x202, ax = 0xa5a5;
  byte[] code = {};
  final long[] mantissa = new long[8];
  final int[] signExp = new int[8];
  final byte[] memory = new byte[MEMORY];

  X87Case st(int i, int s, long m) {
    signExp[i] = s;
    mantissa[i] = m;
    return this;
  }

  int opcode() {
    return code[code.length - 2] & 0xff;
  }

  int modrm() {
    return code[code.length - 1] & 0xff;
  }

  void write(ByteBuffer b) {
    int start = b.position();
    b.putShort((short) fcw).putShort((short) fsw).put((byte) ftw).put((byte) code.length).put(code).position(start + 12);
    b.putInt(eflags);
    for (int i = 0; i < 8; i++) b.putLong(mantissa[i]).putShort((short) signExp[i]);
    b.put(memory);
  }

  static X87Case read(ByteBuffer b) {
    X87Case c = new X87Case();
    c.fcw = b.getShort() & 0xffff;
    c.fsw = b.getShort() & 0xffff;
    c.ftw = b.get() & 0xff;
    b.get();
    c.ax = b.getShort() & 0xffff;
    b.getInt();
    c.eflags = b.getInt();
    for (int i = 0; i < 8; i++) {
      c.mantissa[i] = b.getLong();
      c.signExp[i] = b.getShort() & 0xffff;
    }
    b.get(c.memory);
    return c;
  }

  static ByteBuffer buffer(int cases) {
    return ByteBuffer.allocate(cases * BYTES).order(ByteOrder.LITTLE_ENDIAN);
  }

  @Override
  public String toString() {
    StringBuilder s = new StringBuilder(String.format("code %s fcw %04x fsw %04x ftw %02x eflags %04x ax %04x%n",
        HexFormat.of().formatHex(code), fcw, fsw, ftw, eflags, ax));
    for (int i = 0; i < 8; i++) s.append(String.format(" st%d %04x:%016x%s", i, signExp[i], mantissa[i], i == 3 ? "\n" : ""));
    return s.append("\n memory ").append(HexFormat.of().formatHex(Arrays.copyOf(memory, 32))).append('\n').toString();
  }
}
