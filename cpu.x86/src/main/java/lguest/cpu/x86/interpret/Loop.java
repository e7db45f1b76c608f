package lguest.cpu.x86.interpret;

import static lguest.cpu.x86.state.CpuState.*;

import lguest.cpu.x86.Exit;
import lguest.cpu.x86.state.GuestFault;
import lguest.cpu.x86.state.Mode;
import lguest.cpu.x86.state.Native;

/**
 * The interpreter's loop.
 *
 * <p>
 * Tour 5.7: The loop
 *
 * <p>Find the block at EIP, run its instructions, let its end name the next. Between blocks one word is looked at: does
 * anybody want us to stop? A fault is a Java exception, and the
 * index of the running instruction tells its EIP, so the fast path keeps no EIP at all.
 */
final class Loop {
  private final Core c;
  private final BlockBuilder builder;
  private final Stepper stepper;
  /** A repeated string instruction has done some of its elements and left. */
  boolean paused;
  /** Instructions retired so far; published to the state block between blocks. */
  long retired;

  Loop(Core c) {
    this.c = c;
    builder = new BlockBuilder(c);
    stepper = new Stepper(c, this);
  }

  Stepper stepper() {
    return stepper;
  }

  /** Runs until so many instructions have been retired, or something else ends it. */
  Exit runUntil(long limit) {
    Block b = null;
    for (;;) {
      if (c.requested()) {
        if (b != null) c.eip(b.eip);
        return Exit.REQUESTED;
      }
      if (b == null) {
        if (retired >= limit) return Exit.BUDGET;
        if (stepper.steps()) {
          stepper.step();
          if (c.exit != null) return c.exit;
          continue;
        }
        b = locate(limit - retired);
        if (b == null) return c.exit;
      } else if (retired + b.instructions > limit) {
        c.eip(b.eip);
        b = null;
        continue;
      }
      b = execute(b);
      publish();
      if (c.exit != null) return c.exit;
    }
  }

  void publish() {
    Native.set64(c.state + INSTRUCTIONS, retired);
  }

  /** Just the instruction at EIP, as a block that is not kept. Fetching it may fault. */
  Block single() {
    return builder.locate(c.eip(), true);
  }

  /** The block at EIP, of at most so many instructions; null when fetching it faults. */
  private Block locate(long left) {
    try {
      int eip = c.eip();
      Block b = c.cache.jump(eip, c.mode);
      if (b == null || b.generation != c.generation) b = builder.locate(eip, (c.mode & Mode.CS_FLAT) == 0);
      return b.instructions > left ? builder.locate(eip, true) : b;
    } catch (GuestFault f) {
      fault(f, 0);
      return null;
    }
  }

  /** One instruction that is not for the translator: an odd mode, single-stepping, the last few of a budget. */
  void stepOver() {
    if (stepper.steps()) {
      stepper.step();
      return;
    }
    try {
      interpret(single());
    } catch (GuestFault f) {
      fault(f, 0);
    }
  }

  /** Runs one block and leaves EIP where it goes on. */
  void interpret(Block b) {
    Block next = execute(b);
    if (next != null) c.eip(next.eip);
  }

  /** Runs one block. Returns the next, or null with EIP stored. */
  private Block execute(Block b) {
    Op[] ops = b.ops;
    int i = 0;
    try {
      for (; i < ops.length; i++) ops[i].run(c);
      int instructions = b.instructions;
      Block next = b.end.run(c);
      retired += instructions;
      return next;
    } catch (GuestFault f) {
      c.eip(b.eips[i]);
      fault(f, i);
    } catch (RuntimeException e) {
      paused = e == Strings.PAUSE;
      if (e != Block.GONE && !paused) throw e;
      c.eip(b.eips[i]);
      retired += i;
    }
    return null;
  }

  /** The run ends with a fault, behind so many instructions of the block that were completed. */
  void fault(GuestFault f, int done) {
    retired += done;
    c.exit = f.exit;
    if (f.exit == Exit.EXCEPTION && f.vector == GuestFault.PF) Native.set32(c.state + CR2, f.address);
  }
}
