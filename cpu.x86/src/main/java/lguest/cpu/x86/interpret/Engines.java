package lguest.cpu.x86.interpret;

import java.lang.System.Logger.Level;
import lguest.cpu.x86.Engine;
import lguest.cpu.x86.Exit;
import lguest.cpu.x86.state.GuestFault;
import lguest.cpu.x86.translate.Translator;

/** Which of the engines runs what comes next: the interpreter, the translator, or both in lockstep. */
final class Engines {
  private final Core c;
  private final Loop loop;
  /** Null when this processor only interprets. */
  final Translator translator;
  private final Lockstep lockstep;
  /** Both engines must see the same: requests of other threads wait, and the time stamp counter stands still. */
  private boolean isolated;
  private long frozenTime;

  Engines(Core c, Loop loop, long memorySize) {
    this.c = c;
    this.loop = loop;
    Engine engine = c.config.engine();
    translator = engine != Engine.INTERPRET ? Translator.create(c, c.state, memorySize).orElse(null) : null;
    if (engine != Engine.INTERPRET && translator == null) {
      System.getLogger("lguest.cpu.x86").log(Level.INFO, "no code can be emitted here ({0}): the guest is interpreted", System.getProperty("os.arch"));
    }
    lockstep = engine == Engine.CHECK && translator != null ? new Lockstep(c, this) : null;
    if (lockstep != null) translator.separate();
  }

  Exit run(long maxInstructions) {
    long limit = loop.retired + maxInstructions;
    if (limit < 0) limit = Long.MAX_VALUE;
    if (lockstep != null) return check(limit);
    return translator == null ? interpret(limit) : translate(limit);
  }

  /** While both engines do the same, nobody else changes anything. */
  boolean isolated() {
    return isolated;
  }

  long time() {
    return isolated ? frozenTime : c.config.timestampCounter().getAsLong();
  }

  /** Both engines, as {@link Engine#CHECK} says. */
  private Exit check(long limit) {
    for (;;) {
      if (c.requested()) return Exit.REQUESTED;
      if (loop.retired >= limit) return Exit.BUDGET;
      int length;
      try {
        length = translator.next();
      } catch (GuestFault f) {
        loop.fault(f, 0);
        return c.exit;
      }
      isolated = true;
      frozenTime = c.config.timestampCounter().getAsLong();
      long until = Math.min(Math.max(1, Math.abs(length)), limit - loop.retired);
      try {
        Exit answer = length > 0 ? lockstep.run(until) : translate(loop.retired + until);
        if (answer != Exit.BUDGET) return answer;
      } finally {
        isolated = false;
      }
    }
  }

  long retired() {
    return loop.retired;
  }

  /** As if nothing had been run since. */
  void rewind(long instructions) {
    loop.retired = instructions;
    c.exit = null;
  }

  Exit interpret(long limit) {
    return loop.runUntil(limit);
  }

  /** The last instructions before {@code limit} are interpreted, and some after a request: emitted code leaves flags open that will be overwritten unseen, but whoever looks between runs sees them. */
  Exit translate(long limit) {
    int reserve = lockstep == null ? Translator.SETTLED : 0;
    for (;;) {
      boolean open = reserve != 0 && !translator.flagsSettled();
      if (!open && c.requested()) return Exit.REQUESTED;
      if (loop.retired >= limit) return Exit.BUDGET;
      if (open && c.requestPending() || limit - loop.retired <= reserve) {
        step();
        if (c.exit != null) return c.exit;
        continue;
      }
      boolean progress;
      try {
        progress = translator.run(limit - loop.retired - reserve);
      } catch (GuestFault f) {
        loop.fault(f, 0);
        progress = true;
      }
      if (translator.faulted()) {
        loop.fault(c.fault, 0);
        progress = true;
      }
      loop.retired += translator.retired();
      loop.publish();
      if (!progress) step();
      if (c.exit != null) return c.exit;
    }
  }

  /** One instruction, interpreted. */
  private void step() {
    try {
      translator.aboutToStep();
      loop.stepOver();
    } catch (GuestFault f) {
      loop.fault(f, 0);
    }
    loop.publish();
  }
}
