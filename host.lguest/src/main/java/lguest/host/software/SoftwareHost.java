package lguest.host.software;

import java.util.Map;
import java.util.Optional;
import java.util.concurrent.atomic.AtomicReference;
import lguest.cpu.x86.Cpu;
import lguest.cpu.x86.CpuConfig;
import lguest.cpu.x86.CpuModel;
import lguest.cpu.x86.Engine;
import lguest.cpu.x86.Exit;
import lguest.cpu.x86.Registers;
import lguest.host.Host;
import lguest.host.HostConfig;
import lguest.host.Sleeper;

/**
 * Tour 4.2: Running a guest
 *
 * <p>One guest's Host.
 *
 * <p>The loop below is the heart of lguest, and hardly changed (ABI §8.5): do what the guest has asked for; stop if that or
 * somebody else wants the Launcher; deliver an interrupt; sleep if the guest sleeps; else let it run until the processor comes
 * back with something it leaves to us. Around it stand the few things other threads may do: raise an interrupt, break in, tell
 * of memory they have written. They leave a note and nudge the guest's thread, which reads the notes on its
 * next round.
 */
final class SoftwareHost implements Host {
  /**
   * Instructions until a busy guest gets its timer set on the alarm clock: an idle one is asleep again by then and needs none.
   */
  private static final long FIRST_SLICE = 4096;

  /** So often, and for so long, a guest that has slept is entered for {@link #FIRST_SLICE} at most; a guest that is still awake after that is busy. */
  private static final int SHORT_ENTRIES = 32;
  private static final long SHORT_NANOS = 500_000;

  /**
   * Instructions between two looks while an interrupt waits for the guest to turn interrupts on, and the longest time between
   * two looks.
   */
  private static final long SHORT_SLICE = 1000, LOOK_AGAIN_NANOS = 800_000;

  /** Guests may use no large pages, and kernel mode is not ring 0, where SYSENTER would go (ABI §7, §5.10). */
  private static final CpuModel MODEL = CpuModel.pentium4().without(CpuModel.PSE | CpuModel.SEP);
  /** Protection, coprocessor monitored, its errors by #MF, WP for the kernel too, alignment checks, paging (ABI §4.7). */
  private static final int CR0 = 0x8005_0033, CR4_OSFXSR_OSXMMEXCPT = 0x600, EFLAGS = 0x202;

  final int guestId;
  final AlarmClock clock;
  final Statistics statistics = new Statistics();
  private final GuestTime guestTime = GuestTime.wanted() ? new GuestTime() : null;
  final Segments segments = new Segments();
  final Cpu cpu;
  final Ram ram;
  final GuestData data;
  final PageTables pageTables;
  final Traps traps;
  final Interrupts interrupts;
  final Dma dma;
  private final Hypercalls hypercalls;
  private final Registers registers;
  private final AlarmClock.Alarm alarm;
  private final Sleeper sleeper;
  /** How often it was entered since it slept, as far as that matters; and since when it is awake. */
  private int entries = SHORT_ENTRIES;
  private long awakeSince;

  /** Why the guest is dead; the first reason stays. */
  private final AtomicReference<String> reason = new AtomicReference<>();
  private volatile boolean breaking;

  /** The thread inside {@link #run}, if any: whom to wake. */
  private volatile Thread runner;

  /** Held by other threads while they touch the processor, so that it cannot be closed under them. */
  private final Object processorInUse = new Object();
  private boolean closed;
  private long finalInstructions;

  SoftwareHost(HostConfig config, Engine engine, AlarmClock clock, DmaExchange exchange) {
    guestId = config.guestId();
    sleeper = config.sleeper();
    this.clock = clock;
    CpuConfig processor = new CpuConfig(MODEL, segments, clock::now, PageTables.SWITCHER,
        PageTables.DIRECTORY_FORBIDDEN, PageTables.TABLE_FORBIDDEN, engine);
    cpu = new Cpu(config.memory().segment(), processor);
    registers = cpu.registers();
    ram = new Ram(config.memory().segment(), cpu);
    data = new GuestData(ram);
    pageTables = new PageTables(cpu, ram, (int) config.pageOffset(), (int) config.pageDirectory());
    traps = new Traps(cpu, data, pageTables, statistics);
    interrupts = new Interrupts(data, traps, statistics);
    dma = new Dma(this, config.memory(), ram, exchange, statistics);
    hypercalls = new Hypercalls(this);
    alarm = clock.newAlarm(this::nudge);
    registers.cr4(CR4_OSFXSR_OSXMMEXCPT);
    registers.cr0(CR0);
    Segments.enterKernel(cpu);
    registers.eflags(EFLAGS);
    registers.eip((int) config.start());
  }

  @Override public Outcome run() {
    if (closed) throw new IllegalStateException("this Host is closed");
    runner = Thread.currentThread();
    boolean interrupted = false;
    try {
      while (true) {
        // Before anything it has asked for: a call that waits behind the one it died of is not made.
        if (reason.get() != null) return new Outcome.Dead(reason.get());
        Outcome.Dma dma = hypercalls.service();
        if (dma != null) return dma;
        if (breaking) return new Outcome.Break();
        if (interrupts.timerDeadline() != AlarmClock.NEVER) interrupts.tick(clock.now());
        Interrupts.Waiting waiting = interrupts.deliver(registers.eip());
        if (!interrupts.halted()) {
          enterGuest(waiting);
        } else {
          interrupted |= Thread.interrupted(); // an interrupted thread cannot sleep
          sleep();
        }
      }
    } catch (GuestKilled killed) {
      kill(killed.getMessage());
      return new Outcome.Dead(reason.get());
    } finally {
      runner = null;
      if (interrupted) Thread.currentThread().interrupt();
    }
  }

  /** Runs the guest until it needs something, or until its timer or a waiting interrupt wants another look. */
  private void enterGuest(Interrupts.Waiting waiting) {
    long lookAgain = interrupts.timerDeadline();
    if (waiting != Interrupts.Waiting.NOTHING) lookAgain = Math.min(lookAgain, clock.now() + LOOK_AGAIN_NANOS);
    if (entries < SHORT_ENTRIES && (++entries == SHORT_ENTRIES || clock.now() - awakeSince > SHORT_NANOS)) {
      entries = SHORT_ENTRIES;
      sleeper.busy();
    }
    long slice = waiting == Interrupts.Waiting.BRIEFLY ? SHORT_SLICE : entries == SHORT_ENTRIES && alarm.ringsBy(lookAgain) ? Long.MAX_VALUE : FIRST_SLICE;
    // A program that calls its kernel has interrupts on: a good moment.
    cpu.holdSystemCalls(waiting == Interrupts.Waiting.BRIEFLY);
    if (guestTime != null) guestTime.enter();
    Exit exit = cpu.run(slice);
    if (guestTime != null) guestTime.leave();
    statistics.exit(exit);
    switch (exit) {
      case BUDGET -> { if (entries == SHORT_ENTRIES) alarm.ringBy(lookAgain); }
      case REQUESTED -> { }
      case EXCEPTION -> traps.exception();
      case SOFTWARE_INTERRUPT -> { if (traps.softwareInterrupt()) hypercalls.called(); }
      case HALT -> throw new IllegalStateException("guest at privilege level 0, EIP %#x".formatted(registers.eip()));
      case BAD_PAGE_DIRECTORY_ENTRY -> throw pageTables.badDirectoryEntryFor(cpu.faultAddress());
      case BAD_PAGE_TABLE_ENTRY -> throw PageTables.badTableEntry();
    }
  }

  /** HALT: until the timer, or until {@link #nudge} ends it. */
  private void sleep() {
    statistics.event(Statistics.Event.HALTS);
    long deadline = interrupts.timerDeadline(), nanos = deadline == AlarmClock.NEVER ? Sleeper.FOR_EVER : deadline - clock.now();
    if (nanos <= 0) return;
    sleeper.sleep(nanos);
    entries = 0;
    awakeSince = clock.now();
  }

  /** Makes the guest's thread look at what has changed, wherever it is. Any thread. */
  private void nudge() {
    Thread thread = runner;
    if (thread == null || thread == Thread.currentThread()) return; // it looks when it comes (back) to it
    synchronized (processorInUse) {
      if (!closed) cpu.requestExit();
    }
    sleeper.wake();
  }

  /** Ends the guest for what another guest found in its memory. Any thread. */
  void kill(String why) {
    reason.compareAndSet(null, why);
    nudge();
  }

  Ram ram() { return ram; }

  @Override public void interrupt(int irq) {
    if (irq < 0 || irq >= Interrupts.LINES) throw new IllegalArgumentException("interrupt " + irq + " of 0 to " + (Interrupts.LINES - 1));
    if (interrupts.raise(irq)) nudge();
  }

  @Override public void breakIn() {
    breaking = true;
    nudge();
  }

  @Override public void release() { breaking = false; }

  @Override public Optional<DmaBuffer> getDma(long key) {
    if (closed || reason.get() != null) return Optional.empty();
    try {
      return dma.offered(key);
    } catch (GuestKilled killed) {
      kill(killed.getMessage());
      return Optional.empty();
    }
  }

  @Override public void memoryWritten(long address, long length) {
    synchronized (processorInUse) {
      if (!closed) cpu.memoryWritten(address, length);
    }
  }

  @Override public long instructions() {
    synchronized (processorInUse) {
      return closed ? finalInstructions : cpu.instructions();
    }
  }

  @Override public Map<String, Long> statistics() {
    Map<String, Long> all = statistics.snapshot();
    if (guestTime != null) all.put("guest_nanos", guestTime.nanos());
    if (cpu.systemCalls() != 0) all.merge("trap." + Gates.SYSTEM_CALL, cpu.systemCalls(), Long::sum);
    cpu.statistics().translator().forEach((name, value) -> all.put("cpu." + name, value));
    return all;
  }

  @Override public void close() {
    if (closed) return;
    dma.unbindAll();
    alarm.close();
    synchronized (processorInUse) {
      finalInstructions = cpu.instructions();
      closed = true;
      cpu.close();
    }
  }
}
