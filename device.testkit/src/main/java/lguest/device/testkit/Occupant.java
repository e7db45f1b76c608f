package lguest.device.testkit;

import java.lang.foreign.MemorySegment;
import java.nio.file.Path;
import java.util.List;
import java.util.Optional;
import java.util.concurrent.CopyOnWriteArrayList;
import java.util.concurrent.Executor;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.RejectedExecutionException;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicBoolean;
import java.util.concurrent.atomic.LongAdder;
import lguest.device.DeviceContext;
import lguest.device.DeviceException;
import lguest.device.Request;

/** One device's door to its {@link TestGuest}, for as long as it sits in the slot. What outlives the device is the guest's {@code machine}. */
final class Occupant implements DeviceContext {
  /** A guest's run loop looks at watched descriptors about as often; a real Waker is told by the kernel. */
  private static final long LOOK_NANOS = 1_000_000;

  private final TestGuest guest;
  private final List<Watch> watches = new CopyOnWriteArrayList<>();
  private final ExecutorService threads = Executors.newCachedThreadPool(Thread.ofPlatform().daemon().name("device of a test guest ", 0).factory());
  final AtomicBoolean asked = new AtomicBoolean();
  // Under the guest's lock.
  boolean drained, gone;
  private long lookAt = Long.MAX_VALUE;

  Occupant(TestGuest guest) { this.guest = guest; }

  /** Whether it is time for {@link lguest.device.Device#service}; the guest's lock is held. */
  boolean wantsService() {
    boolean due = asked.getAndSet(false) || System.nanoTime() >= lookAt;
    if (due) lookAt = watches.isEmpty() ? Long.MAX_VALUE : System.nanoTime() + LOOK_NANOS;
    return due;
  }

  private void lookSoon() {
    guest.locked(() -> lookAt = Math.min(lookAt, System.nanoTime() + LOOK_NANOS));
  }

  /** After close: nothing of the device may go on. */
  void dispose() {
    int open = watches.size();
    watches.forEach(Watch::close);
    threads.shutdownNow();
    try {
      if (!threads.awaitTermination(TestGuest.PATIENCE.toSeconds(), TimeUnit.SECONDS))
        throw new AssertionError("a thread of the device goes on after close(), though it was interrupted");
    } catch (InterruptedException e) {
      throw new AssertionError("interrupted", e);
    }
    if (open > 0) throw new AssertionError("the device has left " + open + " descriptor(s) watched; close a watch before its descriptor");
  }

  @Override public Optional<Request> offered(int channel) {
    java.util.Objects.checkIndex(channel, guest.machine.channels());
    return guest.offered(this, channel).map(transfer -> new Transfer.Handle(guest, transfer, this));
  }

  @Override public void wake() {
    asked.set(true);
    guest.woken();
  }

  @Override public void retry() { lookSoon(); }

  @Override public Watch watch(int fileDescriptor) {
    Watch inner = guest.machine.watch(fileDescriptor);
    Watch[] watch = new Watch[1];
    watch[0] = () -> {
      if (watches.remove(watch[0])) inner.close();
    };
    watches.add(watch[0]);
    lookSoon();
    return watch[0];
  }

  @Override public void endGuest(int status, String reason) {
    guest.machine.endGuest(status, reason);
    guest.end(reason);
  }

  @Override public Executor executor() {
    return task -> {
      try {
        threads.execute(() -> {
          try {
            task.run();
          } catch (Throwable e) {
            guest.failed("a task given to executor()", e);
          }
        });
      } catch (RejectedExecutionException e) {
        throw new RejectedExecutionException("the device has left its slot", e);
      }
    };
  }

  // What the machine does for any of them.

  @Override public String guestName() { return guest.machine.guestName(); }

  @Override public int slot() { return guest.machine.slot(); }

  @Override public void describe(int type, int features, int pages, int channels) throws DeviceException { guest.machine.describe(type, features, pages, channels); }

  @Override public MemorySegment page(int index) { return guest.machine.page(index); }

  @Override public void sharePage(int index, Path file) throws DeviceException { guest.machine.sharePage(index, file); }

  @Override public void interrupt() { guest.machine.interrupt(); }

  @Override public void memoryWritten(MemorySegment part) { guest.machine.memoryWritten(part); }

  @Override public System.Logger log() { return guest.machine.log(); }

  @Override public LongAdder counter(String name) { return guest.machine.counter(name); }
}
