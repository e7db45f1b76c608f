package lguest.cpu.x86.interpret;

import static lguest.cpu.x86.interpret.Segments.*;
import static lguest.cpu.x86.state.CpuState.*;

import lguest.cpu.x86.state.Flags;
import lguest.cpu.x86.state.GuestFault;
import lguest.cpu.x86.state.Mode;
import lguest.cpu.x86.state.Native;

/**
 * Transfers to other code segments, with and without a change of privilege (SDM vol. 3, 5.8), and loads of far pointers. Gates
 * and task switches do not exist here: what they would serve, the
 * Host does; a selector of one gives #GP(selector).
 */
final class Far {
  private Far() {}

  /** A code segment for JMP and CALL, which keep CPL. */
  private static long forJump(Core c, int selector, int offset) {
    if ((selector & 0xFFFC) == 0) throw c.gp(0);
    long d = c.segments.descriptor(selector);
    if (!has(d, USER | CODE)) throw c.gp(selector);
    int dpl = dpl(d);
    if (has(d, EXPAND_CONFORM) ? dpl > c.cpl() : (selector & 3) > c.cpl() || dpl != c.cpl()) throw c.gp(selector);
    return present(c, selector, d, offset);
  }

  /** A code segment for RETF and IRET, which go to the selector's RPL. */
  private static long forReturn(Core c, int selector) {
    if ((selector & 0xFFFC) == 0) throw c.gp(0);
    long d = c.segments.descriptor(selector);
    int rpl = selector & 3;
    if (!has(d, USER | CODE) || rpl < c.cpl()) throw c.gp(selector);
    if (has(d, EXPAND_CONFORM) ? dpl(d) > rpl : dpl(d) != rpl) throw c.gp(selector);
    if (!has(d, PRESENT)) throw c.fault.withCode(GuestFault.NP, selector & 0xFFFC);
    return d;
  }

  private static long present(Core c, int selector, long d, int offset) {
    if (!has(d, PRESENT)) throw c.fault.withCode(GuestFault.NP, selector & 0xFFFC);
    checkLimit(c, d, offset);
    return d;
  }

  private static void checkLimit(Core c, long d, int offset) {
    if (Integer.compareUnsigned(offset, limitOf(d)) > 0) throw c.gp(0);
  }

  private static Block enter(Core c, int selector, long d, int offset) {
    c.segments.set(CS, selector & ~3 | c.cpl(), d);
    c.changeMode();
    return c.go(offset);
  }

  /** JMP and CALL to a pointer in the instruction or in memory. */
  static final class Transfer extends End {
    private final boolean call;
    private final int size;
    private final int back;
    private final Ea ea;
    private final int offset;
    private final int selector;

    Transfer(boolean call, int size, int back, Ea ea, int offset, int selector) {
      this.call = call;
      this.size = size;
      this.back = back;
      this.ea = ea;
      this.offset = offset;
      this.selector = selector;
    }

    @Override
    Block run(Core c) {
      int to = offset;
      int where = selector;
      if (ea != null) {
        where = c.mmu.read16(ea.linear(c, size, 2, false)) & 0xFFFF;
        int linear = ea.linear(c, 0, size, false);
        to = size == 4 ? c.mmu.read32(linear) : c.mmu.read16(linear) & 0xFFFF;
      }
      long d = forJump(c, where, to);
      if (call) {
        c.probePushes(2, size);
        c.push(size, c.segments.selector(CS));
        c.push(size, back);
      }
      return enter(c, where, d, to);
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
      int selector = c.peekStack(1, size) & 0xFFFF;
      return leave(c, size, 2 * size + extra, extra, selector, to);
    }
  }

  /** The common half of RETF and IRET. taken: bytes before an outer ESP and SS. */
  private static Block leave(Core c, int size, int taken, int extra, int selector, int to) {
    long code = forReturn(c, selector);
    int level = selector & 3;
    if (level == c.cpl()) {
      checkLimit(c, code, to);
      c.pop(taken);
    } else {
      int esp = peek(c, taken, size);
      int ss = peek(c, taken + size, size) & 0xFFFF;
      long stack = c.segments.forStack(ss, level);
      checkLimit(c, code, to);
      c.segments.set(SS, ss, stack);
      if (has(stack, BIG)) c.set(ESP, esp + extra);
      else Native.set16(c.state + ESP, esp + extra);
      c.cpl(level);
      c.segments.dropInner(level);
    }
    return enter(c, selector, code, to);
  }

  private static int peek(Core c, int bytes, int size) {
    int linear = c.segments.check(SS, c.get(ESP) + bytes & c.stackMask(), size, false);
    return size == 4 ? c.mmu.read32(linear) : c.mmu.read16(linear) & 0xFFFF;
  }

  static final class InterruptReturn extends End {
    private final int size;

    InterruptReturn(int size) {
      this.size = size;
    }

    @Override
    Block run(Core c) {
      // A nested task would return through its TSS's back link, and there is no task to return to.
      if ((c.get(EFLAGS) & Flags.NT) != 0) throw c.fault.withCode(GuestFault.TS, 0);
      int to = c.peekStack(0, size);
      int selector = c.peekStack(1, size) & 0xFFFF;
      int image = c.peekStack(2, size);
      if (size == 4 && c.cpl() == 0 && (image & Flags.VM) != 0) throw c.gp(0);
      int cpl = c.cpl();
      int iopl = c.iopl();
      int before = c.mode;
      Block next = leave(c, size, 3 * size, 0, selector, to);
      int may = Flags.ARITHMETIC | Flags.TF | Flags.DF | Flags.NT;
      if (size == 4) may |= Flags.AC | Flags.ID;
      if (cpl <= iopl) may |= Flags.IF;
      if (cpl == 0) may |= size == 4 ? Flags.IOPL | Flags.VIF | Flags.VIP : Flags.IOPL;
      // RF only holds off instruction breakpoints, for one instruction; while there are none it is never seen set.
      if (size == 4 && (c.mode & Mode.STEPS) != 0) may |= Flags.RF;
      c.setEflags(c.eflags() & ~(may | Flags.RF) | image & may);
      c.shortcuts.returned(before, cpl);
      return next;
    }
  }

  /** LDS, LES, LFS, LGS, LSS. */
  static final class LoadPointer extends Op {
    private final int segment;
    private final Operand to;
    private final Ea ea;

    LoadPointer(int segment, Operand to, Ea ea) {
      this.segment = segment;
      this.to = to;
      this.ea = ea;
    }

    @Override
    void run(Core c) {
      int size = to.size;
      int linear = ea.linear(c, 0, size, false);
      int offset = size == 4 ? c.mmu.read32(linear) : c.mmu.read16(linear);
      int selector = c.mmu.read16(ea.linear(c, size, 2, false)) & 0xFFFF;
      c.segments.load(segment, selector);
      to.set(c, offset);
    }
  }

  static final class LoadSegment extends Op {
    private final int segment;
    private final Operand from;

    LoadSegment(int segment, Operand from) {
      this.segment = segment;
      this.from = from;
    }

    @Override
    void run(Core c) {
      c.segments.load(segment, from.value(c) & 0xFFFF);
      if (segment == SS) c.shadow = true;
    }
  }

  /** MOV from a segment register: zero-extended into a register, 16 bits to memory. */
  static final class StoreSegment extends Op {
    private final int segment;
    private final Operand to;

    StoreSegment(int segment, Operand to) {
      this.segment = segment;
      this.to = to;
    }

    @Override
    void run(Core c) {
      to.set(c, c.segments.selector(segment));
    }
  }
}
