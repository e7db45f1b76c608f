package lguest.launcher;

import java.io.IOException;
import java.lang.foreign.MemorySegment;
import java.nio.file.Path;
import java.time.Duration;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import org.osgi.annotation.versioning.ProviderType;

/** One guest. Any thread. */
@ProviderType
public interface Guest extends AutoCloseable {
  /** READY: loaded, not started. RUNNING: its thread runs it. PAUSED: its thread stands still. ENDED: see {@link #end}. */
  enum State { READY, RUNNING, PAUSED, ENDED }

  String name();

  GuestSpec spec();

  State state();

  /** Starts its thread; once. */
  void start();

  /**
   * Has its processor stand still, and returns when it does. Devices finish what they have begun, and can be exchanged; input and due timers wait. Does nothing to a guest that is paused or has ended.
   *
   * @throws IllegalStateException it has not been started
   */
  void pause();

  /** Has its processor go on after {@link #pause}. Does nothing to any other guest. */
  void resume();

  /** Ends it as if it had been switched off: devices do what the guest has asked them for, disks are synced. Returns when it has ended. Does nothing to an ended guest. */
  void stop();

  /** Ends it at once: a device that does not let go within a moment is left behind. For a guest that {@link #stop} takes too long for. */
  void kill();

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

  /** The Host's name, such as {@code software x86}. */
  String host();

  /** Its device slots in bus order. */
  List<DeviceSlot> slots();

  /**
   * Adds a slot at the next free place of the bus, with a device in it if anybody provides the type, else parked. The guest finds its descriptor when it looks at the bus page again (ABI §3.2); it is
   * not told, since the bus has no way to. The same is true of a slot whose first device comes after the guest has booted.
   *
   * @throws LaunchException the device cannot be opened, the bus is full or the guest has ended; nothing has been added
   */
  DeviceSlot addDevice(GuestSpec.DeviceSpec device) throws LaunchException;

  /**
   * A live, read-only view of its memory: byte n is guest-physical address n; RAM first, then the bus and device pages. Once the guest has ended, reading it is an {@link IllegalStateException}.
   *
   * @throws IllegalStateException it has ended
   */
  MemorySegment memoryView();

  /**
   * Writes its RAM to a new file, byte n being guest-physical address n; pages of zeros become holes. A running guest stands still meanwhile.
   *
   * @throws IllegalStateException it has ended
   */
  void dump(Path file) throws IOException;

  /** Ends it if need be and frees everything. */
  @Override void close();
}
