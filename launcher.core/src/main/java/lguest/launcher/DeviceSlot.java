package lguest.launcher;

import java.util.Map;
import java.util.Optional;
import lguest.device.Attachable;
import org.osgi.annotation.versioning.ProviderType;

/** A place on a guest's bus. It belongs to the guest and outlives the devices put into it. */
@ProviderType
public interface DeviceSlot {
  /** EMPTY: nothing yet. ACTIVE: a device serves it. DRAINING: the device is finishing. PARKED: requests wait for a provider. GONE: the guest has ended. */
  enum State { EMPTY, ACTIVE, DRAINING, PARKED, GONE }

  /** 0..15. */
  int index();

  /** The wanted device type. */
  String type();

  /** What the user wrote for it. */
  String argument();

  State state();

  /** Why it is not ACTIVE, in a sentence. */
  Optional<String> reason();

  /** The device's counters. */
  Map<String, Long> counters();

  /** Attaches to the slot's byte stream, across exchanges of its device. Empty when its device has none. */
  Optional<Attachable.Attachment> attach(Attachable.Output output, boolean replay);
}
