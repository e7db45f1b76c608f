package lguest.launcher;

import java.util.Map;
import java.util.Optional;
import java.util.function.Consumer;
import lguest.device.Attachable;
import org.osgi.annotation.versioning.ProviderType;

/** A place on a guest's bus. It belongs to the guest and outlives the devices put into it. Any thread. */
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

  /** Whose device serves it: its bundle's symbolic name and version, such as {@code lguest.device.block 0.1.0}. Empty when there is none. */
  Optional<String> provider();

  /** Requests the guest has sent that are not complete. */
  int requestsWaiting();

  /** The device's counters. */
  Map<String, Long> counters();

  /** What the slot itself has counted and measured. */
  SlotStatistics statistics();

  /**
   * Takes the device out and lets requests wait until {@link #resume}, whoever may come; the device's state is kept. Returns at once; {@link #state} tells when it is PARKED.
   *
   * @param reason what people who look at the slot are told
   */
  void park(String reason);

  /** Goes on after {@link #park}, and tries once more a provider whose device has failed or could not be opened. Returns at once. */
  void resume();

  /**
   * Has another provider of the type serve this slot, whatever the rankings are, and go on doing so when its bundle is updated: while it is away the slot is parked. An empty name: the best again.
   * Returns at once.
   *
   * @param provider its bundle's symbolic name, or that and its version as {@link ProviderInfo#label} has it
   * @throws LaunchException there is no such provider of this type
   */
  void swap(String provider) throws LaunchException;

  /**
   * Reports each request and each filled buffer when it is complete, in order of completion, until what is returned is closed. The listener is called on the guest's and the device's threads and
   * must not take long; one that throws is called no more.
   */
  AutoCloseable trace(Consumer<RequestTrace> listener);

  /** Attaches to the slot's byte stream, across exchanges of its device. Empty when its device has none. */
  Optional<Attachable.Attachment> attach(Attachable.Output output, boolean replay);
}
