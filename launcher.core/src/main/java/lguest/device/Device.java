package lguest.device;

import java.util.Optional;
import org.osgi.annotation.versioning.ConsumerType;

/**
 * One device of one guest. {@link #request} and {@link #service} are called on the guest's thread, never two at a time; the guest stands still
 * meanwhile, so what takes long goes to {@link DeviceContext#executor}. An exception out of either parks the slot and names this device;
 * {@link GuestFaultException} instead ends the guest.
 */
@ConsumerType
public interface Device extends AutoCloseable {
  /**
   * The guest sent a request. It must be {@linkplain Request#complete completed} exactly once, here or later from any thread; the guest resumes when
   * this returns if the request is complete or {@linkplain Request#defer deferred}, else when it is completed.
   */
  void request(Request request) throws Exception;

  /**
   * Input may be ready: a watched descriptor is readable, or somebody called {@link DeviceContext#wake}, or {@link DeviceContext#retry} time is up.
   * Must not block.
   */
  default void service() throws Exception {}

  /** Ends what is in flight, or gives it back, and returns what the next implementation needs. No {@link #request} comes after it; {@link #close} follows. */
  default Optional<DeviceState> drain() throws Exception { return Optional.empty(); }

  /** Gives everything back. Called once. */
  @Override void close() throws Exception;
}
