package lguest.device.block;

import java.io.IOException;
import java.lang.System.Logger.Level;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.lang.invoke.VarHandle;
import java.nio.ByteOrder;
import java.util.ArrayDeque;
import java.util.HashMap;
import java.util.Map;
import java.util.Optional;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.LongAdder;
import java.util.concurrent.locks.Condition;
import java.util.concurrent.locks.ReentrantLock;
import lguest.device.Device;
import lguest.device.DeviceContext;
import lguest.device.DeviceException;
import lguest.device.DeviceState;
import lguest.device.GuestFaultException;
import lguest.device.Request;

/**
 * Tour 6.2: A disk
 *
 * <p>The guest writes into the disk's page what it wants (ABI §3.3): read or write, from which sector, how many bytes; then it sends a request. A write's request carries the data, a read's
 * is empty. In both cases it has offered a buffer before: a read's data goes there, and for a write, too, filling it is how the guest hears that the disk is done.
 *
 * <p>The original did the work while the guest stood still. Here the guest's thread does only what takes no longer than copying: reading what the system has in memory anyway, and writing as
 * far as there. For the rest it checks the request, and one other thread does the work while the guest runs on. Either way requests are done in their order, and each so: data first, then the
 * result in the page, then the buffer's length and the interrupt, so that whoever sees one sees what comes before it.
 *
 * <p>A guest that asks for what cannot be, such as a sector behind the end, is ended (L44). A disk that fails is not its fault: it is told result 2, and the user a line.
 */
final class BlockDevice implements Device {
  static final int SECTOR = 512;
  private static final int TYPE_BLOCK = 3, F_RANDOMNESS = 0x8000;
  private static final int TYPE = 0, FIRST_SECTOR = 4, BYTES = 8, RESULT = 12, NUM_SECTORS = 16;
  private static final int DONE = 1, FAILED = 2;
  static final int STATE_VERSION = 2;
  static final String SIZE = "size", UNSYNCED = "unsynced";
  private static final long MAX_SECTORS = 0xFFFFFFFFL;
  /** Requests a guest may have going before it has to stand still for the next. Linux has one. */
  private static final int MAX_RUNNING_ON = 32;
  /** A disk that is not used for so long brings what was written to the medium, so that there is little left to do when the power goes off. */
  private static final long IDLE_MILLIS = 500;
  /** People can only read so much. */
  private static final int REPORTS = 100;
  /**
   * A write to memory that took longer was not one: memory is full of what disks have not taken yet. For a while no other is tried on the guest's thread, for twice as long each time in a row. The first while is
   * short, since it may only have been that somebody else had the processor.
   */
  private static final long SLOW_NANOS = TimeUnit.MILLISECONDS.toNanos(2), FIRST_PAUSE = TimeUnit.MILLISECONDS.toNanos(1), LAST_PAUSE = TimeUnit.MILLISECONDS.toNanos(256);
  private static final ValueLayout.OfInt INT = ValueLayout.JAVA_INT.withOrder(ByteOrder.LITTLE_ENDIAN);

  /** The disk's files, when the device leaves. */
  interface Files {
    /** What the next implementation needs to go on with them. */
    Map<String, Long> descriptors();

    /** Closes them, unless the next implementation has them. */
    void free(boolean keepOpen);
  }

  private record Job(boolean write, long offset, long bytes, Request request, Request reply) {}

  private final Disk disk;
  private final DeviceContext context;
  private final Files files;
  private final MemorySegment page;
  private final LongAdder reads, writes, bytesRead, bytesWritten, errors;

  private final ReentrantLock lock = new ReentrantLock();
  private final Condition changed = lock.newCondition();
  private final ArrayDeque<Job> jobs = new ArrayDeque<>();
  private boolean draining, closing, stopped, freed, kept;
  /** Whether something was written that may not be on the medium, and when the disk was last used. */
  private boolean unsynced;
  private long lastUse;

  // The guest's thread.
  private long slowUntil = System.nanoTime(), pause = FIRST_PAUSE;

  private volatile String lastFailure = "";

  // The working thread's.
  private int reports;

  /**
   * Starts work.
   *
   * @param unsynced whether the implementation before has left something that is not on the medium
   */
  BlockDevice(Disk disk, DeviceContext context, boolean unsynced, Files files) throws DeviceException {
    this.disk = disk;
    this.context = context;
    this.files = files;
    this.unsynced = unsynced;
    context.describe(TYPE_BLOCK, F_RANDOMNESS, 1);
    page = context.page(0);
    if (disk.size() / SECTOR > MAX_SECTORS)
      context.log().log(Level.WARNING, "%s has %d sectors, of which a guest can name the first %d only".formatted(disk.name(), disk.size() / SECTOR, MAX_SECTORS));
    page.set(INT, NUM_SECTORS, (int) Math.min(disk.size() / SECTOR, MAX_SECTORS));
    reads = context.counter("reads");
    writes = context.counter("writes");
    bytesRead = context.counter("bytes.read");
    bytesWritten = context.counter("bytes.written");
    errors = context.counter("errors");
    context.executor().execute(this::work);
  }

  /** The guest's thread: checks, and passes on. */
  @Override public void request(Request request) {
    boolean write = page.get(INT, TYPE) != 0;
    long offset = Integer.toUnsignedLong(page.get(INT, FIRST_SECTOR)) * SECTOR, bytes = Integer.toUnsignedLong(page.get(INT, BYTES));
    if (offset >= disk.size()) throw new GuestFaultException("Bad offset %d vs %d".formatted(offset, disk.size()));
    if (context.log().isLoggable(Level.INFO)) context.log().log(Level.INFO, (write ? "WRITE at offset " : "READ at offset ") + offset);
    Request reply = context.offered(0).orElseThrow(() -> new GuestFaultException("Block request didn't give us a dma buffer"));
    // The original wrote, cut the file back and died of it. The end is the same if nothing is written.
    if (write && request.length() > disk.size() - offset) throw new GuestFaultException("Write past end %d+%d".formatted(offset, request.length()));
    Job job = new Job(write, offset, bytes, request, reply);
    lock.lock();
    try {
      if (!jobs.isEmpty() || draining || !doNow(job)) {
        if (jobs.size() < MAX_RUNNING_ON) request.defer();
        jobs.add(job);
        changed.signalAll();
        return;
      }
      used(job);
    } finally {
      lock.unlock();
    }
    if (!lastFailure.isEmpty()) lastFailure = "";
    finish(job, write ? request.length() : Math.min(reply.length(), disk.size() - offset));
  }

  /** Does it if that takes no time. Under the lock, which the working thread gives up while it waits for a disk. */
  private boolean doNow(Job job) {
    try {
      if (!job.write) return disk.readNow(job.reply.parts(), job.offset);
      if (!disk.isWritable()) return false;
      long begin = System.nanoTime();
      if (begin - slowUntil < 0) return false;
      boolean done = disk.writeNow(job.request.parts(), job.offset);
      long end = System.nanoTime();
      if (end - begin <= SLOW_NANOS) {
        pause = FIRST_PAUSE;
      } else {
        slowUntil = end + pause;
        pause = Math.min(2 * pause, LAST_PAUSE);
      }
      return done;
    } catch (IOException e) {
      // The working thread will see it, too, and tell.
      return false;
    }
  }

  private void used(Job job) {
    lastUse = System.nanoTime();
    if (!job.write || unsynced) return;
    unsynced = true;
    changed.signalAll();
  }

  // The working thread.

  private void work() {
    try {
      for (Job job; (job = next()) != null;) {
        run(job);
        lock.lock();
        try {
          jobs.remove();
          used(job);
          changed.signalAll();
        } finally {
          lock.unlock();
        }
      }
      // On this thread, whose work the guest's end waits for however long the disk takes.
      lock.lock();
      try {
        if (unsynced && !draining) sync();
      } finally {
        lock.unlock();
      }
    } catch (InterruptedException e) {
      // The slot has given the device up.
    } finally {
      lock.lock();
      try {
        stopped = true;
        if (freed) files.free(kept);
        changed.signalAll();
      } finally {
        lock.unlock();
      }
    }
  }

  /** The oldest job, which stays in its place until it is done; null when there will be none. */
  private Job next() throws InterruptedException {
    lock.lock();
    try {
      while (jobs.isEmpty() || draining) {
        if (draining || closing) return null;
        long left = lastUse + TimeUnit.MILLISECONDS.toNanos(IDLE_MILLIS) - System.nanoTime();
        if (!unsynced) changed.await();
        else if (left > 0) changed.awaitNanos(left);
        else sync();
      }
      return jobs.element();
    } finally {
      lock.unlock();
    }
  }

  private void run(Job job) {
    long done = 0;
    try {
      if (job.write && !disk.isWritable()) report("%s is read-only: the guest's writing fails".formatted(disk.name()));
      else {
        done = job.write ? disk.write(job.request.parts(), job.offset) : disk.read(job.reply.parts(), job.offset);
        if (done == job.bytes) lastFailure = "";
        else if (!job.write && done < Math.min(job.reply.length(), disk.size() - job.offset))
          report("%s has got shorter: it ends at byte %d, not %d; the guest gets an error for what is missing".formatted(disk.name(), job.offset + done, disk.size()));
      }
    } catch (IOException e) {
      report("cannot %s %s at offset %d: %s; the guest gets an error".formatted(job.write ? "write to" : "read", disk.name(), job.offset, e.getMessage()));
    }
    finish(job, done);
  }

  /** Brings what was written to the medium. The lock is given up meanwhile. */
  private void sync() {
    unsynced = false;
    lock.unlock();
    try {
      disk.sync();
    } catch (IOException e) {
      report("cannot bring what was written to %s to the medium: %s; it may be lost".formatted(disk.name(), e.getMessage()));
    } finally {
      lock.lock();
    }
  }

  // Either thread.

  /** Tells the guest. */
  private void finish(Job job, long done) {
    (job.write ? writes : reads).increment();
    (job.write ? bytesWritten : bytesRead).add(done);
    if (done != job.bytes) errors.increment();
    // What the guest has asked for counts, not what it has in the page by now.
    VarHandle.releaseFence();
    page.set(INT, RESULT, done == job.bytes ? DONE : FAILED);
    job.reply.complete(job.write ? 0 : done);
    job.request.complete(0);
  }

  /** Tells the user, but not the same thing again and again, nor without end: a guest can fail and succeed by turns as fast as it likes. */
  private void report(String failure) {
    String kind = failure.replaceAll("[0-9]+", "");
    if (!kind.equals(lastFailure) && reports < REPORTS) context.log().log(Level.WARNING, failure + (++reports == REPORTS ? "; more of this is not told" : ""));
    lastFailure = kind;
  }

  // The end.

  /** Finishes what it is at. What it has not begun goes back to the slot, as the guest sent it; the files stay open and locked, for the next implementation. */
  @Override public Optional<DeviceState> drain() throws InterruptedException {
    stop(true);
    lock.lock();
    try {
      if (freed) throw new IllegalStateException("it has been closed meanwhile");
      kept = true;
      Map<String, Long> descriptors = files.descriptors();
      Map<String, Object> left = new HashMap<>(descriptors);
      left.put(SIZE, disk.size());
      left.put(UNSYNCED, unsynced);
      return Optional.of(new DeviceState(STATE_VERSION, left, descriptors.keySet()));
    } finally {
      lock.unlock();
    }
  }

  /** Does all that was asked for and brings it to the medium, unless it has been drained. */
  @Override public void close() throws InterruptedException {
    boolean drained = draining;
    try {
      stop(false);
      for (DiskFile file : disk.files())
        if (!drained && file.isDeleted()) context.log().log(Level.WARNING, file.name() + " has been deleted while the guest used it; what the guest wrote is gone");
    } finally {
      free();
    }
  }

  /** Closes the files, but never under the working thread's hands: if the disk hangs and we are not to wait for it, that thread closes them when it comes back. */
  private void free() {
    lock.lock();
    try {
      freed = true;
      if (stopped) files.free(kept);
    } finally {
      lock.unlock();
    }
  }

  private void stop(boolean drain) throws InterruptedException {
    lock.lockInterruptibly();
    try {
      draining |= drain;
      closing = true;
      changed.signalAll();
      while (!stopped) changed.await();
    } finally {
      lock.unlock();
    }
  }
}
