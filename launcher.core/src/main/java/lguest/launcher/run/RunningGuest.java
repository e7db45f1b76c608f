package lguest.launcher.run;

import java.io.IOException;
import java.lang.foreign.MemorySegment;
import java.lang.management.ManagementFactory;
import java.nio.file.Path;
import java.time.Duration;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.TimeoutException;
import java.util.concurrent.atomic.AtomicBoolean;
import java.util.concurrent.atomic.AtomicReference;
import lguest.host.Host;
import lguest.host.HostConfig;
import lguest.host.HostProvider;
import lguest.launcher.DeviceSlot;
import lguest.launcher.Guest;
import lguest.launcher.GuestEnd;
import lguest.launcher.GuestLog;
import lguest.launcher.GuestSpec;
import lguest.launcher.LaunchException;
import lguest.launcher.boot.BootMemory;
import lguest.launcher.memory.MappedMemory;
import lguest.launcher.slot.Bus;
import lguest.launcher.slot.Limits;
import lguest.launcher.slot.Machine;
import lguest.launcher.slot.Slot;
import lguest.launcher.system.OsException;

/** One guest: what it is made of, from the first byte of its memory to the last thread that is gone. */
final class RunningGuest implements Guest, Machine {
  /** How long {@link #stop} waits for a guest whose device or Host does not come back. */
  static final long STOP_MILLIS = 10_000;

  private final String name;
  private final int id;
  private final GuestSpec spec;
  private final GuestLog log;
  private final LauncherService home;
  private final MappedMemory memory;
  private final HostDoor host = new HostDoor();
  private final Bell bell = new Bell();
  private final Gate gate = new Gate();
  private final AtomicReference<GuestEnd> ending = new AtomicReference<>();
  private final CompletableFuture<GuestEnd> ended = new CompletableFuture<>();
  private final AtomicReference<State> phase = new AtomicReference<>(State.READY);
  private Waker waker;
  private Bus bus;
  private volatile Thread thread;
  /** Nanoseconds, once its thread is done. */
  private volatile long processorTime;
  private volatile long startedAt, endedAt;
  private volatile boolean hurry, killed;
  private String hostName = "";

  private RunningGuest(String name, int id, GuestSpec spec, GuestLog log, LauncherService home) throws LaunchException {
    this.name = name;
    this.id = id;
    this.spec = spec;
    this.log = careful(log);
    this.home = home;
    memory = new MappedMemory(spec.memory());
  }

  /** Makes a guest that is ready to {@link #start}. Nothing is left of it when that fails. */
  static RunningGuest create(String name, int id, GuestSpec spec, GuestLog log, HostProvider provider, LauncherService home) throws LaunchException {
    BootMemory.check(spec.memory());
    RunningGuest guest = new RunningGuest(name, id, spec, log, home);
    try {
      guest.make(provider);
      return guest;
    } catch (Throwable e) {
      guest.takeApart();
      throw e;
    }
  }

  /** A log whose listener may fail: that is no reason for a guest to. */
  private static GuestLog careful(GuestLog log) {
    AtomicBoolean failed = new AtomicBoolean();
    return new GuestLog() {
      @Override public void line(System.Logger.Level level, String text, Throwable cause) {
        try {
          log.line(level, text, cause);
        } catch (RuntimeException e) {
          if (failed.compareAndSet(false, true)) SYSTEM.line(System.Logger.Level.ERROR, "a guest's log listener fails, at first with: " + text, e);
        }
      }

      @Override public boolean isLoggable(System.Logger.Level level) {
        try {
          return log.isLoggable(level);
        } catch (RuntimeException e) {
          return true; // line() tells
        }
      }
    };
  }

  private void make(HostProvider provider) throws LaunchException {
    bus = new Bus(this, spec.devices());
    BootMemory boot = BootMemory.fill(memory, spec, log);
    try {
      waker = new Waker(log);
    } catch (OsException e) {
      throw new LaunchException("the system gives no descriptor for the guest's Waker: " + e.getMessage() + "; close some files or guests", e);
    }
    for (Slot slot : bus.slots()) slot.openFirst(home.providersOf(slot.type()));
    hostName = provider.name();
    try {
      host.open(provider.open(new HostConfig(id, memory, boot.pageDirectory(), boot.entry(), boot.pageOffset(), spec.host(), waker.sleeper())));
    } catch (IllegalArgumentException e) {
      throw new LaunchException("Host '" + provider.name() + "' cannot run this guest: " + e.getMessage(), e);
    }
  }

  int id() { return id; }

  // Guest.

  @Override public String name() { return name; }

  @Override public GuestSpec spec() { return spec; }

  @Override public State state() {
    if (ended.isDone()) return State.ENDED;
    if (phase.get() == State.READY) return State.READY;
    return gate.isShut() ? State.PAUSED : State.RUNNING;
  }

  @Override public void start() {
    if (!phase.compareAndSet(State.READY, State.RUNNING)) throw new IllegalStateException("guest '" + name + "' has been started or stopped already");
    startedAt = System.nanoTime();
    waker.start(name + "-waker");
    // What the devices wished for before there was a Host to break in.
    host.breakIn();
    thread = Thread.ofPlatform().daemon().name(name + "-cpu").unstarted(this::live);
    thread.start();
  }

  private void live() {
    new RunLoop(this, host.host(), bus, bell, gate, waker).run();
    processorTime = ManagementFactory.getThreadMXBean().getCurrentThreadCpuTime();
    finish();
  }

  private void finish() {
    takeApart();
    endedAt = System.nanoTime();
    ended.complete(ending.get());
  }

  @Override public void pause() {
    if (phase.get() == State.READY) throw new IllegalStateException("guest '" + name + "' has not been started");
    gate.shut();
    host.breakIn();
    try {
      if (Thread.currentThread() != thread) gate.awaitOutside();
    } catch (InterruptedException e) {
      Thread.currentThread().interrupt();
    }
  }

  @Override public void resume() { gate.open(); }

  @Override public void kill() {
    killed = true;
    stop("killed");
  }

  @Override public void stop() { stop("stopped"); }

  private void stop(String reason) {
    if (Thread.currentThread() == thread) throw new IllegalStateException("a guest's own thread cannot wait for its end; a device uses endGuest");
    hurry = true;
    end(new GuestEnd(GuestEnd.Kind.STOPPED, reason, 1));
    if (phase.compareAndSet(State.READY, State.ENDED)) {
      finish();
      return;
    }
    try {
      ended.get(STOP_MILLIS, TimeUnit.MILLISECONDS);
      if (thread != null) thread.join(STOP_MILLIS);
    } catch (TimeoutException e) {
      log.line(System.Logger.Level.ERROR, "the guest's thread does not come back and is left behind", stackOf(thread));
      endedAt = System.nanoTime();
      ended.complete(ending.get());
    } catch (InterruptedException e) {
      Thread.currentThread().interrupt();
    } catch (ExecutionException e) {
      throw new IllegalStateException(e);
    }
  }

  private static Throwable stackOf(Thread thread) {
    Throwable where = new Throwable("it is here");
    where.setStackTrace(thread.getStackTrace());
    return where;
  }

  @Override public GuestEnd await() throws InterruptedException {
    try {
      return ended.get();
    } catch (ExecutionException e) {
      throw new IllegalStateException(e);
    }
  }

  @Override public Optional<GuestEnd> end() { return Optional.ofNullable(ended.getNow(null)); }

  @Override public Duration uptime() {
    if (startedAt == 0) return Duration.ZERO;
    return Duration.ofNanos((ended.isDone() ? endedAt : System.nanoTime()) - startedAt);
  }

  @Override public Duration processorTime() {
    Thread running = thread;
    long nanos = running == null || ended.isDone() ? processorTime : ManagementFactory.getThreadMXBean().getThreadCpuTime(running.threadId());
    return Duration.ofNanos(Math.max(nanos, 0));
  }

  @Override public long instructions() { return host.instructions(); }

  @Override public Map<String, Long> statistics() { return host.statistics(); }

  @Override public String host() { return hostName; }

  @Override public DeviceSlot addDevice(GuestSpec.DeviceSpec device) throws LaunchException {
    if (ending()) throw new LaunchException("guest '" + name + "' has ended");
    return home.addDevice(this, device);
  }

  @Override public MemorySegment memoryView() {
    if (end().isPresent()) throw new IllegalStateException("guest '" + name + "' has ended, and its memory is gone");
    return memory.segment().asReadOnly();
  }

  @Override public void dump(Path file) throws IOException {
    boolean running = state() == State.RUNNING;
    if (running) pause();
    try {
      MemoryDump.write(memoryView().asSlice(0, memory.ram()), file);
    } finally {
      if (running) resume();
    }
  }

  @Override public List<DeviceSlot> slots() { return List.copyOf(bus.slots()); }

  Bus bus() { return bus; }

  @Override public void close() { close("stopped"); }

  void close(String reason) {
    stop(reason);
    home.forget(this);
  }

  // Machine.

  @Override public MappedMemory memory() { return memory; }

  @Override public GuestLog log() { return log; }

  @Override public Limits limits() { return killed ? Limits.HURRY : home.limits(); }

  @Override public Optional<Host.DmaBuffer> getDma(long key) { return host.getDma(key); }

  @Override public void interrupt(int irq) { host.interrupt(irq); }

  @Override public void memoryWritten(long address, long length) { host.memoryWritten(address, length); }

  @Override public void ring() { bell.ring(); }

  @Override public void breakIn() {
    bell.ring();
    host.breakIn();
  }

  @Override public Watched watch(int fileDescriptor, Runnable ready) { return waker.watch(fileDescriptor, ready); }

  @Override public void later(long millis, Runnable action) { waker.later(millis, action); }

  @Override public void end(GuestEnd end) {
    if (!ending.compareAndSet(null, end)) return;
    breakIn();
    gate.knock();
    if (bus != null) for (Slot slot : bus.slots()) slot.interruptCall();
  }

  @Override public boolean ending() { return ending.get() != null; }

  // The end.

  /** Gives back everything, devices first, since they work on memory and Host. What fails does not keep the rest from being given back. */
  private void takeApart() {
    end(new GuestEnd(GuestEnd.Kind.FAILED, "it could not be made", 1));
    if (bus != null) for (Slot slot : bus.slots()) attempt(() -> slot.gone(this::isPatient));
    if (waker != null) attempt(waker::close);
    attempt(host::close);
    attempt(this::free);
  }

  /** Whether the last output is waited for: a guest that ended by itself may have a slow reader, but who stops one wants it gone. */
  private boolean isPatient() { return !hurry && ending.get().kind() != GuestEnd.Kind.STOPPED; }

  private void attempt(Runnable step) {
    try {
      step.run();
    } catch (Throwable e) {
      log.line(System.Logger.Level.ERROR, "the guest could not be taken apart wholly", e);
    }
  }

  /** Unmaps the memory; when a device's input or output is still under way in it, in a while. */
  private void free() {
    try {
      memory.close();
    } catch (IllegalStateException e) {
      log.line(System.Logger.Level.WARNING, "a device still reads or writes guest memory; it is freed when that is over", null);
      Thread.ofPlatform().daemon().name(name + "-free").start(() -> {
        while (true) {
          try {
            Thread.sleep(50);
            memory.close();
            return;
          } catch (IllegalStateException again) {
            // Not yet.
          } catch (InterruptedException stop) {
            return;
          }
        }
      });
    }
  }
}
