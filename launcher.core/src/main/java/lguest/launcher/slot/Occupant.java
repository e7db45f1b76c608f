package lguest.launcher.slot;

import lguest.device.Device;

/** A device in its slot, with the provider it came from and the door it was given. */
final class Occupant {
  private final Candidate candidate;
  private final SlotContext context;
  private volatile Device device;

  Occupant(Candidate candidate, Slot slot, Machine machine) {
    this.candidate = candidate;
    context = new SlotContext(slot, machine, this);
  }

  Candidate candidate() { return candidate; }

  SlotContext context() { return context; }

  /** The device; null until its provider has opened it. */
  Device device() { return device; }

  void device(Device opened) { device = opened; }
}
