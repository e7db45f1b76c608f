package lguest.device.testkit;

import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.nio.ByteBuffer;
import java.time.Duration;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Optional;
import java.util.concurrent.Callable;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.TimeoutException;
import java.util.concurrent.locks.Condition;
import java.util.concurrent.locks.ReentrantLock;
import java.util.function.BooleanSupplier;
import lguest.device.Attachable;
import lguest.device.Device;
import lguest.device.DeviceConfig;
import lguest.device.DeviceException;
import lguest.device.DeviceProvider;
import lguest.device.DeviceState;
import lguest.device.GuestFaultException;
import lguest.device.fake.FakeContext;
import lguest.memory.InvalidAddressException;

/**
 * A guest that consists of a test method and one slot. The method's thread is the guest's: while it {@linkplain #send sends} or {@linkplain #await waits} the device
 * is called on it as by the run loop. Meanwhile another thread may {@linkplain #exchange exchange} the device, as when a bundle is updated: requests wait, what was not finished
 * comes to the next device, and its state goes by way of plain bytes.
 *
 * <p>It holds the device to the rules of {@link lguest.device}. What breaks one, or throws what it should not, is an {@link AssertionError} out of the next call; a
 * {@link GuestFaultException} comes out as {@link Ended}.
 */
public final class TestGuest implements AutoCloseable {
  /** How long a device may take for anything. A real slot is less patient: it gives a second to drain and a second to close. */
  public static final Duration PATIENCE = Duration.ofSeconds(30);

  /** The device has ended the guest, for breaking its protocol or on the user's wish. */
  public static final class Ended extends RuntimeException {
    private static final long serialVersionUID = 1;

    Ended(String reason) { super(reason); }
  }

  /** A buffer the guest has lent. */
  public static final class Buffer {
    private final Transfer transfer;

    private Buffer(Transfer transfer) { this.transfer = transfer; }

    public boolean isFilled() { return transfer.complete; }

    /** What the device has put in. */
    public byte[] received() {
      if (!isFilled()) throw new AssertionError("the buffer is not filled");
      byte[] bytes = new byte[(int) transfer.used];
      int at = 0;
      for (MemorySegment part : transfer.parts) {
        int length = (int) Math.min(part.byteSize(), bytes.length - at);
        MemorySegment.copy(part, ValueLayout.JAVA_BYTE, 0, bytes, at, length);
        at += length;
      }
      return bytes;
    }
  }

  /** Somebody at an {@link Attachable} device, through all exchanges. */
  public final class Party {
    private final Attachable.Output output;
    private Attachable.Attachment attachment;

    private Party(Attachable.Output output) { this.output = output; }

    /** Hands all of {@code bytes} to the guest, across exchanges if need be. Not on the guest's thread. */
    public void input(byte[] bytes) throws InterruptedException {
      ByteBuffer data = ByteBuffer.wrap(bytes);
      while (data.hasRemaining()) {
        Attachable.Attachment now;
        synchronized (this) {
          while (attachment == null) wait();
          now = attachment;
        }
        now.input(data);
      }
    }

    private void follow(Device device) throws InterruptedException {
      Attachable.Attachment before;
      synchronized (this) {
        before = attachment;
        attachment = null;
      }
      if (before != null) before.close();
      synchronized (this) {
        if (device != null) attachment = ((Attachable) device).attach(output, false);
        notifyAll();
      }
    }
  }

  private DeviceProvider provider;
  private final String argument;
  final FakeContext machine = new FakeContext();
  private final List<Party> parties = new ArrayList<>();

  final ReentrantLock lock = new ReentrantLock();
  private final Condition changed = lock.newCondition();
  private final List<Transfer> underWay = new ArrayList<>();
  private Device device;
  private Occupant occupant;
  private boolean leaving, calling;
  private int late;
  private Throwable fault;
  private boolean told;
  private String ended;

  /** Opens the slot's first device. */
  public TestGuest(DeviceProvider provider, String argument) throws DeviceException {
    this.provider = provider;
    this.argument = argument;
    try {
      resume(Optional.empty());
    } catch (DeviceException | RuntimeException | Error e) {
      machine.close();
      throw e;
    }
  }

  // The guest's thread.

  /** Sends a request of these parts (none empty) and waits until the guest may run on. Returns what it then sees: the bytes taken, 0 if the device has deferred it. */
  public long send(int channel, byte[]... parts) {
    Transfer transfer = begin(channel, parts);
    runUntil(transfer::released, PATIENCE, "for the end of a request of " + transfer.length() + " bytes on channel " + channel);
    return transfer.deferred ? 0 : transfer.used;
  }

  /** Sends a request, gives the device {@code limit} for it, and says whether the guest may run on. A device may hold a request for as long as it likes. */
  public boolean trySend(Duration limit, int channel, byte[]... parts) {
    Transfer transfer = begin(channel, parts);
    return runFor(transfer::released, limit);
  }

  private Transfer begin(int channel, byte[]... parts) {
    return locked(() -> {
      Transfer transfer = new Transfer(channel, Arrays.stream(parts).map(TestGuest::segment).toList(), true, 0);
      underWay.add(transfer);
      return transfer;
    });
  }

  /** Lends a buffer of parts of these sizes. Like all else it is the next device's if this one leaves before it has filled it. */
  public Buffer lend(int channel, int... sizes) {
    return locked(() -> {
      Transfer transfer = new Transfer(channel, Arrays.stream(sizes).mapToObj(size -> Arena.ofAuto().allocate(size)).toList(), false, late);
      underWay.add(transfer);
      return new Buffer(transfer);
    });
  }

  /** Waits until a buffer is filled; returns what is in it. */
  public byte[] await(Buffer buffer) {
    runUntil(() -> buffer.transfer.complete, PATIENCE, "for a buffer on channel " + buffer.transfer.channel + " to be filled");
    return buffer.received();
  }

  /** Lives on, as a guest without anything to do, until {@code condition} holds. */
  public void await(String what, BooleanSupplier condition) { runUntil(condition, PATIENCE, "for " + what); }

  /** Lives on for a while. */
  public void idle(Duration time) { runFor(() -> false, time); }

  /** Device page {@code index}. */
  public MemorySegment page(int index) { return machine.page(index); }

  /** From now on the device asks {@code asks} times in vain for each buffer, as if the guest were slow in lending it. */
  public void lendLate(int asks) { late = asks; }

  /** What the device said it is, and what it did that is to be seen: pages, channels, interrupts, log lines, counters. */
  public FakeContext machine() { return machine; }

  // Anybody's.

  /** Attaches somebody to the device, which must be {@link Attachable}, and to those that come after it. */
  public Party attach(Attachable.Output output) throws InterruptedException {
    Party party = new Party(output);
    parties.add(party);
    party.follow(device);
    return party;
  }

  /** Exchanges the device for a new one that goes on with the state the old one has left. */
  public void exchange() throws Exception { resume(park()); }

  /** Drains and closes the device. Returns its state, as plain data. Requests wait from now on. */
  public Optional<DeviceState> park() throws Exception {
    lock.lock();
    try {
      leaving = true;
      long left = PATIENCE.toNanos();
      while (calling) if ((left = changed.awaitNanos(left)) <= 0) throw new AssertionError("the device does not come back from request() or service(); a slot gives it a second");
    } finally {
      lock.unlock();
    }
    Optional<DeviceState> state = bounded("drain()", device::drain);
    if (state == null) throw new AssertionError("drain() returned null");
    Optional<byte[]> plain = state.map(PlainState::write);
    locked(() -> occupant.drained = true);
    vacate();
    if (!state.map(PlainState::write).map(java.nio.ByteBuffer::wrap).equals(plain.map(java.nio.ByteBuffer::wrap)))
      throw new AssertionError("the state that drain() returned was changed afterwards: what is handed over must be a copy");
    locked(() -> {
      underWay.forEach(transfer -> transfer.holder = null);
      return null;
    });
    return plain.map(PlainState::read);
  }

  private void vacate() throws Exception {
    for (Party party : parties)
      bounded("an attachment's close()", () -> {
        party.follow(null);
        return null;
      });
    bounded("close()", () -> {
      device.close();
      return null;
    });
    Occupant last = occupant;
    locked(() -> device = null);
    last.dispose();
  }

  /** Opens a device in the empty slot, with that state. */
  public void resume(Optional<DeviceState> state) throws DeviceException {
    Occupant next = new Occupant(this);
    Device opened;
    try {
      opened = provider.open(new DeviceConfig(argument, state), next);
      if (opened == null) throw new AssertionError("open() returned null");
      machine.type(); // an error when it has not described itself
    } catch (DeviceException | RuntimeException | Error e) {
      next.dispose();
      throw e;
    }
    for (Party party : parties) {
      try {
        party.follow(opened);
      } catch (InterruptedException e) {
        throw new AssertionError("interrupted", e);
      }
    }
    locked(() -> {
      device = opened;
      occupant = next;
      leaving = false;
      next.asked.set(true);
      changed.signalAll();
      return null;
    });
  }

  /** The guest has ended: closes the device, undrained, and looks whether it has kept the rules to the end. */
  @Override public void close() throws Exception {
    try {
      locked(() -> leaving = true);
      if (device != null) {
        locked(() -> occupant.gone = true);
        vacate();
      }
    } finally {
      machine.close();
      // A test may keep the guest; that must not keep the device's classes.
      provider = null;
      occupant = null;
      underWay.clear();
    }
    if (fault != null && !told) throw new AssertionError(fault.getMessage(), fault);
  }

  /** A step that a slot would not wait for for ever. */
  private static <T> T bounded(String what, Callable<T> step) throws Exception {
    CompletableFuture<T> result = new CompletableFuture<>();
    Thread thread = Thread.ofPlatform().daemon().name("test guest, " + what).start(() -> {
      try {
        result.complete(step.call());
      } catch (Throwable e) {
        result.completeExceptionally(e);
      }
    });
    try {
      return result.get(PATIENCE.toNanos(), TimeUnit.NANOSECONDS);
    } catch (TimeoutException e) {
      StringBuilder where = new StringBuilder();
      for (StackTraceElement frame : thread.getStackTrace()) where.append("\n  at ").append(frame);
      thread.interrupt();
      throw new AssertionError(what + " takes more than " + PATIENCE.toSeconds() + " s; a slot gives it one" + where, e);
    } catch (ExecutionException e) {
      throw new AssertionError(what + " threw " + e.getCause(), e.getCause());
    }
  }

  // The run loop.

  private void runUntil(BooleanSupplier done, Duration limit, String what) {
    if (!runFor(done, limit)) throw new AssertionError("the guest waited " + limit.toSeconds() + " s " + what + "; the device logged " + machine.lines());
  }

  private boolean runFor(BooleanSupplier done, Duration limit) {
    long deadline = System.nanoTime() + limit.toNanos();
    while (true) {
      boolean worked = work();
      lock.lock();
      try {
        if (fault != null) {
          told = true;
          throw new AssertionError(fault.getMessage(), fault);
        }
        if (ended != null) throw new Ended(ended);
        if (done.getAsBoolean()) return true;
        if (System.nanoTime() >= deadline) return false;
        if (!worked) changed.awaitNanos(1_000_000);
      } catch (InterruptedException e) {
        throw new AssertionError("interrupted", e);
      } finally {
        lock.unlock();
      }
    }
  }

  /** Hands over what waits, or lets the device see to its input. False when there was nothing to do. */
  private boolean work() {
    Device here;
    Transfer next = null;
    lock.lock();
    try {
      if (leaving || device == null || fault != null || ended != null) return false;
      here = device;
      for (Transfer transfer : underWay)
        if (transfer.sent && transfer.holder == null) {
          next = transfer;
          break;
        }
      if (next == null && !occupant.wantsService()) return false;
      if (next != null) next.holder = occupant;
      calling = true;
    } finally {
      lock.unlock();
    }
    try {
      if (next != null) here.request(new Transfer.Handle(this, next, occupant));
      else here.service();
    } catch (Throwable e) {
      failed(next != null ? "request()" : "service()", e);
    } finally {
      locked(() -> {
        calling = false;
        changed.signalAll();
        return null;
      });
    }
    return true;
  }

  // What the device's door and handles need.

  /** The device threw. */
  void failed(String where, Throwable e) {
    locked(() -> {
      if (e instanceof GuestFaultException || e instanceof InvalidAddressException) end(e.getMessage());
      else if (fault == null) fault = new AssertionError("the device threw " + e + " out of " + where + "; in a guest its slot would be parked for that", e);
      changed.signalAll();
      return null;
    });
  }

  /** The device broke a rule. */
  void broken(String rule) {
    locked(() -> {
      if (fault == null) fault = new AssertionError(rule);
      changed.signalAll();
      return null;
    });
  }

  void end(String reason) {
    locked(() -> {
      if (ended == null) ended = reason;
      changed.signalAll();
      return null;
    });
  }

  /** The next buffer for {@code asking}; the lock is not held. */
  Optional<Transfer> offered(Occupant asking, int channel) {
    return locked(() -> {
      if (!calling || asking != occupant) {
        broken("offered() was called outside of request() and service()");
        throw new IllegalStateException("offered() is for the guest's thread, in request() and service()");
      }
      for (Transfer transfer : underWay)
        if (!transfer.sent && transfer.channel == channel && transfer.holder == null) {
          if (transfer.late-- > 0) return Optional.empty();
          transfer.holder = asking;
          return Optional.of(transfer);
        }
      return Optional.empty();
    });
  }

  void finished(Transfer transfer) {
    underWay.remove(transfer);
    changed.signalAll();
  }

  /** {@link Device#service} soon, as if there were input. */
  void askForService() {
    locked(() -> {
      if (occupant != null) occupant.asked.set(true);
      return null;
    });
  }

  void woken() {
    locked(() -> {
      changed.signalAll();
      return null;
    });
  }

  interface Locked<T> { T run(); }

  <T> T locked(Locked<T> what) {
    lock.lock();
    try {
      return what.run();
    } finally {
      lock.unlock();
    }
  }

  private static MemorySegment segment(byte[] bytes) {
    if (bytes.length == 0) throw new IllegalArgumentException("a part has at least one byte");
    return Arena.ofAuto().allocate(bytes.length).copyFrom(MemorySegment.ofArray(bytes));
  }
}
