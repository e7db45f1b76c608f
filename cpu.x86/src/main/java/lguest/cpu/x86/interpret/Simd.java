package lguest.cpu.x86.interpret;

import static lguest.cpu.x86.state.CpuState.*;

import java.util.function.LongBinaryOperator;
import lguest.cpu.x86.decode.Encoding;
import lguest.cpu.x86.decode.Instruction;
import lguest.cpu.x86.decode.Mnemonic;
import lguest.cpu.x86.decode.OperandKind;
import lguest.cpu.x86.decode.OperandKind.Place;
import lguest.cpu.x86.fpu.X87;
import lguest.cpu.x86.simd.FloatUnit;
import lguest.cpu.x86.simd.Floating;
import lguest.cpu.x86.simd.Lanes;
import lguest.cpu.x86.simd.Shuffle;
import lguest.cpu.x86.simd.Vector;
import lguest.cpu.x86.state.Flags;
import lguest.cpu.x86.state.GuestFault;
import lguest.cpu.x86.state.Native;

/**
 * The processor's side of MMX, SSE and SSE2: who may run them, where operands are, alignment, and what becomes of exceptions. The
 * values are the package simd's business.
 *
 * <p>The order of what can go wrong is that of SDM vol. 3, 6.15 and vol. 2, 2.5: #UD, #NM, #MF, then the operand's #GP, #SS and
 * #PF, and last #XM, which leaves the destination as it was.
 */
final class Simd {
  private static final int TS = 8, EM = 4, OSFXSR = 1 << 9, OSXMMEXCPT = 1 << 10;
  /** MXCSR bits that may be set: not those above 15. */
  static final int MXCSR_BITS = 0xFFFF;

  private Simd() {}

  /** Null: no such instruction. */
  static Op op(Core c, Instruction i) {
    Mnemonic m = i.mnemonic();
    return switch (m) {
      case LDMXCSR -> new LoadControl(c, i);
      case STMXCSR -> new StoreControl(c, i);
      case EMMS -> new Empty();
      case MASKMOVQ, MASKMOVDQU -> new MaskedMove(c, i);
      case COMISS, COMISD, UCOMISS, UCOMISD -> new Compare(c, i);
      default -> new Compute(c, i, function(i));
    };
  }

  /** What the destination becomes; d holds its old value and takes the new one. */
  private interface Function {
    void apply(Core c, Vector d, Vector s);
  }

  private static Function function(Instruction i) {
    Mnemonic m = i.mnemonic();
    int immediate = i.immediate & 0xFF;
    Floating floating = Floating.of(m);
    if (floating != null) return floats(floating, immediate);
    LongBinaryOperator lanes = Lanes.operation(m);
    if (lanes != null) return (c, d, s) -> d.set(lanes.applyAsLong(d.low, s.low), lanes.applyAsLong(d.high, s.high));
    boolean mmx = i.encoding.has("mmx");
    return switch (m) {
      case PSLLW, PSLLD, PSLLQ, PSRLW, PSRLD, PSRLQ, PSRAW, PSRAD -> shift(i, immediate);
      case MOVAPS, MOVAPD, MOVUPS, MOVUPD, MOVDQA, MOVDQU, MOVNTPS, MOVNTPD, MOVNTDQ, MOVNTQ, MOVD, MOVQ2DQ, MOVDQ2Q ->
          (c, d, s) -> d.set(s.low, s.high);
      case MOVQ -> (c, d, s) -> d.set(s.low, 0);
      case MOVSS -> i.memory() ? (c, d, s) -> d.set(s.low, s.high) : (c, d, s) -> d.low = d.low & ~0xFFFFFFFFL | s.low & 0xFFFFFFFFL;
      case MOVSD -> i.memory() ? (c, d, s) -> d.set(s.low, s.high) : (c, d, s) -> d.low = s.low;
      case MOVLPS, MOVLPD -> (c, d, s) -> d.low = s.low;
      case MOVHPS, MOVHPD -> i.encoding.kind(0) == OperandKind.Mq ? (c, d, s) -> d.low = s.high : (c, d, s) -> d.high = s.low;
      case MOVMSKPS -> (c, d, s) -> d.low = Shuffle.signs(s, 32, 4);
      case MOVMSKPD -> (c, d, s) -> d.low = Shuffle.signs(s, 64, 2);
      case PMOVMSKB -> (c, d, s) -> d.low = Shuffle.signs(s, 8, mmx ? 8 : 16);
      case PINSRW -> {
        int at = (immediate & 3) * 16;
        boolean high = !mmx && (immediate & 4) != 0;
        yield (c, d, s) -> {
          long mask = 0xFFFFL << at, word = (s.low & 0xFFFF) << at;
          if (high) d.high = d.high & ~mask | word;
          else d.low = d.low & ~mask | word;
        };
      }
      case PEXTRW -> {
        int at = (immediate & 3) * 16;
        boolean high = !mmx && (immediate & 4) != 0;
        yield (c, d, s) -> d.low = (high ? s.high : s.low) >>> at & 0xFFFF;
      }
      default -> mmx ? (c, d, s) -> check(Shuffle.mmx(m, d, s, immediate), m) : (c, d, s) -> check(Shuffle.xmm(m, d, s, immediate), m);
    };
  }

  private static void check(boolean known, Mnemonic m) {
    if (!known) throw new IllegalStateException("not implemented: " + m);
  }

  private static Function shift(Instruction i, int immediate) {
    Mnemonic m = i.mnemonic();
    boolean constant = i.encoding.kind(1) == OperandKind.Ibu;
    return (c, d, s) -> {
      long count = constant ? immediate : s.low;
      d.set(Lanes.shift(m, d.low, count), Lanes.shift(m, d.high, count));
    };
  }

  private static Function floats(Floating floating, int immediate) {
    return (c, d, s) -> {
      FloatUnit unit = c.floats;
      unit.begin(Native.get32(c.state + MXCSR));
      floating.apply(unit, d, s, immediate);
      settle(c, unit);
    };
  }

  /** Books the exceptions of an instruction; unmasked ones end it. */
  private static void settle(Core c, FloatUnit unit) {
    if (unit.flags() == 0) return;
    Native.set32(c.state + MXCSR, Native.get32(c.state + MXCSR) | unit.flags());
    if (unit.unmasked()) throw (c.get(CR4) & OSXMMEXCPT) != 0 ? c.fault.plain(GuestFault.XM) : c.ud();
  }

  // ---- operands

  /** Where a vector comes from or goes to. */
  private abstract static class Port {
    abstract void load(Core c, Vector v);

    abstract void store(Core c, Vector v);
  }

  private static Port port(Core c, Instruction i, int n) {
    OperandKind kind = i.encoding.kind(n);
    if (kind.place == Place.RM && i.mod != 3) {
      int bytes = i.size(n);
      return new Memory(new Ea(c, i), bytes, bytes == 16 && !i.encoding.has("loose"));
    }
    int number = kind.place == Place.RM ? i.rm : i.reg;
    return switch (kind.bank) {
      case XMM -> new Xmm(c.state + XMM + 16 * number);
      case MMX -> new Mmx(number);
      case GENERAL -> new General(c.state + EAX + 8 * number);
    };
  }

  private static final class Xmm extends Port {
    private final long at;

    Xmm(long at) {
      this.at = at;
    }

    @Override
    void load(Core c, Vector v) {
      v.set(Native.get64(at), Native.get64(at + 8));
    }

    @Override
    void store(Core c, Vector v) {
      Native.set64(at, v.low);
      Native.set64(at + 8, v.high);
    }
  }

  private static final class Mmx extends Port {
    private final int number;

    Mmx(int number) {
      this.number = number;
    }

    @Override
    void load(Core c, Vector v) {
      v.set(c.x87().mmx(number), 0);
    }

    @Override
    void store(Core c, Vector v) {
      c.x87().setMmx(number, v.low);
    }
  }

  private static final class General extends Port {
    private final long at;

    General(long at) {
      this.at = at;
    }

    @Override
    void load(Core c, Vector v) {
      v.set(Native.get32(at) & 0xFFFFFFFFL, 0);
    }

    @Override
    void store(Core c, Vector v) {
      Native.set32(at, (int) v.low);
    }
  }

  private static final class Memory extends Port {
    private final Ea ea;
    private final int bytes;
    private final boolean aligned;

    Memory(Ea ea, int bytes, boolean aligned) {
      this.ea = ea;
      this.bytes = bytes;
      this.aligned = aligned;
    }

    /** A bad alignment is found first, before the segment's end: so AMD's processors have it, and the manuals leave it open. */
    private int linear(Core c, boolean write) {
      if (aligned && (ea.unchecked(c) & 15) != 0) throw c.gp(0);
      return ea.linear(c, bytes, write);
    }

    @Override
    void load(Core c, Vector v) {
      int a = linear(c, false);
      switch (bytes) {
        case 2 -> v.set(c.mmu.read16(a), 0);
        case 4 -> v.set(c.mmu.read32(a) & 0xFFFFFFFFL, 0);
        case 8 -> v.set(c.mmu.read64(a), 0);
        default -> v.set(c.mmu.read64(a), c.mmu.read64(a + 8));
      }
    }

    @Override
    void store(Core c, Vector v) {
      int a = linear(c, true);
      switch (bytes) {
        case 4 -> c.mmu.write32(a, (int) v.low);
        case 8 -> c.mmu.write64(a, v.low);
        default -> {
          if ((a & 0xFFF) > 0xFF0) c.mmu.probeWrite(a, 16);
          c.mmu.write64(a, v.low);
          c.mmu.write64(a + 8, v.high);
        }
      }
    }
  }

  // ---- instructions

  private abstract static class Guarded extends Op {
    private final boolean sse;
    final boolean mmx;

    Guarded(Instruction i) {
      Encoding encoding = i.encoding;
      sse = encoding.has("sse");
      // With a source in memory CVTPI2PD and CVTPI2PS have nothing to do with MMX registers.
      mmx = encoding.has("mmx") && !(sse && i.memory() && encoding.kind(1) == OperandKind.Qq);
    }

    final void begin(Core c) {
      int cr0 = c.get(CR0);
      if ((cr0 & EM) != 0 || sse && (c.get(CR4) & OSFXSR) == 0) throw c.ud();
      if ((cr0 & TS) != 0) throw c.fault.plain(GuestFault.NM);
      if (mmx && c.x87().pending()) throw c.fault.plain(GuestFault.MF);
    }
  }

  /** Source and old destination to new destination. */
  private static final class Compute extends Guarded {
    private final Port to;
    /** Null: the destination is the only operand. */
    private final Port from;
    private final boolean reads;
    private final boolean stores;
    private final Function function;

    Compute(Core c, Instruction i, Function function) {
      super(i);
      this.function = function;
      to = port(c, i, 0);
      from = i.encoding.kind(1).place == Place.IMMEDIATE ? null : port(c, i, 1);
      // A register loaded from memory is replaced whole, though the register form of the same line replaces a part.
      reads = i.encoding.operands().getFirst().use() == Encoding.Use.READ_WRITE || !i.memory();
      stores = i.memory() && i.encoding.kind(0).place == Place.RM;
    }

    @Override
    void run(Core c) {
      begin(c);
      Vector d = c.destination, s = c.source;
      if (from != null) from.load(c, s);
      if (reads) to.load(c, d);
      else d.set(0, 0);
      // Before #XM, but behind everything that memory can do.
      if (mmx && !stores) c.x87().enterMmx();
      function.apply(c, d, s);
      to.store(c, d);
      if (mmx && stores) c.x87().enterMmx();
    }
  }

  /** COMI and UCOMI. */
  private static final class Compare extends Guarded {
    private final Mnemonic mnemonic;
    private final Port a, b;

    Compare(Core c, Instruction i) {
      super(i);
      mnemonic = i.mnemonic();
      a = port(c, i, 0);
      b = port(c, i, 1);
    }

    @Override
    void run(Core c) {
      begin(c);
      b.load(c, c.source);
      a.load(c, c.destination);
      c.floats.begin(Native.get32(c.state + MXCSR));
      int order = Floating.compare(c.floats, mnemonic, c.destination, c.source);
      settle(c, c.floats);
      Flags.setArithmetic(c.state, switch (order) {
        case -1 -> Flags.CF;
        case 0 -> Flags.ZF;
        case 1 -> 0;
        default -> Flags.ZF | Flags.PF | Flags.CF;
      });
    }
  }

  /** Stores the bytes of the first register whose counterparts in the second are negative, at DS:EDI. */
  private static final class MaskedMove extends Guarded {
    private final Port value, mask;
    private final int segment;
    private final boolean wide;

    MaskedMove(Core c, Instruction i) {
      super(i);
      value = port(c, i, 0);
      mask = port(c, i, 1);
      segment = i.override >= 0 ? i.override : DS;
      wide = i.addressSize == 4;
    }

    @Override
    void run(Core c) {
      begin(c);
      Vector v = c.destination, m = c.source;
      value.load(c, v);
      mask.load(c, m);
      if (mmx) c.x87().enterMmx();
      int offset = wide ? c.get(EDI) : c.get(EDI) & 0xFFFF;
      int linear = c.segments.check(segment, offset, mmx ? 8 : 16, true);
      int selected = Shuffle.signs(m, 8, mmx ? 8 : 16);
      // Whether bytes that are not selected may fault is the maker's choice; AMD's look at all of them.
      c.mmu.probeWrite(linear, mmx ? 8 : 16);
      for (int n = 0; n < 16; n++) {
        if ((selected >> n & 1) != 0) c.mmu.write8(linear + n, (int) ((n < 8 ? v.low : v.high) >>> (n & 7) * 8));
      }
    }
  }

  private static final class Empty extends Op {
    @Override
    void run(Core c) {
      if ((c.get(CR0) & EM) != 0) throw c.ud();
      if ((c.get(CR0) & TS) != 0) throw c.fault.plain(GuestFault.NM);
      X87 x87 = c.x87();
      if (x87.pending()) throw c.fault.plain(GuestFault.MF);
      x87.leaveMmx();
    }
  }

  private static final class LoadControl extends Guarded {
    private final Ea ea;

    LoadControl(Core c, Instruction i) {
      super(i);
      ea = new Ea(c, i);
    }

    @Override
    void run(Core c) {
      begin(c);
      int value = ea.read32(c);
      if ((value & ~MXCSR_BITS) != 0) throw c.gp(0);
      c.set(MXCSR, value);
    }
  }

  private static final class StoreControl extends Guarded {
    private final Ea ea;

    StoreControl(Core c, Instruction i) {
      super(i);
      ea = new Ea(c, i);
    }

    @Override
    void run(Core c) {
      begin(c);
      c.mmu.write32(ea.linear(c, 4, true), c.get(MXCSR));
    }
  }

  /** CLFLUSH: checked like a load of one byte; there is no cache that could be told. */
  static final class FlushLine extends Op {
    private final Ea ea;

    FlushLine(Ea ea) {
      this.ea = ea;
    }

    @Override
    void run(Core c) {
      ea.read8(c);
    }
  }
}
