package lguest.cpu.x86.interpret;

import static lguest.cpu.x86.state.CpuState.*;

import lguest.cpu.x86.mmu.Breakpoints;
import lguest.cpu.x86.state.Flags;
import lguest.cpu.x86.state.GuestFault;

/** Instructions one by one, because a trap may follow each: TF is set, or breakpoints are (SDM vol. 3, 17.2 and 17.3). */
final class Stepper {
  /** DR6: the trap of TF. */
  private static final int SINGLE_STEP = 1 << 14;

  private final Core c;
  private final Loop loop;
  /** Null while DR7 sets none. */
  private Breakpoints breakpoints;
  /** DR6 bits of data breakpoints met by an instruction that holds off traps. */
  private int heldHits;

  Stepper(Core c, Loop loop) {
    this.c = c;
    this.loop = loop;
  }

  boolean steps() {
    return breakpoints != null || (c.get(EFLAGS) & Flags.TF) != 0;
  }

  boolean breaks() {
    return breakpoints != null;
  }

  /** DR7 or an address has changed. */
  void debugRegistersChanged() {
    breakpoints = Breakpoints.of(c.state);
    c.mmu.breakpoints(breakpoints);
  }

  /**
   * One instruction, and the trap behind it. RF lets it pass its own breakpoint; it is
   * gone when the instruction has completed, unless that was an IRET which brought a new one.
   */
  void step() {
    long before = loop.retired;
    int flags = c.get(EFLAGS);
    c.shadow = loop.paused = false;
    if (breakpoints != null) {
      int stops = (flags & Flags.RF) != 0 ? 0 : breakpoints.atInstruction(c.segments.base(CS) + c.eip());
      if (stops != 0) {
        debugException(stops);
        return;
      }
      breakpoints.take();
      c.set(EFLAGS, flags & ~Flags.RF);
    }
    try {
      loop.interpret(loop.single());
    } catch (GuestFault f) {
      loop.fault(f, 0);
    }
    loop.publish();
    boolean completed = c.exit == null && (loop.retired != before || loop.paused);
    if (!completed) {
      c.set(EFLAGS, c.get(EFLAGS) | flags & Flags.RF);
      return;
    }
    int hits = (breakpoints == null ? 0 : breakpoints.take()) | heldHits;
    heldHits = c.shadow ? hits : 0;
    if (c.shadow) return;
    if ((flags & Flags.TF) != 0) hits |= SINGLE_STEP;
    if (hits != 0) debugException(hits);
  }

  /** DR6 says why; its bits are never cleared here. */
  private void debugException(int why) {
    c.set(DR + 6 * 8, c.get(DR + 6 * 8) | why);
    loop.fault(c.fault.plain(GuestFault.DB), 0);
  }
}
