package lguest.launcher.slot;

import java.util.Optional;
import java.util.concurrent.Callable;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.TimeoutException;
import java.util.function.BooleanSupplier;
import java.util.function.Consumer;
import lguest.device.Attachable;
import lguest.device.DeviceState;
import lguest.launcher.system.Descriptors;

/** How a device leaves its slot: step by step, each with its time, after which the device is left behind, and named. */
final class Departure {
  /** Every so many steps' times the user is told what is waited for. */
  private static final int SAY_AGAIN = 10;
  static final BooleanSupplier IMPATIENT = () -> false;

  private final Machine machine;
  private final String name, threadName;
  private final Attachments attachments;
  private int waits;

  /** @param name the device's, for messages */
  Departure(Machine machine, String name, String threadName, Attachments attachments) {
    this.machine = machine;
    this.name = name;
    this.threadName = threadName;
    this.attachments = attachments;
  }

  /** What the device leaves to the next; nothing when it does not drain. */
  Optional<DeviceState> drain(Occupant leaving) {
    Consumer<Optional<DeviceState>> late = state -> { if (state != null) state.ifPresent(Descriptors::close); };
    return this.<Optional<DeviceState>>step("drain", IMPATIENT, () -> leaving.device().drain(), late).orElse(Optional.empty());
  }

  /**
   * Takes a drained device off its attachments and everything else, and closes it.
   *
   * @param patient whether to go on waiting beyond a step's time: for its output to be written, and, as long as it has work going, for its closing. What a guest has written must be on its way to
   *     the medium before its end is told, and a disk takes the time it takes
   */
  void close(Occupant leaving, BooleanSupplier patient) {
    if (!attachments.isEmpty() && leaving.device() instanceof Attachable)
      step("write out its output", patient, () -> {
        attachments.follow(null);
        return null;
      }, nothing -> {});
    step("close", () -> patient.getAsBoolean() && leaving.context().isWorking() && sayWaiting(), () -> {
      leaving.device().close();
      return null;
    }, nothing -> {});
    // Its arena cannot be closed while input or output on it is under way; its threads have been interrupted, so soon.
    for (long waited = 0; !leaving.context().dispose(); waited += 10) {
      if (waited >= machine.limits().step()) {
        machine.log().line(System.Logger.Level.ERROR, name + " still reads or writes guest memory after it was closed, and is left behind", null);
        return;
      }
      sleep(10);
    }
  }

  private boolean sayWaiting() {
    if (++waits % SAY_AGAIN == 1)
      machine.log().line(System.Logger.Level.WARNING, name + " has not finished its work after " + waits * machine.limits().step() / 1000 + " s; the guest's end waits for it", null);
    return true;
  }

  private <T> Optional<T> step(String what, BooleanSupplier patient, Callable<T> step, Consumer<T> late) {
    long millis = machine.limits().step();
    try {
      return Optional.ofNullable(Bounded.call(threadName + "-" + what.replace(' ', '-'), millis, patient, step, late));
    } catch (TimeoutException e) {
      machine.log().line(System.Logger.Level.ERROR, "%s did not %s within %d ms and is left behind".formatted(name, what, millis), null);
    } catch (ExecutionException e) {
      machine.log().line(System.Logger.Level.ERROR, "%s failed to %s".formatted(name, what), e.getCause());
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
}
