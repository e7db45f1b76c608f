package lguest.cpu.x86.interpret;

import static lguest.cpu.x86.state.CpuState.*;

import lguest.cpu.x86.state.Flags;
import lguest.cpu.x86.state.Native;

/** PUSH, POP, PUSHA, POPA, PUSHF, ENTER, LEAVE. The Flat forms run in a flat 32-bit stack segment. */
final class Stack {
  private Stack() {}

  /** Flat 32-bit push. */
  static void push(Core c, int value) {
    long esp = c.state + ESP;
    int top = Native.get32(esp) - 4;
    c.mmu.write32(top, value);
    Native.set32(esp, top);
  }

  /** Flat 32-bit pop. */
  static int pop(Core c) {
    long esp = c.state + ESP;
    int top = Native.get32(esp);
    int value = c.mmu.read32(top);
    Native.set32(esp, top + 4);
    return value;
  }

  static final class PushFlat extends Op {
    private final long from;

    PushFlat(long from) {
      this.from = from;
    }

    @Override
    void run(Core c) {
      push(c, Native.get32(from));
    }
  }

  static final class PushConstantFlat extends Op {
    private final int value;

    PushConstantFlat(int value) {
      this.value = value;
    }

    @Override
    void run(Core c) {
      push(c, value);
    }
  }

  static final class PopFlat extends Op {
    private final long to;

    PopFlat(long to) {
      this.to = to;
    }

    @Override
    void run(Core c) {
      int value = pop(c);
      Native.set32(to, value);
    }
  }

  static final class Push extends Op {
    private final int size;
    private final Operand from;

    Push(int size, Operand from) {
      this.size = size;
      this.from = from;
    }

    @Override
    void run(Core c) {
      c.push(size, from.value(c));
    }
  }

  static final class PushSegment extends Op {
    private final int size;
    private final int segment;

    PushSegment(int size, int segment) {
      this.size = size;
      this.segment = segment;
    }

    @Override
    void run(Core c) {
      // AMD's way, and the manual's. Intel's processors leave the upper half of a 32-bit slot as it was.
      c.push(size, c.segments.selector(segment));
    }
  }

  static final class Pop extends Op {
    private final int size;
    private final Operand to;

    /** to computes its address with ESP already moved, see Binder. */
    Pop(int size, Operand to) {
      this.size = size;
      this.to = to;
    }

    @Override
    void run(Core c) {
      int value = c.peekStack(0, size);
      int esp = c.get(ESP);
      if (to instanceof Operand.Memory) {
        to.set(c, value);
        c.esp(esp + size);
      } else {
        c.esp(esp + size);
        to.set(c, value);
      }
    }
  }

  static final class PopSegment extends Op {
    private final int size;
    private final int segment;

    PopSegment(int size, int segment) {
      this.size = size;
      this.segment = segment;
    }

    @Override
    void run(Core c) {
      int selector = c.peekStack(0, size);
      int esp = c.get(ESP) + size;
      int width = c.stackMask();
      c.segments.load(segment, selector);
      // ESP moves by the width the stack had before SS changed.
      if (width == -1) c.set(ESP, esp);
      else Native.set16(c.state + ESP, esp);
      if (segment == SS) c.shadow = true;
    }
  }

  static final class PushAll extends Op {
    private final int size;

    PushAll(int size) {
      this.size = size;
    }

    @Override
    void run(Core c) {
      c.probePushes(8, size);
      int esp = c.get(ESP);
      for (int register = 0; register < 8; register++) c.push(size, register == 4 ? esp : c.get(EAX + 8 * register));
    }
  }

  static final class PopAll extends Op {
    private final int size;

    PopAll(int size) {
      this.size = size;
    }

    @Override
    void run(Core c) {
      int[] values = new int[8];
      for (int n = 0; n < 8; n++) values[n] = c.peekStack(n, size);
      for (int n = 0; n < 8; n++) if (n != 3) Size.store(size, c.state + EAX + 8 * (7 - n), values[n]);
      c.pop(8 * size);
    }
  }

  static final class PushFlags extends Op {
    private final int size;

    PushFlags(int size) {
      this.size = size;
    }

    @Override
    void run(Core c) {
      c.push(size, Flags.all(c.state) & ~(Flags.VM | Flags.RF));
    }
  }

  /** POPF: what may change depends on CPL and IOPL, silently (SDM vol. 2, POPF). */
  static final class PopFlags extends Op {
    private final int size;

    PopFlags(int size) {
      this.size = size;
    }

    @Override
    void run(Core c) {
      int value = c.peekStack(0, size);
      c.pop(size);
      changeFlags(c, value, size);
    }
  }

  static void changeFlags(Core c, int value, int size) {
    int may = Flags.ARITHMETIC | Flags.TF | Flags.DF | Flags.NT;
    if (size == 4) may |= Flags.AC | Flags.ID;
    if (c.cpl() == 0) may |= Flags.IOPL;
    if (c.cpl() <= c.iopl()) may |= Flags.IF;
    int old = Flags.all(c.state);
    Flags.setAll(c.state, old & ~may & ~Flags.RF | value & may);
    if (((old ^ value) & may & Flags.AC) != 0) c.changeMode();
  }

  static final class Enter extends Op {
    private final int size;
    private final int bytes;
    private final int level;

    Enter(int size, int bytes, int level) {
      this.size = size;
      this.bytes = bytes;
      this.level = level & 31;
    }

    @Override
    void run(Core c) {
      int mask = c.stackMask();
      int esp = c.get(ESP);
      int ebp = c.get(EBP);
      c.probePushes(level == 0 ? 1 : level + 1, size);
      for (int i = 1; i < level; i++) c.mmu.probeRead(c.segments.check(SS, ebp - i * size & mask, size, false), size);
      int frame = esp - size & mask;
      int last = frame - (level == 0 ? 0 : level * size) - bytes & mask;
      // The processor checks that the new top of stack could be written.
      c.mmu.probeWrite(c.segments.check(SS, last, size, true), size);
      c.push(size, ebp);
      // One by one: a pushed frame pointer may be the next one read.
      for (int i = 1; i < level; i++) {
        int linear = c.segments.check(SS, ebp - i * size & mask, size, false);
        c.push(size, size == 4 ? c.mmu.read32(linear) : c.mmu.read16(linear));
      }
      if (level > 0) c.push(size, frame);
      if (size == 4 && mask == -1) c.set(EBP, frame);
      else Native.set16(c.state + EBP, frame);
      c.esp(last);
    }
  }

  static final class Leave extends Op {
    private final int size;

    Leave(int size) {
      this.size = size;
    }

    @Override
    void run(Core c) {
      int ebp = c.get(EBP);
      int linear = c.segments.check(SS, ebp & c.stackMask(), size, false);
      int value = size == 4 ? c.mmu.read32(linear) : c.mmu.read16(linear);
      c.esp(ebp + size);
      Size.store(size, c.state + EBP, value);
    }
  }

  static final class LeaveFlat extends Op {
    @Override
    void run(Core c) {
      int ebp = c.get(EBP);
      int value = c.mmu.read32(ebp);
      c.set(ESP, ebp + 4);
      c.set(EBP, value);
    }
  }
}
