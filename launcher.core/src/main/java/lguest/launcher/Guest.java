package lguest.launcher;

import java.time.Duration;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import org.osgi.annotation.versioning.ProviderType;

/** One guest. Any thread. */
@ProviderType
public interface Guest extends AutoCloseable {
  /** READY: loaded, not started. RUNNING: its thread runs it. ENDED: see {@link #end}. */
  enum State { READY, RUNNING, ENDED }

  String name();

  GuestSpec spec();

  State state();

  /** Starts its thread; once. */
  void start();

  /** Ends it as if it had been switched off, and returns when it has ended. Does nothing to an ended guest. */
  void stop();

  /** Waits for the end. */
  GuestEnd await() throws InterruptedException;

  /** How it ended, once it has. */
  Optional<GuestEnd> end();

  /** Since {@link #start}, until the end. */
  Duration uptime();

  /** Processor time the guest's thread has used, for the guest and for serving it. */
  Duration processorTime();

  /** Guest instructions executed. */
  long instructions();

  /** The Host's counters, see {@link lguest.host.Host#statistics}. */
  Map<String, Long> statistics();

  /** Its device slots in bus order. */
  List<DeviceSlot> slots();

  /** Ends it if need be and frees everything. */
  @Override void close();
}
