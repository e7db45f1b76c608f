package lguest.launcher.slot;

import java.util.List;
import java.util.Optional;
import java.util.concurrent.CopyOnWriteArrayList;
import java.util.function.Supplier;
import lguest.device.Attachable;
import lguest.device.Device;

/** Those attached to a slot, and the device they are attached to at the moment. */
final class Attachments {
  private final List<SlotAttachment> attached = new CopyOnWriteArrayList<>();
  private volatile boolean attachable, gone;

  boolean isEmpty() { return attached.isEmpty(); }

  /** Whether the slot's devices are of a kind that can be attached to. */
  void learn(Device device) { attachable |= device instanceof Attachable; }

  /** Attaches somebody; {@code active} tells who sits in the slot. Empty when its devices have no byte stream, or there was none yet. */
  Optional<Attachable.Attachment> attach(Attachable.Output output, boolean replay, Supplier<Optional<Occupant>> active) {
    SlotAttachment attachment = new SlotAttachment(attached::remove, output, replay);
    if (!attachable || gone) return Optional.empty();
    attached.add(attachment);
    try {
      // Again if the device was exchanged meanwhile by somebody who did not see this attachment yet.
      Optional<Occupant> now;
      do {
        now = active.get();
        attachment.follow(stream(now.orElse(null)));
      } while (!active.get().equals(now));
    } catch (InterruptedException e) {
      Thread.currentThread().interrupt();
    }
    if (gone) attachment.gone();
    return Optional.of(attachment);
  }

  /** All follow to this device; null: there is none. May wait for their output. */
  void follow(Occupant occupant) throws InterruptedException {
    for (SlotAttachment attachment : attached) attachment.follow(stream(occupant));
  }

  private static Attachable stream(Occupant occupant) { return occupant != null && occupant.device() instanceof Attachable it ? it : null; }

  /** There will be no device any more. */
  void gone() {
    gone = true;
    attached.forEach(SlotAttachment::gone);
  }
}
