package lguest.launcher.slot;

import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.SortedMap;
import java.util.TreeMap;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.CopyOnWriteArrayList;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.TimeoutException;
import java.util.concurrent.atomic.AtomicBoolean;
import java.util.concurrent.atomic.LongAdder;
import java.util.concurrent.locks.Condition;
import java.util.concurrent.locks.ReentrantLock;
import java.util.function.BooleanSupplier;
import lguest.device.Attachable;
import lguest.device.Device;
import lguest.device.DeviceConfig;
import lguest.device.DeviceException;
import lguest.device.DeviceState;
import lguest.device.GuestFaultException;
import lguest.device.Request;
import lguest.host.Host;
import lguest.launcher.DeviceSlot;
import lguest.launcher.LaunchException;
import lguest.memory.InvalidAddressException;

/**
 * Tour 3.6: A place on the bus
 *
 * <p>The guest looks at its bus once, at boot, and must never have to again (L26). So what it sees is not a device but a slot: descriptor, pages, keys, interrupt and the requests under way
 * are the slot's, and a device is merely who answers at the moment. Its implementation may be exchanged under a running guest:
 *
 * <pre>
 *           opened                     its provider leaves, a better one comes, or it throws
 *  EMPTY ───────────▶ ACTIVE ──────────────────────────────────────────────────────▶ DRAINING
 *                       ▲                                                                │
 *                       │ opened, with the state of the last                             │ drained and closed,
 *                       │                                                                │ or out of time
 *                       └──────────────────────── PARKED ◀───────────────────────────────┘
 *                                                 ▲    │
 *                                                 └────┘ the provider fails to open
 *
 *  any of them ──the guest ends──▶ GONE
 * </pre>
 *
 * <p>Only an ACTIVE slot calls {@link Device#request} and {@link Device#service}, and only on the guest's thread, out of {@link #work}. In all other states requests wait in
 * {@link #transfers}. Exchanges run on a thread of their own, one at a time, until the slot has the device it {@linkplain #want should have}.
 */
public final class Slot implements DeviceSlot {
  /** How long a device may take for each step of leaving: to return from a call, to drain, to close. */
  static final long STEP_MILLIS = 1000;

  private final Machine machine;
  private final int index;
  private final String type, argument;
  private final ReentrantLock lock = new ReentrantLock();
  private final Condition changed = lock.newCondition();
  private final AtomicBoolean serviceAsked = new AtomicBoolean();
  private final Map<String, LongAdder> counters = new ConcurrentHashMap<>();
  private final List<SlotAttachment> attachments = new CopyOnWriteArrayList<>();

  // All under the lock.
  private State state = State.EMPTY;
  private String reason = "the guest is being made";
  private Description description;
  private long pages;
  private Occupant occupant;
  private Candidate wanted, refused;
  private Optional<DeviceState> saved = Optional.empty();
  private final List<Transfer> transfers = new ArrayList<>();
  private Thread calling;
  private boolean exchanging, attachable;

  public Slot(Machine machine, int index, String type, String argument) {
    this.machine = machine;
    this.index = index;
    this.type = type;
    this.argument = argument;
  }

  @Override public int index() { return index; }

  @Override public String type() { return type; }

  @Override public String argument() { return argument; }

  @Override public State state() { return locked(() -> state); }

  @Override public Optional<String> reason() { return locked(() -> state == State.ACTIVE ? Optional.<String>empty() : Optional.of(reason)); }

  @Override public Map<String, Long> counters() {
    SortedMap<String, Long> values = new TreeMap<>();
    counters.forEach((name, value) -> values.put(name, value.sum()));
    return values;
  }

  /** The guest's drivers expect the interrupt to follow from the place (ABI §3.9). */
  int irq() { return index + 1; }

  LongAdder counter(String name) { return counters.computeIfAbsent(name, ignored -> new LongAdder()); }

  // What the guest has read in the descriptor.

  /** What the slot is, once its first device has said so. */
  Description description() { return locked(() -> description); }

  void describe(Description now) throws DeviceException {
    lock.lock();
    try {
      boolean first = description == null;
      description = Description.settle(description, now);
      if (first && now.pages() > 0) pages = machine.memory().addPages(now.pages());
    } finally {
      lock.unlock();
    }
  }

  /** The guest-physical address of a device page. */
  long pageAddress(int page) {
    return locked(() -> {
      if (description == null || page < 0 || page >= description.pages()) throw new IndexOutOfBoundsException("device page " + page + " of " + (description == null ? "a slot not yet described" : description));
      return pages + page * 4096L;
    });
  }

  /** The DMA key of a channel (ABI §3.10): four bytes apart, from the first device page on, or from 0 for a device without. */
  long key(int channel) { return locked(() -> pages + 4L * channel); }

  /** The channel a DMA key means here, or −1. */
  int channel(long key) {
    return locked(() -> {
      long channel = (key - pages) / 4;
      return description != null && key >= pages && key % 4 == 0 && channel < description.channels() ? (int) channel : -1;
    });
  }

  // The guest's thread.

  /** Opens the slot's first device. A failure is the user's, and leaves nothing. */
  public void openFirst(Candidate candidate) throws LaunchException {
    locked(() -> wanted = candidate);
    Occupant first = new Occupant(candidate, this, machine);
    try {
      open(first);
      locked(() -> {
        occupant = first;
        state = State.ACTIVE;
        return null;
      });
    } catch (DeviceException e) {
      first.context().dispose();
      throw new LaunchException(e.getMessage(), e);
    } catch (Throwable e) {
      first.context().dispose();
      machine.log().line(System.Logger.Level.ERROR, name() + " could not be opened", e);
      throw new LaunchException("%s could not be opened, by a fault of its bundle: %s; the log has the details".formatted(name(), e), e);
    }
  }

  /** A request the guest has sent; {@link #work} hands it to the device. */
  Transfer send(int channel, Dma dma) {
    Transfer transfer = new Transfer(channel, dma, -1);
    locked(() -> transfers.add(transfer));
    return transfer;
  }

  /** Whether the guest may run on after sending this. */
  boolean isReleased(Transfer transfer) { return locked(transfer::released); }

  /** The next buffer the guest has offered, {@link lguest.device.DeviceContext#offered}: one that a device has given back, else a fresh one. */
  Optional<Request> offered(Occupant asking, int channel) {
    lock.lock();
    try {
      if (occupant != asking || state != State.ACTIVE || Thread.currentThread() != calling) throw new IllegalStateException("offered() can be called in request() and service() only");
      if (description == null || channel < 0 || channel >= description.channels()) throw new IndexOutOfBoundsException("channel " + channel + " of " + description);
      Transfer buffer = null;
      for (Transfer transfer : transfers) if (buffer == null && !transfer.sent() && transfer.holder == null && transfer.channel == channel) buffer = transfer;
      if (buffer == null) {
        Optional<Host.DmaBuffer> free = machine.getDma(key(channel));
        if (free.isEmpty()) return Optional.empty();
        buffer = new Transfer(channel, Dma.read(machine.memory(), free.get().address()), free.get().irq());
        transfers.add(buffer);
      }
      buffer.holder = asking;
      return Optional.of(new Transfer.Handle(this, buffer, asking));
    } finally {
      lock.unlock();
    }
  }

  /**
   * The guest's thread: gives the device the requests that wait, oldest first, then its {@link Device#service} if that was asked for. Returns whether there was anything to do.
   * A guest's fault comes out as {@link GuestFaultException} or {@link InvalidAddressException}.
   */
  boolean work() {
    boolean worked = false;
    for (Transfer next; (next = nextWaiting()) != null; worked = true) {
      Transfer given = next;
      call(given.holder, () -> given.holder.device().request(new Transfer.Handle(this, given, given.holder)));
    }
    Occupant active = locked(() -> state == State.ACTIVE ? occupant : null);
    if (active != null && serviceAsked.getAndSet(false)) {
      call(active, () -> {
        active.device().service();
        active.context().serviced();
      });
      worked = true;
    }
    return worked;
  }

  private Transfer nextWaiting() {
    return locked(() -> {
      if (state != State.ACTIVE) return null;
      for (Transfer transfer : transfers)
        if (transfer.sent() && transfer.holder == null) {
          transfer.holder = occupant;
          return transfer;
        }
      return null;
    });
  }

  private interface DeviceCall { void run() throws Exception; }

  private void call(Occupant callee, DeviceCall call) {
    boolean mine = locked(() -> {
      if (state != State.ACTIVE || occupant != callee) return false;
      calling = Thread.currentThread();
      return true;
    });
    if (!mine) return;
    try {
      call.run();
    } catch (GuestFaultException | InvalidAddressException e) {
      throw e;
    } catch (Throwable e) {
      failed(callee, e);
    } finally {
      locked(() -> {
        calling = null;
        // Interrupted, if at all, to make it leave this call; the guest's thread itself goes on.
        Thread.interrupted();
        changed.signalAll();
        return null;
      });
    }
  }

  // What devices ask for, on any thread.

  void askForService() {
    if (serviceAsked.compareAndSet(false, true)) machine.breakIn();
  }

  void complete(Transfer transfer, Occupant by, long length) {
    lock.lock();
    try {
      if (state == State.GONE) return;
      if (transfer.complete) throw new IllegalStateException("the request is complete already");
      if (transfer.holder != by) throw new IllegalStateException("the device was drained and the request given to the next");
      transfers.remove(transfer);
      // What the guest will see, in the order in which it may look: data, then used_len, then the interrupt. A deferred request's place has long been reused.
      if (!transfer.sent()) {
        long left = length;
        for (Dma.Section section : transfer.dma.sections()) {
          if (left > 0) machine.memoryWritten(section.address(), Math.min(left, section.length()));
          left -= section.length();
        }
      }
      if (!transfer.deferred) {
        transfer.dma.setUsed(machine.memory(), length);
        machine.memoryWritten(transfer.dma.address(), 4);
      }
      transfer.complete = true;
      if (!transfer.sent()) machine.interrupt(transfer.irq);
    } finally {
      lock.unlock();
    }
    machine.ring();
  }

  void defer(Transfer transfer, Occupant by) {
    lock.lock();
    try {
      if (state == State.GONE || !transfer.sent() || transfer.released()) return;
      if (transfer.holder != by) throw new IllegalStateException("the device was drained and the request given to the next");
      transfer.dma.setUsed(machine.memory(), 0);
      machine.memoryWritten(transfer.dma.address(), 4);
      transfer.deferred = true;
    } finally {
      lock.unlock();
    }
    machine.ring();
  }

  /** A device threw: it is named, and its slot parks until another provider comes. */
  void failed(Occupant device, Throwable fault) {
    boolean first = locked(() -> {
      if (occupant != device || state != State.ACTIVE || refused == device.candidate()) return false;
      refused = device.candidate();
      reason = name() + " failed: " + fault + "; its requests wait for another version of it";
      return true;
    });
    if (machine.ending() || !first) return;
    machine.log().line(System.Logger.Level.ERROR, name() + " failed and is parked; its requests wait for another version of it", fault);
    startExchange();
  }

  // Exchange.

  /** Says which provider's device should sit here; null: none is there. Returns at once. */
  public void want(Candidate best) {
    locked(() -> {
      if (best == null || !best.is(refused)) refused = null;
      return wanted = best;
    });
    startExchange();
  }

  /** Waits until no device of this provider sits here, at most until {@code deadline} ({@link System#nanoTime}). */
  public boolean awaitWithout(Candidate candidate, long deadline) throws InterruptedException {
    lock.lockInterruptibly();
    try {
      while (occupant != null && occupant.candidate().is(candidate)) {
        long left = deadline - System.nanoTime();
        if (left <= 0) return false;
        changed.awaitNanos(left);
      }
      return true;
    } finally {
      lock.unlock();
    }
  }

  private void startExchange() {
    boolean start = locked(() -> {
      if (exchanging || state == State.EMPTY || isSettled()) return false;
      return exchanging = true;
    });
    if (start) Thread.ofPlatform().daemon().name(machine.name() + "-" + type + index + "-exchange").start(this::exchange);
  }

  /** Whom the slot should have: the one wanted, unless it has failed here. */
  private Candidate target() { return wanted != null && wanted.is(refused) ? null : wanted; }

  private boolean isSettled() {
    Candidate target = target();
    return state == State.GONE || (occupant == null ? target == null : occupant.candidate().is(target));
  }

  private void exchange() {
    while (true) {
      Occupant leaving;
      Candidate coming;
      lock.lock();
      try {
        if (isSettled()) {
          if (state == State.PARKED && wanted == null) reason = "no provider of type '" + type + "' is there; requests wait for one";
          exchanging = false;
          changed.signalAll();
          return;
        }
        leaving = occupant;
        coming = target();
        if (leaving != null) {
          state = State.DRAINING;
          if (refused == null) reason = coming == null ? "its provider leaves" : "another provider takes over";
        }
      } finally {
        lock.unlock();
      }
      if (leaving != null) leave(leaving);
      else enter(coming);
    }
  }

  private void leave(Occupant leaving) {
    awaitCall();
    Optional<DeviceState> state = step("drain", () -> leaving.device().drain()).orElse(Optional.empty());
    closeDevice(leaving, () -> false);
    locked(() -> {
      if (this.state == State.GONE) return null;
      saved = state;
      occupant = null;
      for (Transfer transfer : transfers) transfer.holder = null;
      this.state = State.PARKED;
      changed.signalAll();
      return null;
    });
  }

  private void enter(Candidate coming) {
    Occupant next = new Occupant(coming, this, machine);
    String failure;
    try {
      open(next);
      for (SlotAttachment attachment : attachments) attachment.follow(attachable(next));
      boolean active = locked(() -> {
        if (state == State.GONE) return false;
        occupant = next;
        state = State.ACTIVE;
        changed.signalAll();
        return true;
      });
      if (!active) closeDevice(next, () -> false);
      // The requests that waited are let go, and there may be input that nobody was told of.
      serviceAsked.set(true);
      machine.breakIn();
      return;
    } catch (DeviceException e) {
      failure = e.getMessage();
      machine.log().line(System.Logger.Level.WARNING, name() + " stays parked: " + failure, null);
    } catch (Throwable e) {
      failure = e.toString();
      machine.log().line(System.Logger.Level.ERROR, name() + " could not be opened and stays parked", e);
    }
    String why = name() + " could not be opened: " + failure;
    if (next.device() != null) closeDevice(next, () -> false);
    else next.context().dispose();
    locked(() -> {
      refused = coming;
      return reason = why;
    });
  }

  private void open(Occupant next) throws DeviceException {
    Device device = next.candidate().provider().open(new DeviceConfig(argument, locked(() -> saved)), next.context());
    next.device(java.util.Objects.requireNonNull(device, "the provider opened no device"));
    locked(() -> attachable |= device instanceof Attachable);
    if (description() != null) return;
    closeDevice(next, () -> false);
    throw new IllegalStateException("the provider did not describe its device");
  }

  /** Waits for the guest's thread to return from the device; when it takes too long, by interrupting it. */
  private void awaitCall() {
    lock.lock();
    try {
      long left = TimeUnit.MILLISECONDS.toNanos(STEP_MILLIS);
      while (calling != null && left > 0) left = changed.awaitNanos(left);
      if (calling == null) return;
      calling.interrupt();
      left = TimeUnit.MILLISECONDS.toNanos(STEP_MILLIS);
      while (calling != null && left > 0) left = changed.awaitNanos(left);
    } catch (InterruptedException e) {
      throw new IllegalStateException(e);
    } finally {
      lock.unlock();
    }
  }

  /** Takes a device off its attachments and everything else, and closes it. */
  private void closeDevice(Occupant leaving, BooleanSupplier patient) {
    step("write out its output", patient, () -> {
      for (SlotAttachment attachment : attachments) attachment.follow(null);
      return null;
    });
    step("close", () -> {
      leaving.device().close();
      return null;
    });
    for (int tries = 0; !leaving.context().dispose() && tries < 100; tries++) sleep(10);
  }

  private <T> Optional<T> step(String what, java.util.concurrent.Callable<T> step) { return step(what, () -> false, step); }

  private <T> Optional<T> step(String what, BooleanSupplier patient, java.util.concurrent.Callable<T> step) {
    try {
      return Optional.ofNullable(Bounded.call(machine.name() + "-" + type + index + "-" + what.replace(' ', '-'), STEP_MILLIS, patient, step));
    } catch (TimeoutException e) {
      machine.log().line(System.Logger.Level.ERROR, "%s did not %s within %d ms and is left behind".formatted(name(), what, STEP_MILLIS), null);
    } catch (ExecutionException e) {
      machine.log().line(System.Logger.Level.ERROR, "%s failed to %s".formatted(name(), what), e.getCause());
    } catch (InterruptedException e) {
      Thread.currentThread().interrupt();
    }
    return Optional.empty();
  }

  private static void sleep(long millis) {
    try {
      Thread.sleep(millis);
    } catch (InterruptedException e) {
      Thread.currentThread().interrupt();
    }
  }

  // The end.

  /** Makes a call into the device that goes on return soon, for the guest is to stop. */
  public void interruptCall() {
    locked(() -> {
      if (calling != null) calling.interrupt();
      return null;
    });
  }

  /** The guest has ended: closes the device for good. Its output is waited for, longer than {@link #STEP_MILLIS} as long as {@code patient} says so. */
  public void gone(BooleanSupplier patient) {
    Occupant last;
    lock.lock();
    try {
      if (state == State.GONE) return;
      last = state == State.ACTIVE ? occupant : null;
      state = State.GONE;
      reason = "the guest has ended";
      transfers.clear();
      changed.signalAll();
      // An exchange under way sees that the slot is gone and closes what it holds.
      long left = TimeUnit.MILLISECONDS.toNanos(4 * STEP_MILLIS);
      while (exchanging && left > 0) left = changed.awaitNanos(left);
      occupant = null;
    } catch (InterruptedException e) {
      Thread.currentThread().interrupt();
      return;
    } finally {
      lock.unlock();
    }
    if (last != null) closeDevice(last, patient);
    attachments.forEach(SlotAttachment::gone);
  }

  // Attachments.

  @Override public Optional<Attachable.Attachment> attach(Attachable.Output output, boolean replay) {
    Occupant now;
    SlotAttachment attachment = new SlotAttachment(this, output, replay);
    lock.lock();
    try {
      if (!attachable || state == State.GONE) return Optional.empty();
      attachments.add(attachment);
      now = state == State.ACTIVE ? occupant : null;
    } finally {
      lock.unlock();
    }
    try {
      attachment.follow(attachable(now));
      // The device may have been exchanged meanwhile.
      Occupant then = locked(() -> state == State.ACTIVE ? occupant : null);
      if (then != now) attachment.follow(attachable(then));
    } catch (InterruptedException e) {
      Thread.currentThread().interrupt();
    }
    return Optional.of(attachment);
  }

  void detached(SlotAttachment attachment) { attachments.remove(attachment); }

  private static Attachable attachable(Occupant occupant) { return occupant != null && occupant.device() instanceof Attachable it ? it : null; }

  private String name() { return "device '" + type + "' in slot " + index; }

  private <T> T locked(java.util.function.Supplier<T> body) {
    lock.lock();
    try {
      return body.get();
    } finally {
      lock.unlock();
    }
  }
}
