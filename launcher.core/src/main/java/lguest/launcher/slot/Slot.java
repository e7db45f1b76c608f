package lguest.launcher.slot;

import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.SortedMap;
import java.util.TreeMap;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.CopyOnWriteArrayList;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicBoolean;
import java.util.concurrent.atomic.LongAdder;
import java.util.concurrent.locks.Condition;
import java.util.concurrent.locks.ReentrantLock;
import java.util.function.BooleanSupplier;
import java.util.function.Supplier;
import lguest.device.Attachable;
import lguest.device.Device;
import lguest.device.DeviceConfig;
import lguest.device.DeviceException;
import lguest.device.DeviceState;
import lguest.device.GuestFaultException;
import lguest.device.Request;
import lguest.launcher.DeviceSlot;
import lguest.launcher.LaunchException;
import lguest.memory.GuestMemory;
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
 * {@link Transfers}. Exchanges run on a thread of their own, one at a time, until the slot has the device it {@linkplain #want should have}.
 */
public final class Slot implements DeviceSlot {
  private final Machine machine;
  private final int index;
  private final String type, argument;
  private final Departure departure;
  private final AtomicBoolean serviceAsked = new AtomicBoolean();
  private final Map<String, LongAdder> counters = new ConcurrentHashMap<>();
  private final List<SlotAttachment> attachments = new CopyOnWriteArrayList<>();

  private final ReentrantLock lock = new ReentrantLock();
  private final Condition changed = lock.newCondition();
  // All below under the lock.
  private State state = State.EMPTY;
  private String reason = "the guest is being made";
  private Description description;
  private long pages;
  private final Transfers transfers;
  private Occupant occupant;
  /** The guest's thread while it is in the device. */
  private Thread calling;
  private Optional<DeviceState> saved = Optional.empty();
  /** Whose device should sit here, and who has failed here. */
  private Candidate wanted, refused;
  private boolean exchanging, attachable;

  public Slot(Machine machine, int index, String type, String argument) {
    this.machine = machine;
    this.index = index;
    this.type = type;
    this.argument = argument;
    transfers = new Transfers(machine);
    departure = new Departure(machine, name(), threadName());
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

  LongAdder counter(String name) { return counters.computeIfAbsent(name, ignored -> new LongAdder()); }

  // What the guest has read in the descriptor.

  /** The guest's drivers expect the interrupt to follow from the place (ABI §3.9). */
  int irq() { return index + 1; }

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
      if (description == null) throw new IllegalStateException("the device has not described itself yet");
      return pages + (long) java.util.Objects.checkIndex(page, description.pages()) * GuestMemory.PAGE_SIZE;
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

  /** A request the guest has sent; {@link #work} hands it to the device. */
  Transfer send(int channel, Dma dma) { return locked(() -> transfers.send(channel, dma)); }

  /** Whether the guest may run on after sending this. */
  boolean isReleased(Transfer transfer) { return locked(transfer::released); }

  /** {@link lguest.device.DeviceContext#offered}. */
  Optional<Request> offered(Occupant asking, int channel) {
    return locked(() -> {
      if (occupant != asking || calling != Thread.currentThread()) throw new IllegalStateException("offered() is for the guest's thread, in request() and service()");
      java.util.Objects.checkIndex(channel, description.channels());
      // A slot that drains already still lets the call that goes on finish, but begins nothing new.
      if (state != State.ACTIVE) return Optional.<Request>empty();
      return transfers.bufferFor(asking, channel, key(channel)).map(buffer -> new Transfer.Handle(this, buffer, asking));
    });
  }

  /**
   * Gives the device the requests that wait, oldest first, then its {@link Device#service} if that was asked for. Returns whether there was anything to do. A guest's fault comes out as
   * {@link GuestFaultException} or {@link InvalidAddressException}.
   */
  boolean work() {
    boolean worked = false;
    while (true) {
      Optional<Transfer> next = locked(() -> state == State.ACTIVE ? transfers.nextFor(occupant) : Optional.<Transfer>empty());
      if (next.isEmpty()) break;
      Transfer given = next.get();
      call(given.holder, device -> device.request(new Transfer.Handle(this, given, given.holder)));
      worked = true;
    }
    Occupant active = locked(() -> state == State.ACTIVE ? occupant : null);
    if (active != null && serviceAsked.getAndSet(false)) {
      call(active, Device::service);
      active.context().serviced();
      worked = true;
    }
    return worked;
  }

  private interface DeviceCall { void on(Device device) throws Exception; }

  private void call(Occupant callee, DeviceCall call) {
    boolean here = locked(() -> {
      if (state != State.ACTIVE || occupant != callee) return false;
      calling = Thread.currentThread();
      return true;
    });
    if (!here) return;
    try {
      call.on(callee.device());
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

  // What devices do, on any thread.

  void askForService() {
    if (serviceAsked.compareAndSet(false, true)) machine.breakIn();
  }

  void complete(Transfer transfer, Occupant by, long length) {
    locked(() -> {
      if (state != State.GONE) transfers.complete(transfer, by, length);
      return null;
    });
    machine.ring();
  }

  void defer(Transfer transfer, Occupant by) {
    locked(() -> {
      if (state != State.GONE) transfers.defer(transfer, by);
      return null;
    });
    machine.ring();
  }

  /** A device threw: it is named, and its slot parks until another provider comes. */
  void failed(Occupant device, Throwable fault) {
    boolean first = locked(() -> {
      if (machine.ending() || occupant != device || state != State.ACTIVE || device.candidate().is(refused)) return false;
      refused = device.candidate();
      reason = name() + " failed: " + fault + "; its requests wait for another version of it";
      return true;
    });
    if (!first) return;
    machine.log().line(System.Logger.Level.ERROR, name() + " failed and is parked; its requests wait for another version of it", fault);
    startExchange();
  }

  // Devices come and go.

  /** Opens the slot's first device. A failure is the user's, and leaves nothing. */
  public void openFirst(Candidate candidate) throws LaunchException {
    Occupant first = new Occupant(candidate, this, machine);
    try {
      open(first);
    } catch (DeviceException e) {
      throw new LaunchException(e.getMessage(), e);
    } catch (Throwable e) {
      machine.log().line(System.Logger.Level.ERROR, name() + " could not be opened", e);
      throw new LaunchException("%s could not be opened, by a fault in its bundle: %s; tell its makers, the log has the details".formatted(name(), e), e);
    }
    locked(() -> {
      wanted = candidate;
      occupant = first;
      return state = State.ACTIVE;
    });
  }

  /** Says which provider's device should sit here; null: none is there. Returns at once; whatever has to be done is done on another thread. */
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
    boolean start = locked(() -> !exchanging && state != State.EMPTY && !isSettled() && (exchanging = true));
    if (start) Thread.ofPlatform().daemon().name(threadName() + "-exchange").start(this::exchange);
  }

  /** Who should sit here: the one wanted, unless it has failed here. */
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
          if (state == State.PARKED && wanted == null) reason = "there is no provider of type '" + type + "'; requests wait for one";
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
    Optional<DeviceState> left = departure.drain(leaving);
    departure.close(leaving, attachments, Departure.IMPATIENT);
    locked(() -> {
      occupant = null;
      changed.signalAll();
      if (state == State.GONE) return null;
      saved = left;
      transfers.giveBack();
      return state = State.PARKED;
    });
  }

  private void enter(Candidate coming) {
    Occupant next = new Occupant(coming, this, machine);
    try {
      open(next);
    } catch (Throwable e) {
      boolean known = e instanceof DeviceException;
      String why = name() + " could not be opened: " + (known ? e.getMessage() : e.toString());
      machine.log().line(known ? System.Logger.Level.WARNING : System.Logger.Level.ERROR, why, known ? null : e);
      locked(() -> {
        refused = coming;
        return reason = why;
      });
      return;
    }
    try {
      for (SlotAttachment attachment : attachments) attachment.follow(attachable(next));
    } catch (Exception e) {
      machine.log().line(System.Logger.Level.ERROR, name() + " could not be attached to", e);
    }
    boolean active = locked(() -> {
      if (state == State.GONE) return false;
      occupant = next;
      state = State.ACTIVE;
      changed.signalAll();
      return true;
    });
    if (!active) departure.close(next, attachments, Departure.IMPATIENT);
    // The requests that waited are let go, and there may be input that nobody was told of.
    serviceAsked.set(true);
    machine.breakIn();
  }

  /** Opens a device. When that fails nothing of it is left. */
  private void open(Occupant next) throws DeviceException {
    try {
      next.device(next.candidate().provider().open(new DeviceConfig(argument, locked(() -> saved)), next.context()));
      if (next.device() == null) throw new IllegalStateException("its provider opened nothing");
      if (description() == null) throw new IllegalStateException("it did not describe itself");
      locked(() -> attachable |= next.device() instanceof Attachable);
    } catch (Throwable e) {
      if (next.device() != null) departure.close(next, List.of(), Departure.IMPATIENT);
      else next.context().dispose();
      throw e;
    }
  }

  /** Waits for the guest's thread to return from the device; when that takes too long it is interrupted, and once more waited for. */
  private void awaitCall() {
    lock.lock();
    try {
      long left = TimeUnit.MILLISECONDS.toNanos(Departure.STEP_MILLIS);
      while (calling != null && left > 0) left = changed.awaitNanos(left);
      if (calling == null) return;
      calling.interrupt();
      left = TimeUnit.MILLISECONDS.toNanos(Departure.STEP_MILLIS);
      while (calling != null && left > 0) left = changed.awaitNanos(left);
    } catch (InterruptedException e) {
      throw new IllegalStateException("nobody interrupts an exchange", e);
    } finally {
      lock.unlock();
    }
  }

  // The end.

  /** Makes a call into the device that goes on return soon, for the guest is to stop. */
  public void interruptCall() {
    locked(() -> {
      if (calling != null && calling != Thread.currentThread()) calling.interrupt();
      return null;
    });
  }

  /** The guest has ended: closes the device for good. Its output is waited for, longer than {@link Departure#STEP_MILLIS} as long as {@code patient} says so. */
  public void gone(BooleanSupplier patient) {
    Occupant last = locked(() -> {
      Occupant active = state == State.ACTIVE ? occupant : null;
      state = State.GONE;
      reason = "the guest has ended";
      transfers.clear();
      changed.signalAll();
      return active;
    });
    if (last != null) departure.close(last, attachments, patient);
    awaitExchange();
    locked(() -> occupant = null);
    attachments.forEach(SlotAttachment::gone);
  }

  /** An exchange under way sees that the slot is gone, and closes what it holds. */
  private void awaitExchange() {
    boolean interrupted = false;
    lock.lock();
    try {
      for (long deadline = System.nanoTime() + TimeUnit.MILLISECONDS.toNanos(6 * Departure.STEP_MILLIS), left; exchanging && (left = deadline - System.nanoTime()) > 0;) {
        try {
          changed.awaitNanos(left);
        } catch (InterruptedException e) {
          interrupted = true;
        }
      }
    } finally {
      lock.unlock();
      if (interrupted) Thread.currentThread().interrupt();
    }
  }

  // Attachments.

  @Override public Optional<Attachable.Attachment> attach(Attachable.Output output, boolean replay) {
    SlotAttachment attachment = new SlotAttachment(this, output, replay);
    boolean possible = locked(() -> attachable && state != State.GONE && attachments.add(attachment));
    if (!possible) return Optional.empty();
    try {
      // Again if the device was exchanged meanwhile, which may not have seen this attachment.
      Occupant now, before;
      do {
        now = active();
        attachment.follow(attachable(now));
        before = now;
      } while (active() != before);
    } catch (InterruptedException e) {
      Thread.currentThread().interrupt();
    }
    return Optional.of(attachment);
  }

  void detached(SlotAttachment attachment) { attachments.remove(attachment); }

  private Occupant active() { return locked(() -> state == State.ACTIVE ? occupant : null); }

  private static Attachable attachable(Occupant occupant) { return occupant != null && occupant.device() instanceof Attachable it ? it : null; }

  private String name() { return "device '" + type + "' in slot " + index; }

  private String threadName() { return machine.name() + "-" + type + index; }

  private <T> T locked(Supplier<T> body) {
    lock.lock();
    try {
      return body.get();
    } finally {
      lock.unlock();
    }
  }
}
