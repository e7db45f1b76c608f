package lguest.cpu.x86.interpret;

import static lguest.cpu.x86.state.CpuState.*;

import lguest.cpu.x86.state.Flags;
import lguest.cpu.x86.state.GuestFault;
import lguest.cpu.x86.state.Native;

/**
 * Enters an exception or interrupt handler.
 *
 * <p>
 * Tour 5.10: Into the handler
 *
 * <p>The processor never decides that something happens: it stops, precisely, and the Host says what the guest shall see of
 * it. Then this writes the frame that a gate
 * would have written, on the stack that a task state segment would have named. The frame is checked and written as a whole,
 * and only then do the registers change, so a
 * guest without a stack is found out before anything of it is lost.
 */
final class Delivery {
  private final Core c;

  Delivery(Core c) {
    this.c = c;
  }

  boolean deliver(int selector, int offset, int eflags, boolean pushErrorCode, int errorCode) {
    int level = selector & 3;
    boolean inner = level < c.cpl();
    boolean user = c.mmu.user();
    try {
      long code = c.segments.descriptor(selector);
      if (!Segments.has(code, Segments.USER | Segments.CODE | Segments.PRESENT) || level > c.cpl()) return false;
      int oldSs = c.segments.selector(SS);
      int oldEsp = c.get(ESP);
      int innerSs = c.get(INNER_SS);
      long stack = inner ? c.segments.forStack(innerSs, level, GuestFault.TS) : 0;
      int esp = inner ? c.get(INNER_ESP) : oldEsp;
      int words = (inner ? 5 : 3) + (pushErrorCode ? 1 : 0);
      // A 16-bit stack segment wraps at 64 KiB; handlers have 32-bit ones, so only the inner stack's width matters here.
      int mask = inner ? Segments.has(stack, Segments.BIG) ? -1 : 0xFFFF : c.stackMask();
      int base = inner ? Segments.baseOf(stack) : c.segments.base(SS);
      int bottom = esp - 4 * words & mask;
      if (!inner) c.segments.check(SS, bottom, 4 * words, true);
      c.mmu.setUser(level == 3);
      c.mmu.probeWrite(base + bottom, 4 * words);
      int at = base + bottom;
      if (pushErrorCode) at = put(at, errorCode);
      at = put(at, c.eip());
      at = put(at, c.segments.selector(CS));
      at = put(at, eflags);
      if (inner) {
        at = put(at, oldEsp);
        put(at, oldSs);
        c.segments.set(SS, innerSs, stack);
      }
      if (mask == -1) c.set(ESP, bottom);
      else Native.set16(c.state + ESP, bottom);
      c.segments.set(CS, selector, code);
      c.cpl(level);
      c.eip(offset);
      c.setEflags(c.eflags() & ~(Flags.TF | Flags.NT | Flags.RF | Flags.VM));
      return true;
    } catch (GuestFault f) {
      c.mmu.setUser(user);
      return false;
    }
  }

  private int put(int linear, int value) {
    c.mmu.write32(linear, value);
    return linear + 4;
  }
}
