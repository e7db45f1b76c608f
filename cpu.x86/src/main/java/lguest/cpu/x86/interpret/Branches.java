package lguest.cpu.x86.interpret;

import static lguest.cpu.x86.state.CpuState.*;

import lguest.cpu.x86.Exit;
import lguest.cpu.x86.decode.Mnemonic;
import lguest.cpu.x86.state.Flags;
import lguest.cpu.x86.state.GuestFault;
import lguest.cpu.x86.state.Native;

/** Near jumps, calls, returns, loops, software interrupts. */
final class Branches {
  private Branches() {}

  static final class Jump extends End {
    private final Link target;

    Jump(Link target) {
      this.target = target;
    }

    @Override
    Block run(Core c) {
      return target.follow(c);
    }
  }

  static final class Conditional extends End {
    private final int condition;
    private final Link taken;
    private final Link next;

    Conditional(int condition, Link taken, Link next) {
      this.condition = condition;
      this.taken = taken;
      this.next = next;
    }

    @Override
    Block run(Core c) {
      return Flags.condition(c.state, condition) ? taken.follow(c) : next.follow(c);
    }
  }

  /** LOOP, LOOPE, LOOPNE, JCXZ: the counter has the address size. */
  static final class Loop extends End {
    private final Mnemonic kind;
    private final int counterSize;
    private final Link taken;
    private final Link next;

    Loop(Mnemonic kind, int counterSize, Link taken, Link next) {
      this.kind = kind;
      this.counterSize = counterSize;
      this.taken = taken;
      this.next = next;
    }

    @Override
    Block run(Core c) {
      int count = Size.load(counterSize, c.state + ECX);
      if (kind != Mnemonic.JCXZ) {
        count--;
        Size.store(counterSize, c.state + ECX, count);
      }
      boolean zero = Size.zeroExtend(counterSize, count) == 0;
      boolean yes = switch (kind) {
        case JCXZ -> zero;
        case LOOP -> !zero;
        case LOOPE -> !zero && Flags.zero(c.state);
        default -> !zero && !Flags.zero(c.state);
      };
      return yes ? taken.follow(c) : next.follow(c);
    }
  }

  /** CALL to a known target; flat 32-bit stack. */
  static final class CallFlat extends End {
    private final int back;
    private final Link target;

    CallFlat(int back, Link target) {
      this.back = back;
      this.target = target;
    }

    @Override
    Block run(Core c) {
      Stack.push(c, back);
      return target.follow(c);
    }
  }

  static final class Call extends End {
    private final int size;
    private final int back;
    private final int target;

    Call(int size, int back, int target) {
      this.size = size;
      this.back = back;
      this.target = target;
    }

    @Override
    Block run(Core c) {
      c.checkTarget(target);
      c.push(size, back);
      return c.find(target);
    }
  }

  static final class CallIndirect extends End {
    private final int size;
    private final int back;
    private final Operand target;

    CallIndirect(int size, int back, Operand target) {
      this.size = size;
      this.back = back;
      this.target = target;
    }

    @Override
    Block run(Core c) {
      int to = Size.zeroExtend(size, target.value(c));
      c.checkTarget(to);
      c.push(size, back);
      return c.find(to);
    }
  }

  static final class JumpIndirect extends End {
    private final Operand target;

    JumpIndirect(Operand target) {
      this.target = target;
    }

    @Override
    Block run(Core c) {
      int to = Size.zeroExtend(target.size, target.value(c));
      c.checkTarget(to);
      return c.find(to);
    }
  }

  /** A jump in a code segment with a limit, or by 16 bits. */
  static final class JumpChecked extends End {
    private final End jump;
    private final int target;

    JumpChecked(End jump, int target) {
      this.jump = jump;
      this.target = target;
    }

    @Override
    Block run(Core c) {
      c.checkTarget(target);
      return jump.run(c);
    }
  }

  static final class ReturnFlat extends End {
    private final int extra;

    ReturnFlat(int extra) {
      this.extra = extra;
    }

    @Override
    Block run(Core c) {
      long esp = c.state + ESP;
      int top = Native.get32(esp);
      int to = c.mmu.read32(top);
      Native.set32(esp, top + 4 + extra);
      return c.find(to);
    }
  }

  static final class Return extends End {
    private final int size;
    private final int extra;

    Return(int size, int extra) {
      this.size = size;
      this.extra = extra;
    }

    @Override
    Block run(Core c) {
      int to = c.peekStack(0, size);
      c.checkTarget(to);
      c.pop(size + extra);
      return c.find(to);
    }
  }

  /** INT n, INT3, INT1: the Host decides. */
  static final class Interrupt extends End {
    private final int vector;
    private final int eip;
    private final int length;

    Interrupt(int vector, int eip, int length) {
      this.vector = vector;
      this.eip = eip;
      this.length = length;
    }

    @Override
    Block run(Core c) {
      if (c.shortcuts.interrupt(vector, eip + length)) return null;
      return c.leave(Exit.SOFTWARE_INTERRUPT, vector, eip, length);
    }
  }

  static final class InterruptOnOverflow extends End {
    private final int eip;
    private final int length;
    private final Link next;

    InterruptOnOverflow(int eip, int length, Link next) {
      this.eip = eip;
      this.length = length;
      this.next = next;
    }

    @Override
    Block run(Core c) {
      if ((Flags.arithmetic(c.state) & Flags.OF) == 0) return next.follow(c);
      return c.leave(Exit.SOFTWARE_INTERRUPT, GuestFault.OF, eip, length);
    }
  }

  /** An instruction that is only a fault. */
  static final class Raise extends End {
    private final int vector;
    private final boolean withCode;

    Raise(int vector, boolean withCode) {
      this.vector = vector;
      this.withCode = withCode;
    }

    @Override
    Block run(Core c) {
      throw withCode ? c.fault.withCode(vector, 0) : c.fault.plain(vector);
    }
  }

  static final class Bound extends Op {
    private final Operand index;
    private final Ea ea;

    Bound(Operand index, Ea ea) {
      this.index = index;
      this.ea = ea;
    }

    @Override
    void run(Core c) {
      int size = index.size;
      int first = ea.linear(c, 0, size, false);
      int second = ea.linear(c, size, size, false);
      int low = size == 4 ? c.mmu.read32(first) : c.mmu.read16(first);
      int high = size == 4 ? c.mmu.read32(second) : c.mmu.read16(second);
      int value = index.value(c);
      if (value < low || value > high) throw c.fault.plain(GuestFault.BR);
    }
  }
}
