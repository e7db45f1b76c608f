package lguest.launcher.slot;

import java.io.IOException;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.nio.file.Path;
import java.util.List;
import java.util.Optional;
import java.util.concurrent.CopyOnWriteArrayList;
import java.util.concurrent.Executor;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.RejectedExecutionException;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.concurrent.atomic.LongAdder;
import lguest.device.DeviceContext;
import lguest.device.DeviceException;
import lguest.device.GuestFaultException;
import lguest.device.Request;
import lguest.launcher.GuestEnd;
import lguest.memory.GuestMemory;
import lguest.memory.InvalidAddressException;

/**
 * The door one device has to the machine, for as long as it sits in its slot. All guest memory goes through {@link #arena}, so that when the
 * device leaves, whatever of its threads still runs gets an exception and not the next device's memory.
 */
final class SlotContext implements DeviceContext {
  private static final long FIRST_RETRY_MILLIS = 1, LAST_RETRY_MILLIS = 16;

  private final Slot slot;
  private final Machine machine;
  private final Occupant owner;
  private final Arena arena = Arena.ofShared();
  /** All of guest memory, once some has been lent. */
  private volatile MemorySegment memory;
  private final System.Logger log;
  private final List<Machine.Watched> watches = new CopyOnWriteArrayList<>();
  private final AtomicInteger working = new AtomicInteger();
  private ExecutorService executor;
  private boolean retrying, disposed;
  private long retryMillis = FIRST_RETRY_MILLIS;

  SlotContext(Slot slot, Machine machine, Occupant owner) {
    this.slot = slot;
    this.machine = machine;
    this.owner = owner;
    log = new SlotLog(slot.type() + " " + slot.index(), machine.log());
  }

  /** A part of guest memory that has been found to be one. */
  MemorySegment lend(long address, long length) {
    MemorySegment all = memory;
    if (all == null) memory = all = machine.memory().lend(0, machine.memory().size(), arena);
    return all.asSlice(address, length);
  }

  /** After a service: the descriptors are watched again, but for a device that has asked for time; then after its retry. */
  void serviced() {
    synchronized (this) {
      if (retrying) return;
      retryMillis = FIRST_RETRY_MILLIS;
    }
    for (Machine.Watched watch : watches) watch.rearm();
  }

  /** Takes everything back. False when a thread's input or output in guest memory is still under way: try again then. */
  boolean dispose() {
    for (Machine.Watched watch : watches) watch.close();
    synchronized (this) {
      disposed = true;
      if (executor != null) executor.shutdownNow();
    }
    if (!arena.scope().isAlive()) return true;
    try {
      arena.close();
      return true;
    } catch (IllegalStateException e) {
      return !arena.scope().isAlive();
    }
  }

  @Override public String guestName() { return machine.name(); }

  @Override public int slot() { return slot.index(); }

  @Override public void describe(int type, int features, int pages, int channels) throws DeviceException {
    slot.describe(new Description(type, features, pages, channels));
  }

  @Override public MemorySegment page(int index) { return lend(slot.pageAddress(index), GuestMemory.PAGE_SIZE); }

  @Override public void sharePage(int index, Path file) throws DeviceException {
    try {
      machine.memory().share(file, slot.pageAddress(index));
    } catch (IOException e) {
      throw new DeviceException("cannot map '" + file + "': " + e.getMessage() + "; name a file of at least " + GuestMemory.PAGE_SIZE + " bytes that may be read and written", e);
    }
  }

  @Override public Optional<Request> offered(int channel) {
    Optional<Request> request = slot.offered(owner, channel);
    if (request.isPresent()) synchronized (this) { retryMillis = FIRST_RETRY_MILLIS; }
    return request;
  }

  @Override public void wake() { slot.askForService(); }

  @Override public synchronized void retry() {
    if (retrying || disposed) return;
    retrying = true;
    machine.later(retryMillis, () -> {
      synchronized (this) { retrying = false; }
      slot.askForService();
    });
    retryMillis = Math.min(2 * retryMillis, LAST_RETRY_MILLIS);
  }

  @Override public Watch watch(int fileDescriptor) {
    Machine.Watched watched = machine.watch(fileDescriptor, slot::askForService);
    watches.add(watched);
    return () -> {
      watches.remove(watched);
      watched.close();
    };
  }

  @Override public void interrupt() { machine.interrupt(slot.irq()); }

  @Override public void memoryWritten(MemorySegment part) { machine.memoryWritten(machine.memory().addressOf(part), part.byteSize()); }

  @Override public void endGuest(int status, String reason) { machine.end(new GuestEnd(GuestEnd.Kind.STOPPED, reason, status)); }

  @Override public Executor executor() { return this::execute; }

  private void execute(Runnable task) {
    ExecutorService threads;
    synchronized (this) {
      if (disposed) throw new RejectedExecutionException("the device has left its slot");
      if (executor == null)
        executor = Executors.newCachedThreadPool(Thread.ofPlatform().daemon().name(machine.name() + "-" + slot.type() + slot.index() + "-", 0).factory());
      threads = executor;
    }
    working.incrementAndGet();
    threads.execute(() -> {
      try {
        task.run();
      } catch (GuestFaultException | InvalidAddressException e) {
        machine.end(new GuestEnd(GuestEnd.Kind.DIED, e.getMessage(), 1));
      } catch (Throwable e) {
        slot.failed(owner, e);
      } finally {
        working.decrementAndGet();
      }
    });
  }

  /** Whether a task of the device's executor runs. */
  boolean isWorking() { return working.get() > 0; }

  @Override public System.Logger log() { return log; }

  @Override public LongAdder counter(String name) { return slot.counter(name); }
}
