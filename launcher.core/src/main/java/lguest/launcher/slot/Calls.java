package lguest.launcher.slot;

import java.util.concurrent.TimeUnit;
import lguest.device.Device;
import lguest.device.GuestFaultException;
import lguest.memory.InvalidAddressException;

/** The calls into a slot's device on the guest's thread: one at a time, and only while the device is ACTIVE. */
final class Calls {
  /** A call into a device. */
  interface Call { void on(Device device) throws Exception; }

  /** What to do with a device that threw. */
  interface Fault { void of(Occupant device, Throwable fault); }

  private final Machine machine;
  private final String name;
  private final Occupancy occupancy;
  private final Fault fault;
  /** The guest's thread while it is in the device. Under the occupancy's lock. */
  private Thread calling;

  Calls(Machine machine, String name, Occupancy occupancy, Fault fault) {
    this.machine = machine;
    this.name = name;
    this.occupancy = occupancy;
    this.fault = fault;
  }

  /** Calls the device, if it is still there. What it throws is handled, but for a guest's fault, which comes out. */
  void call(Occupant callee, Call call) {
    if (occupancy.active(here -> here == callee ? calling = Thread.currentThread() : null).isEmpty()) return;
    try {
      call.on(callee.device());
    } catch (GuestFaultException | InvalidAddressException e) {
      throw e;
    } catch (Throwable e) {
      fault.of(callee, e);
    } finally {
      occupancy.changing(() -> {
        calling = null;
        // Interrupted, if at all, to make it leave this call; the guest's thread itself goes on.
        return Thread.interrupted();
      });
    }
  }

  /** Whether this thread is in a call to this device. */
  boolean isCalling(Occupant device) { return occupancy.locked(() -> calling == Thread.currentThread() && occupancy.isOccupant(device)); }

  /** Makes a call that goes on return soon, for the guest is to stop. Any thread. */
  void interrupt() {
    occupancy.locked(() -> {
      if (calling != null && calling != Thread.currentThread()) calling.interrupt();
      return null;
    });
  }

  /** Waits for a call that goes on to return, by itself or interrupted. The guest's thread cannot be taken out of one that does neither: then the guest stands still until it returns. */
  void end() {
    if (awaitNone()) return;
    interrupt();
    if (awaitNone()) return;
    machine.log().line(System.Logger.Level.ERROR, name + " does not return from a call, and holds the guest's thread; the guest stands still until it does", null);
  }

  private boolean awaitNone() { return occupancy.await(() -> calling == null, System.nanoTime() + TimeUnit.MILLISECONDS.toNanos(machine.limits().step())); }
}
