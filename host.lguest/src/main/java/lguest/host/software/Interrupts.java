package lguest.host.software;

import java.util.concurrent.atomic.AtomicInteger;

/**
 * Tour 4.5: Interrupting a guest
 *
 * <p>The virtual interrupt controller, 32 lines, and the timer on line 0.
 *
 * <p>A guest says whether it wants interrupts by plain stores into {@link GuestData}, which cost it nothing and tell the Host
 * nothing. So the Host looks before each entry (ABI §5.5), and while something waits it comes back soon to look again.
 */
final class Interrupts {
  static final int LINES = 32, TIMER = 0;

  /** What the last look found. */
  enum Waiting {
    /** Nothing waits. */
    NOTHING,
    /** An interrupt waits for the guest to turn interrupts on: a matter of microseconds, as a rule. */
    BRIEFLY,
    /** One waits that the guest has masked, perhaps for good, or has no gate for. */
    LONG
  }

  private final AtomicInteger pending = new AtomicInteger();
  private final GuestData data;
  private final Traps traps;
  private final Statistics statistics;

  /** Whether something was left pending at the last look. */
  private volatile boolean refused;

  /** The guest sleeps until an interrupt. */
  private boolean halted;
  private long timerDeadline = AlarmClock.NEVER;

  Interrupts(GuestData data, Traps traps, Statistics statistics) {
    this.data = data;
    this.traps = traps;
    this.statistics = statistics;
  }

  /**
   * Makes a line pending. Any thread; waking the guest is the caller's, if this says so: for a line that has been pending already
   * somebody has done that, unless the guest has looked since and could not take it.
   */
  boolean raise(int irq) {
    int line = 1 << irq;
    return (pending.getAndUpdate(lines -> lines | line) & line) == 0 || refused;
  }

  /** HALT. */
  void halt() { halted = true; }

  boolean halted() { return halted; }

  /** SET_CLOCKEVENT: at this time of the {@link AlarmClock}, or never. */
  void setTimer(long deadline) { timerDeadline = deadline; }

  long timerDeadline() { return timerDeadline; }

  /** Raises the timer's line if its time has come. */
  void tick(long now) {
    if (timerDeadline > now) return;
    timerDeadline = AlarmClock.NEVER;
    raise(TIMER);
  }

  /** Delivers at most one interrupt. {@code eip} is where the guest would go on. */
  Waiting deliver(int eip) {
    Waiting left = tryToDeliver(eip);
    boolean now = left != Waiting.NOTHING;
    if (now != refused) refused = now;
    return left;
  }

  private Waiting tryToDeliver(int eip) {
    int lines = pending.get();
    if (lines == 0 || !data.known()) return Waiting.NOTHING;
    int candidates = lines & ~data.blockedInterrupts();
    if (candidates == 0) return Waiting.LONG;
    if (data.noInterruptsAt(eip)) return Waiting.BRIEFLY;
    if (halted) {
      halted = false;
      data.interruptFlag(GuestData.INTERRUPTS_ON);
    } else if (data.interruptFlag() == 0) {
      return Waiting.BRIEFLY;
    }
    int irq = Integer.numberOfTrailingZeros(candidates);
    Gates.Gate gate = traps.gates.gate(Gates.FIRST_INTERRUPT + irq);
    if (gate != null) {
      pending.getAndUpdate(now -> now & ~(1 << irq));
      traps.enter(gate, false, 0);
      statistics.interrupt(irq);
    }
    data.timeIsNow();
    if (gate == null) return Waiting.LONG;
    return candidates == 1 << irq ? lines == candidates ? Waiting.NOTHING : Waiting.LONG : Waiting.BRIEFLY;
  }
}
