package lguest.shell.device;

import java.util.function.BooleanSupplier;
import lguest.launcher.DeviceSlot;
import lguest.launcher.DeviceSlot.State;
import lguest.shell.command.Call;
import lguest.shell.command.Targets;
import lguest.shell.words.UserError;

/** Waits for what a slot was told to do: it returns at once, but who typed the command wants to know how it went. */
final class Settling {
  private static final long PATIENCE_MILLIS = 15_000;
  /** Parked for so long without a change, nothing more is to be expected. */
  private static final long CALM_MILLIS = 1_000;
  private static final long LOOK_MILLIS = 2;

  private Settling() {}

  /** Waits until a device serves the slot and {@code done}; a slot that stays parked is an error that says why. */
  static void awaitActive(Targets.Device device, BooleanSupplier done) throws UserError, InterruptedException {
    DeviceSlot slot = device.slot();
    long now = System.nanoTime(), parkedSince = now;
    String reason = "";
    for (long end = now + PATIENCE_MILLIS * 1_000_000; now < end; now = System.nanoTime()) {
      State state = slot.state();
      if (state == State.ACTIVE && done.getAsBoolean()) return;
      if (state == State.GONE) break;
      String current = slot.reason().orElse("");
      if (state != State.PARKED || !current.equals(reason)) parkedSince = now;
      reason = current;
      if (now - parkedSince > CALM_MILLIS * 1_000_000) break;
      Thread.sleep(LOOK_MILLIS);
    }
    throw UserError.of(device.title() + " is " + Shown.stateAndReason(slot) + slot.provider().map(provider -> ", served by " + provider).orElse(""));
  }

  static void awaitParked(Targets.Device device) throws UserError, InterruptedException {
    for (long end = System.nanoTime() + PATIENCE_MILLIS * 1_000_000; device.slot().state() != State.PARKED; Thread.sleep(LOOK_MILLIS))
      if (device.slot().state() == State.GONE || System.nanoTime() > end)
        throw UserError.of(device.title() + " is " + Shown.stateAndReason(device.slot()));
  }

  /** Tells what the slot is now. */
  static void tell(Call call, Targets.Device device) {
    call.answer(Shown.json(device), device.title() + " is " + Shown.stateAndReason(device.slot())
        + device.slot().provider().map(provider -> ", served by " + provider).orElse(""));
  }
}
