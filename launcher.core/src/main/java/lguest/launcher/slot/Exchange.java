package lguest.launcher.slot;

import java.util.Optional;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.TimeoutException;
import java.util.function.BooleanSupplier;
import lguest.device.Device;
import lguest.device.DeviceConfig;
import lguest.device.DeviceException;
import lguest.device.DeviceState;
import lguest.launcher.slot.Occupancy.Step;
import lguest.launcher.system.Descriptors;
import lguest.launcher.system.OsException;

/**
 * The work of exchanging a slot's device, on a thread of its own, one step after the other until the device is there that should be. All of it is code that is not ours: each call has its time, after
 * which it is left behind and named, for neither the guest nor OSGi may have to wait for it.
 */
final class Exchange {
  /** The slot, as far as this has to know. */
  interface Tenancy {
    /** A device has been opened: what it says about itself is what it is. */
    void settled(Occupant occupant) throws DeviceException;

    /** Nobody sits there now; what the device had not finished is nobody's. Under the lock. */
    void vacated();
  }

  private final Machine machine;
  private final Slot slot;
  private final Occupancy occupancy;
  private final Calls calls;
  private final Attachments attachments;
  private final Departure departure;
  private final Tenancy tenancy;
  private final String name, threadName;

  Exchange(Machine machine, Slot slot, Occupancy occupancy, Calls calls, Attachments attachments, Tenancy tenancy) {
    this.machine = machine;
    this.slot = slot;
    this.occupancy = occupancy;
    this.calls = calls;
    this.attachments = attachments;
    this.tenancy = tenancy;
    name = slot.name();
    threadName = machine.name() + "-" + slot.type() + slot.index();
    departure = new Departure(machine, name, threadName, attachments);
  }

  /** Something may have changed: sees to it, if nobody does already. Returns at once. */
  void start() { if (occupancy.startExchange()) Thread.ofPlatform().daemon().name(threadName + "-exchange").start(this::run); }

  private void run() {
    try {
      while (true) {
        switch (occupancy.next()) {
          case Step.Leave(Occupant leaving) -> leave(leaving);
          case Step.Enter(Candidate coming, Optional<DeviceState> state) -> enter(coming, state);
          case Step.Rest() -> { return; }
        }
      }
    } catch (Throwable e) {
      machine.log().line(System.Logger.Level.ERROR, "the exchange of " + name + " failed, by a fault of the Launcher", e);
      occupancy.broken("the exchange of " + name + " failed, by a fault of the Launcher: " + e, tenancy::vacated);
    }
  }

  private void leave(Occupant leaving) {
    calls.end();
    Optional<DeviceState> left = departure.drain(leaving);
    departure.close(leaving, Departure.IMPATIENT);
    occupancy.left(left, tenancy::vacated);
  }

  private void enter(Candidate coming, Optional<DeviceState> state) {
    Occupant next = new Occupant(coming, slot, machine);
    try {
      openBounded(next, state);
    } catch (Throwable e) {
      refuse(coming, e);
      return;
    }
    if (!occupancy.entered(next)) {
      departure.close(next, Departure.IMPATIENT);
      return;
    }
    // The requests that waited are let go, and there may be input that nobody was told of.
    slot.askForService();
    machine.breakIn();
  }

  /** A device did not come in. If its provider has left meanwhile that is no fault: its bundle was torn down under it. */
  private void refuse(Candidate coming, Throwable fault) {
    boolean known = fault instanceof DeviceException;
    String why = name + " could not be opened: " + (known ? fault.getMessage() : fault.toString());
    if (!occupancy.refused(coming, why)) machine.log().line(System.Logger.Level.DEBUG, why + ", and its provider has left", null);
    else machine.log().line(known ? System.Logger.Level.WARNING : System.Logger.Level.ERROR, why, known ? null : fault);
  }

  /** Opens a slot's first device, or leaves nothing. */
  Occupant openFirst(Candidate candidate) throws Throwable {
    Occupant first = new Occupant(candidate, slot, machine);
    openBounded(first, Optional.empty());
    return first;
  }

  /** Opens a device and has the attached follow it, or leaves nothing. */
  private void openBounded(Occupant next, Optional<DeviceState> state) throws Throwable {
    Limits limits = machine.limits();
    long deadline = System.nanoTime() + TimeUnit.MILLISECONDS.toNanos(limits.open());
    // A provider that leaves is not waited for that long.
    BooleanSupplier patient = () -> occupancy.isWanted(next.candidate()) && System.nanoTime() - deadline < 0;
    try {
      Bounded.call(threadName + "-open", Math.min(limits.step(), limits.open()), patient, () -> {
        open(next, state);
        attachments.follow(next);
        return next;
      }, late -> { if (next.device() != null) departure.close(next, Departure.IMPATIENT); });
    } catch (TimeoutException e) {
      next.context().dispose();
      throw new DeviceException("%s did not open within %d ms and is left behind".formatted(name, limits.open()));
    } catch (ExecutionException e) {
      if (next.device() != null) departure.close(next, Departure.IMPATIENT);
      throw e.getCause();
    }
  }

  /** Opens a device, with descriptors of its own. What has been opened is {@code next}'s even if something is wrong with it, else there is nothing left. */
  private void open(Occupant next, Optional<DeviceState> state) throws DeviceException {
    Optional<DeviceState> copy = state.isEmpty() ? state : Optional.of(copy(state.get()));
    try {
      Device device = next.candidate().provider().open(new DeviceConfig(slot.argument(), copy), next.context());
      next.device(device);
    } finally {
      if (next.device() == null) {
        next.context().dispose();
        copy.ifPresent(Descriptors::close);
      }
    }
    if (next.device() == null) throw new IllegalStateException("its provider opened nothing");
    tenancy.settled(next);
    attachments.learn(next.device());
  }

  private static DeviceState copy(DeviceState state) throws DeviceException {
    try {
      return Descriptors.copy(state);
    } catch (OsException e) {
      throw new DeviceException("a descriptor that the last device left cannot be handed over: " + e.getMessage(), e);
    }
  }

  /** Closes a device for good, because its guest has ended. */
  void close(Occupant last, BooleanSupplier patient) { departure.close(last, patient); }
}
