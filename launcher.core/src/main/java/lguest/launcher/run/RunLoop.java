package lguest.launcher.run;

import java.util.function.BooleanSupplier;
import lguest.device.GuestFaultException;
import lguest.host.Host;
import lguest.host.Sleeper;
import lguest.launcher.GuestEnd;
import lguest.launcher.slot.Bus;
import lguest.launcher.slot.Machine;
import lguest.memory.InvalidAddressException;

/**
 * Tour 3.4: The run loop
 *
 * <p>This is what the Launcher does for a living: let the guest run, and see why it came back. It sent something to a device; or somebody broke it out because there is
 * input; or it is dead. Everything else a guest does never leaves the Host.
 */
final class RunLoop implements Runnable {
  /** What a guest that switches itself off dies of (ABI appendix B, 19). */
  private static final String POWER_OFF = "CRASH: Power down";

  private final Machine machine;
  private final Host host;
  private final Bus bus;
  private final Bell bell;
  private final Gate gate;
  private final Sleeper sleeper;

  RunLoop(Machine machine, Host host, Bus bus, Bell bell, Gate gate, Sleeper sleeper) {
    this.machine = machine;
    this.host = host;
    this.bus = bus;
    this.bell = bell;
    this.gate = gate;
    this.sleeper = sleeper;
  }

  /** Runs the guest to its end, which {@link Machine#end} is told. */
  @Override public void run() {
    try {
      while (gate.enter(machine::ending)) {
        Host.Outcome outcome;
        try {
          outcome = host.run();
        } finally {
          gate.leave();
        }
        switch (outcome) {
          case Host.Outcome.Dma(long address, long key) -> awaitRelease(bus.send(address, key));
          case Host.Outcome.Break() -> {
            // Released first: a wish for service that comes while we serve breaks in again, and none is lost.
            host.release();
            bus.work();
          }
          case Host.Outcome.Dead(String reason) -> machine.end(end(reason.strip()));
        }
      }
    } catch (GuestFaultException | InvalidAddressException e) {
      machine.end(new GuestEnd(GuestEnd.Kind.DIED, e.getMessage(), 1));
    } catch (Throwable e) {
      machine.end(new GuestEnd(GuestEnd.Kind.FAILED, "the Host failed: " + e, 1));
      machine.log().line(System.Logger.Level.ERROR, "the Host failed, and the guest with it", e);
    }
  }

  private static GuestEnd end(String reason) {
    return reason.equals(POWER_OFF) ? new GuestEnd(GuestEnd.Kind.POWER_OFF, reason.substring("CRASH: ".length()), 0) : new GuestEnd(GuestEnd.Kind.DIED, reason, 1);
  }

  /** The guest stands still until its request is done, or its slot has a device again that does it. Meanwhile the slots work on, for that may be what it takes. */
  private void awaitRelease(BooleanSupplier released) {
    while (!machine.ending()) {
      long ticket = bell.ticket();
      if (released.getAsBoolean()) return;
      // What is waited for may be input.
      sleeper.busy();
      boolean worked = bus.work();
      if (released.getAsBoolean()) return;
      if (!worked) bell.await(ticket);
    }
  }
}
