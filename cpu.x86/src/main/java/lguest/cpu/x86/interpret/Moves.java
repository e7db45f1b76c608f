package lguest.cpu.x86.interpret;

import static lguest.cpu.x86.state.CpuState.*;

import lguest.cpu.x86.state.Native;

/** MOV and what is like it. Hot 32-bit forms first. */
final class Moves {
  private Moves() {}

  static final class Nothing extends Op {
    @Override
    void run(Core c) {}
  }

  static final class Register32 extends Op {
    private final long to;
    private final long from;

    Register32(long to, long from) {
      this.to = to;
      this.from = from;
    }

    @Override
    void run(Core c) {
      Native.set32(to, Native.get32(from));
    }
  }

  static final class Constant32 extends Op {
    private final long to;
    private final int value;

    Constant32(long to, int value) {
      this.to = to;
      this.value = value;
    }

    @Override
    void run(Core c) {
      Native.set32(to, value);
    }
  }

  static final class Load32 extends Op {
    private final long to;
    private final Ea ea;

    Load32(long to, Ea ea) {
      this.to = to;
      this.ea = ea;
    }

    @Override
    void run(Core c) {
      Native.set32(to, c.mmu.read32(ea.linear(c, 4, false)));
    }
  }

  static final class Store32 extends Op {
    private final Ea ea;
    private final long from;

    Store32(Ea ea, long from) {
      this.ea = ea;
      this.from = from;
    }

    @Override
    void run(Core c) {
      c.mmu.write32(ea.linear(c, 4, true), Native.get32(from));
    }
  }

  static final class Load8 extends Op {
    private final long to;
    private final Ea ea;

    Load8(long to, Ea ea) {
      this.to = to;
      this.ea = ea;
    }

    @Override
    void run(Core c) {
      Native.set8(to, c.mmu.read8(ea.linear(c, 1, false)));
    }
  }

  static final class Store8 extends Op {
    private final Ea ea;
    private final long from;

    Store8(Ea ea, long from) {
      this.ea = ea;
      this.from = from;
    }

    @Override
    void run(Core c) {
      c.mmu.write8(ea.linear(c, 1, true), Native.get8(from));
    }
  }

  static final class StoreConstant32 extends Op {
    private final Ea ea;
    private final int value;

    StoreConstant32(Ea ea, int value) {
      this.ea = ea;
      this.value = value;
    }

    @Override
    void run(Core c) {
      c.mmu.write32(ea.linear(c, 4, true), value);
    }
  }

  static final class General extends Op {
    private final Operand to;
    private final Operand from;

    General(Operand to, Operand from) {
      this.to = to;
      this.from = from;
    }

    @Override
    void run(Core c) {
      to.set(c, from.value(c));
    }
  }

  static final class Lea extends Op {
    private final long to;
    private final int size;
    private final Ea ea;

    Lea(long to, int size, Ea ea) {
      this.to = to;
      this.size = size;
      this.ea = ea;
    }

    @Override
    void run(Core c) {
      if (size == 4) Native.set32(to, ea.offset());
      else Native.set16(to, ea.offset());
    }
  }

  /** MOVZX: Load forms to a 32-bit register are the common ones in C code. */
  static final class Zero extends Op {
    private final Operand to;
    private final Operand from;

    Zero(Operand to, Operand from) {
      this.to = to;
      this.from = from;
    }

    @Override
    void run(Core c) {
      to.set(c, Size.zeroExtend(from.size, from.value(c)));
    }
  }

  static final class ZeroByte32 extends Op {
    private final long to;
    private final long from;

    ZeroByte32(long to, long from) {
      this.to = to;
      this.from = from;
    }

    @Override
    void run(Core c) {
      Native.set32(to, Native.get8(from) & 0xFF);
    }
  }

  static final class ZeroLoad8 extends Op {
    private final long to;
    private final Ea ea;

    ZeroLoad8(long to, Ea ea) {
      this.to = to;
      this.ea = ea;
    }

    @Override
    void run(Core c) {
      Native.set32(to, c.mmu.read8(ea.linear(c, 1, false)) & 0xFF);
    }
  }

  /** CBW, CWDE. */
  static final class ExtendAccumulator extends Op {
    private final int size;

    ExtendAccumulator(int size) {
      this.size = size;
    }

    @Override
    void run(Core c) {
      if (size == 4) c.set(EAX, Native.get16(c.state + EAX));
      else Native.set16(c.state + EAX, Native.get8(c.state + EAX));
    }
  }

  /** CWD, CDQ. */
  static final class SpreadSign extends Op {
    private final int size;

    SpreadSign(int size) {
      this.size = size;
    }

    @Override
    void run(Core c) {
      Size.store(size, c.state + EDX, Size.load(size, c.state + EAX) >> 31);
    }
  }

  static final class Xlat extends Op {
    private final int segment;
    private final boolean wide;

    Xlat(int segment, boolean wide) {
      this.segment = segment;
      this.wide = wide;
    }

    @Override
    void run(Core c) {
      int offset = c.get(EBX) + (c.get(EAX) & 0xFF);
      int linear = c.segments.check(segment, wide ? offset : offset & 0xFFFF, 1, false);
      Native.set8(c.state + EAX, c.mmu.read8(linear));
    }
  }
}
