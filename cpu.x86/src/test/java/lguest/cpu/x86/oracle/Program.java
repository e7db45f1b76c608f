package lguest.cpu.x86.oracle;

import java.nio.ByteBuffer;
import java.util.ArrayList;
import java.util.HexFormat;
import java.util.List;
import lguest.cpu.x86.decode.Decoder;
import lguest.cpu.x86.decode.Encoding;
import lguest.cpu.x86.decode.Instruction;

/** A few instructions, the registers they start with, and INT3 behind them. */
final class Program {
  /** Bytes of a case as processor.c reads it, and the most code it may hold. */
  static final int RECORD = 308, MOST_CODE = 128;

  /** One instruction, perhaps with a field that depends on where another instruction comes to lie. */
  static final class Item {
    final byte[] bytes;
    /** Null for bytes that are no encoding of the table. */
    final Encoding encoding;
    int fixAt, fixSize, fixAdd;
    boolean absolute;
    /** Null: behind the last instruction. */
    Item target;

    Item(byte[] bytes, Encoding encoding) {
      this.bytes = bytes;
      this.encoding = encoding;
    }
  }

  final List<Item> items = new ArrayList<>();
  final int[] registers = new int[8];
  int eflags = 0x202;
  /** XMM registers, low half first. */
  final long[] xmm = new long[16];
  int mxcsr = 0x1f80;
  /** Of the first instruction in the code page. */
  int offset;

  Program copyWithout(int from, int to) {
    Program p = new Program();
    p.items.addAll(items.subList(0, from));
    p.items.addAll(items.subList(to, items.size()));
    System.arraycopy(registers, 0, p.registers, 0, 8);
    System.arraycopy(xmm, 0, p.xmm, 0, 16);
    p.eflags = eflags;
    p.mxcsr = mxcsr;
    p.offset = offset;
    return p;
  }

  /** The code, fields filled in; its length is never above {@link #MOST_CODE}. */
  byte[] code() {
    ByteBuffer code = ByteBuffer.allocate(MOST_CODE);
    int[] starts = starts();
    for (int i = 0; i < items.size(); i++) {
      Item item = items.get(i);
      byte[] bytes = item.bytes.clone();
      if (item.fixSize != 0) {
        int index = item.target == null ? -1 : items.indexOf(item.target);
        int to = Area.CODE + offset + starts[index < 0 ? items.size() : index] + item.fixAdd;
        int value = item.absolute ? to : to - (Area.CODE + offset + starts[i] + bytes.length);
        for (int b = 0; b < item.fixSize; b++) bytes[item.fixAt + b] = (byte) (value >> 8 * b);
      }
      code.put(bytes);
    }
    byte[] result = new byte[code.position()];
    code.flip().get(result);
    return result;
  }

  int[] starts() {
    int[] starts = new int[items.size() + 1];
    for (int i = 0; i < items.size(); i++) starts[i + 1] = starts[i] + items.get(i).bytes.length;
    return starts;
  }

  int length() {
    return starts()[items.size()];
  }

  void write(ByteBuffer b) {
    byte[] code = code();
    int end = b.position() + RECORD;
    b.putInt(offset).putInt(code.length).putInt(Area.CODE + offset).putInt(eflags);
    for (int r : registers) b.putInt(r);
    b.put(code).position(end - 132);
    for (long half : xmm) b.putLong(half);
    b.putInt(mxcsr);
  }

  @Override
  public String toString() {
    byte[] code = code();
    StringBuilder s = new StringBuilder("code ").append(HexFormat.of().formatHex(code)).append(String.format(" at %08x%n", Area.CODE + offset));
    s.append(registers(registers, eflags)).append(vectors(xmm, mxcsr));
    Decoder decoder = new Decoder();
    int[] starts = starts();
    for (int i = 0; i < items.size(); i++) {
      Instruction in = decoder.decode(code, starts[i], starts[i + 1], Area.CODE + offset + starts[i], true);
      s.append("  ").append(HexFormat.of().formatHex(code, starts[i], starts[i + 1])).append("  ").append(in == null ? "(no instruction)" : in).append('\n');
    }
    return s.toString();
  }

  static String vectors(long[] xmm, int mxcsr) {
    StringBuilder s = new StringBuilder(String.format("  mxcsr %04x", mxcsr));
    for (int i = 0; i < 8; i++) {
      if ((xmm[2 * i] | xmm[2 * i + 1]) != 0) s.append(String.format(" xmm%d %016x:%016x", i, xmm[2 * i + 1], xmm[2 * i]));
    }
    return s.append('\n').toString();
  }

  static String registers(int[] r, int eflags) {
    return String.format("  eax %08x ecx %08x edx %08x ebx %08x esp %08x ebp %08x esi %08x edi %08x eflags %08x%n",
        r[0], r[1], r[2], r[3], r[4], r[5], r[6], r[7], eflags);
  }
}
