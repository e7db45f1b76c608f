package lguest.cpu.x86.fpu;

import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;

/** Runs one case on {@link X87} the way the interpreter does. */
final class OurUnit {
  private final MemorySegment image;
  private final X87 unit;

  OurUnit(Arena arena) {
    image = arena.allocate(512, 16);
    unit = new X87(image.address());
  }

  X87Case run(X87Case c) {
    load(c);
    X87Case o = new X87Case();
    System.arraycopy(c.memory, 0, o.memory, 0, c.memory.length);
    unit.eflags = c.eflags;
    boolean wide = c.code[0] != 0x66;
    int info = c.modrm() >= 0xc0 ? Escape.register(c.opcode(), c.modrm()) : Escape.memory(c.opcode(), c.modrm() >> 3);
    if ((info & Escape.UNDEFINED) != 0) throw new AssertionError("undefined encoding: " + c);
    ByteBuffer memory = ByteBuffer.wrap(o.memory).order(ByteOrder.LITTLE_ENDIAN);
    int reg = c.modrm() >> 3;
    boolean registers = (info & Escape.REGISTERS) != 0;
    if (c.modrm() >= 0xc0) {
      unit.register(c.opcode(), c.modrm());
    } else if ((info & Escape.ENVIRONMENT) != 0) {
      if ((info & Escape.LOAD) != 0) {
        unit.loadEnvironment(o.memory, wide, registers);
      } else {
        unit.storeEnvironment(o.memory, wide, registers);
        unit.commit();
      }
    } else if ((info & Escape.LOAD) != 0) {
      unit.load(c.opcode(), reg, memory.getLong(0), memory.getShort(8));
    } else {
      if (unit.store(c.opcode(), reg)) {
        int size = info & Escape.SIZE;
        for (int i = 0; i < Math.min(size, 8); i++) o.memory[i] = (byte) (unit.low >> 8 * i);
        if (size == 10) memory.putShort(8, (short) unit.high);
      }
      unit.commit();
    }
    if ((info & Escape.WRITES_AX) != 0) o.ax = unit.statusWord();
    o.eflags = unit.eflags;
    unit.flush();
    store(o);
    return o;
  }

  private void load(X87Case c) {
    image.fill((byte) 0);
    set(0, c.fcw);
    set(2, c.fsw);
    set(4, c.ftw);
    for (int i = 0; i < 8; i++) {
      image.set(ValueLayout.JAVA_LONG, 32 + 16 * i, c.mantissa[i]);
      set(40 + 16 * i, c.signExp[i]);
    }
    unit.reload();
  }

  private void store(X87Case o) {
    o.fcw = get(0);
    o.fsw = get(2);
    o.ftw = get(4) & 0xff;
    for (int i = 0; i < 8; i++) {
      o.mantissa[i] = image.get(ValueLayout.JAVA_LONG, 32 + 16 * i);
      o.signExp[i] = get(40 + 16 * i);
    }
  }

  private void set(int at, int v) {
    image.set(ValueLayout.JAVA_SHORT, at, (short) v);
  }

  private int get(int at) {
    return image.get(ValueLayout.JAVA_SHORT, at) & 0xffff;
  }
}
