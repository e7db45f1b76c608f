package lguest.launcher.slot;

import java.util.List;
import java.util.Optional;
import java.util.concurrent.CopyOnWriteArrayList;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.locks.Condition;
import java.util.concurrent.locks.ReentrantLock;
import java.util.function.BooleanSupplier;
import java.util.function.Function;
import java.util.function.Supplier;
import lguest.device.Attachable;
import lguest.device.Device;
import lguest.device.DeviceConfig;
import lguest.device.DeviceException;
import lguest.device.DeviceState;
import lguest.device.GuestFaultException;
import lguest.launcher.DeviceSlot.State;
import lguest.memory.InvalidAddressException;

/**
 * Tour 3.7: Who sits there
 *
 * <p>Providers come and go while guests run; this is what then happens in a slot. "It throws" is any exception that is not the guest's fault.
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
 * <p>A device is called by the guest's thread only, and only while the slot is ACTIVE. Exchanges run on a thread of their own, one at a time, until the device is there that should
 * be. Each step a device has to take by itself is given a second; after that it is left behind and named, for neither the guest nor OSGi may have to wait for it.
 */
final class Occupancy {
  /** The slot, as far as it has to know. Called with the lock held. */
  interface Tenancy {
    /** Nobody sits there now; what the device had not finished is nobody's. */
    void vacated();

    /** The guest has ended. */
    void ended();
  }

  /** A call into a device, on the guest's thread. */
  interface Call { void on(Device device) throws Exception; }

  private final Machine machine;
  private final Slot slot;
  private final String name, threadName;
  private final Tenancy tenancy;
  private final Departure departure;
  private final List<SlotAttachment> attachments = new CopyOnWriteArrayList<>();

  private final ReentrantLock lock = new ReentrantLock();
  private final Condition changed = lock.newCondition();
  // All below under the lock.
  private State state = State.EMPTY;
  private String reason = "the guest is being made";
  private Occupant occupant;
  /** The guest's thread while it is in the device. */
  private Thread calling;
  private Optional<DeviceState> saved = Optional.empty();
  /** Whose device should sit here, whose has failed here, and whose is being opened. */
  private Candidate wanted, refused, entering;
  private boolean exchanging, attachable;

  Occupancy(Machine machine, Slot slot, Tenancy tenancy) {
    this.machine = machine;
    this.slot = slot;
    this.tenancy = tenancy;
    name = "device '" + slot.type() + "' in slot " + slot.index();
    threadName = machine.name() + "-" + slot.type() + slot.index();
    departure = new Departure(machine, name, threadName);
  }

  /** The device's name, for messages. */
  String name() { return name; }

  State state() { return locked(() -> state); }

  /** Why it is not ACTIVE. */
  Optional<String> reason() { return locked(() -> state == State.ACTIVE ? Optional.<String>empty() : Optional.of(reason)); }

  /** Does something with nobody coming or going meanwhile. */
  <T> T locked(Supplier<T> body) {
    lock.lock();
    try {
      return body.get();
    } finally {
      lock.unlock();
    }
  }

  /** {@link #locked} with the ACTIVE device, or nothing. */
  <T> Optional<T> active(Function<Occupant, T> body) { return locked(() -> state == State.ACTIVE ? Optional.ofNullable(body.apply(occupant)) : Optional.empty()); }

  // The guest's thread.

  /** Calls the device, if it is still there. What it throws is handled, but for a guest's fault, which comes out. */
  void call(Occupant callee, Call call) {
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

  /** Whether this thread is in a call to this device. */
  boolean isCalling(Occupant device) { return locked(() -> occupant == device && calling == Thread.currentThread()); }

  /** Makes a call into the device that goes on return soon, for the guest is to stop. Any thread. */
  void interruptCall() {
    locked(() -> {
      if (calling != null && calling != Thread.currentThread()) calling.interrupt();
      return null;
    });
  }

  /** A device threw: it is named, and the slot parks until another provider comes. Any thread. */
  void failed(Occupant device, Throwable fault) {
    boolean first = locked(() -> {
      if (machine.ending() || occupant != device || state != State.ACTIVE || device.candidate().is(refused)) return false;
      refused = device.candidate();
      reason = name + " failed: " + fault + "; its requests wait for another version of it";
      return true;
    });
    if (!first) return;
    machine.log().line(System.Logger.Level.ERROR, name + " failed and is parked; its requests wait for another version of it", fault);
    startExchange();
  }

  // Coming and going.

  /** Puts the first device in. When that fails nothing of it is left. */
  void openFirst(Candidate candidate) throws DeviceException {
    Occupant first = new Occupant(candidate, slot, machine);
    try {
      open(first);
    } catch (Throwable e) {
      if (first.device() != null) departure.close(first, List.of(), Departure.IMPATIENT);
      throw e;
    }
    locked(() -> {
      wanted = candidate;
      occupant = first;
      return state = State.ACTIVE;
    });
  }

  /** Says whose device should sit here; null: there is nobody. Returns at once. */
  void want(Candidate best) {
    locked(() -> {
      if (best == null || !best.is(refused)) refused = null;
      return wanted = best;
    });
    startExchange();
  }

  /** Waits until no device of this provider sits here or is about to, at most until {@code deadline} ({@link System#nanoTime}). */
  boolean awaitWithout(Candidate candidate, long deadline) {
    return await(() -> (occupant == null || !occupant.candidate().is(candidate)) && (entering == null || !entering.is(candidate)), deadline);
  }

  private void startExchange() {
    boolean start = locked(() -> !exchanging && state != State.EMPTY && !isSettled() && (exchanging = true));
    if (start) Thread.ofPlatform().daemon().name(threadName + "-exchange").start(this::exchangeUntilSettled);
  }

  /** Who should sit here: the one wanted, unless it has failed here. */
  private Candidate target() { return wanted != null && wanted.is(refused) ? null : wanted; }

  private boolean isSettled() {
    Candidate target = target();
    return state == State.GONE || (occupant == null ? target == null : occupant.candidate().is(target));
  }

  private void exchangeUntilSettled() {
    try {
      while (exchange()) {}
    } catch (Throwable e) {
      machine.log().line(System.Logger.Level.ERROR, "the exchange of " + name + " failed, by a fault of the Launcher", e);
      locked(() -> {
        // Not again and again: it stays parked until somebody else is wanted.
        refused = wanted;
        occupant = null;
        if (state == State.GONE) return null;
        reason = "the exchange of " + name + " failed: " + e;
        tenancy.vacated();
        return state = State.PARKED;
      });
    } finally {
      locked(() -> {
        exchanging = false;
        entering = null;
        changed.signalAll();
        return null;
      });
      // Something may have been wanted since the last look.
      startExchange();
    }
  }

  /** One step towards who should sit here. False when there is none to take. */
  private boolean exchange() {
    Occupant leaving;
    Candidate coming;
    lock.lock();
    try {
      if (isSettled()) {
        if (state == State.PARKED && wanted == null) reason = "there is no provider of type '" + slot.type() + "'; requests wait for one";
        return false;
      }
      leaving = occupant;
      coming = target();
      if (leaving == null) {
        entering = coming;
      } else {
        state = State.DRAINING;
        if (refused == null) reason = coming == null ? "its provider leaves" : "another provider takes over";
      }
    } finally {
      lock.unlock();
    }
    if (leaving != null) leave(leaving);
    else enter(coming);
    return true;
  }

  private void leave(Occupant leaving) {
    if (!awaitNoCall()) {
      locked(() -> {
        if (calling != null) calling.interrupt();
        return null;
      });
      awaitNoCall();
    }
    Optional<DeviceState> left = departure.drain(leaving);
    departure.close(leaving, attachments, Departure.IMPATIENT);
    locked(() -> {
      occupant = null;
      changed.signalAll();
      if (state == State.GONE) return null;
      saved = left;
      tenancy.vacated();
      return state = State.PARKED;
    });
  }

  private void enter(Candidate coming) {
    Occupant next = new Occupant(coming, slot, machine);
    try {
      open(next);
      for (SlotAttachment attachment : attachments) attachment.follow(attachable(next));
    } catch (Throwable e) {
      if (next.device() != null) departure.close(next, attachments, Departure.IMPATIENT);
      refuse(coming, e);
      return;
    }
    boolean active = locked(() -> {
      entering = null;
      changed.signalAll();
      if (state == State.GONE) return false;
      occupant = next;
      state = State.ACTIVE;
      return true;
    });
    if (!active) departure.close(next, attachments, Departure.IMPATIENT);
    // The requests that waited are let go, and there may be input that nobody was told of.
    slot.askForService();
    machine.breakIn();
  }

  /** A device did not come in. If its provider has left meanwhile that is no fault: its bundle was torn down under it. */
  private void refuse(Candidate coming, Throwable fault) {
    boolean known = fault instanceof DeviceException;
    String why = name + " could not be opened: " + (known ? fault.getMessage() : fault.toString());
    boolean stillWanted = locked(() -> {
      entering = null;
      changed.signalAll();
      if (!coming.is(wanted)) return false;
      refused = coming;
      reason = why;
      return true;
    });
    if (stillWanted) machine.log().line(known ? System.Logger.Level.WARNING : System.Logger.Level.ERROR, why, known ? null : fault);
    else machine.log().line(System.Logger.Level.DEBUG, why + ", and its provider has left", null);
  }

  /** Opens a device; what has been opened is {@code next}'s even if something is wrong with it, else there is nothing left. */
  private void open(Occupant next) throws DeviceException {
    try {
      next.device(next.candidate().provider().open(new DeviceConfig(slot.argument(), locked(() -> saved)), next.context()));
    } finally {
      if (next.device() == null) next.context().dispose();
    }
    if (next.device() == null) throw new IllegalStateException("its provider opened nothing");
    if (slot.description() == null) throw new IllegalStateException("it did not describe itself");
    locked(() -> attachable |= next.device() instanceof Attachable);
  }

  /** Waits a step's time for the guest's thread to be out of the device. */
  private boolean awaitNoCall() { return await(() -> calling == null, deadline(1)); }

  private static long deadline(int steps) { return System.nanoTime() + TimeUnit.MILLISECONDS.toNanos(steps * Departure.STEP_MILLIS); }

  /** Waits until something under the lock is so. An interrupt of the caller waits until this is over. */
  private boolean await(BooleanSupplier condition, long deadline) {
    boolean interrupted = false;
    lock.lock();
    try {
      while (!condition.getAsBoolean()) {
        long left = deadline - System.nanoTime();
        if (left <= 0) return false;
        try {
          changed.awaitNanos(left);
        } catch (InterruptedException e) {
          interrupted = true;
        }
      }
      return true;
    } finally {
      lock.unlock();
      if (interrupted) Thread.currentThread().interrupt();
    }
  }

  /** The guest has ended: closes the device for good. Its output is waited for, longer than a step's time as long as {@code patient} says so. */
  void gone(BooleanSupplier patient) {
    Occupant last = locked(() -> {
      Occupant active = state == State.ACTIVE ? occupant : null;
      state = State.GONE;
      reason = "the guest has ended";
      tenancy.ended();
      changed.signalAll();
      return active;
    });
    if (last != null) departure.close(last, attachments, patient);
    // An exchange under way sees that the slot is gone, and closes what it holds.
    await(() -> !exchanging, deadline(6));
    locked(() -> occupant = null);
    attachments.forEach(SlotAttachment::gone);
  }

  // Attachments.

  Optional<Attachable.Attachment> attach(Attachable.Output output, boolean replay) {
    SlotAttachment attachment = new SlotAttachment(attachments::remove, output, replay);
    if (!locked(() -> attachable && state != State.GONE && attachments.add(attachment))) return Optional.empty();
    try {
      // Again if the device was exchanged meanwhile by somebody who did not see this attachment yet.
      Optional<Occupant> now;
      do {
        now = active(here -> here);
        attachment.follow(attachable(now.orElse(null)));
      } while (!active(here -> here).equals(now));
    } catch (InterruptedException e) {
      Thread.currentThread().interrupt();
    }
    return Optional.of(attachment);
  }

  private static Attachable attachable(Occupant occupant) { return occupant != null && occupant.device() instanceof Attachable it ? it : null; }
}
