package lguest.launcher.slot;

import java.util.Optional;
import lguest.device.DeviceContext;
import lguest.host.Host;
import lguest.launcher.GuestEnd;
import lguest.launcher.GuestLog;
import lguest.launcher.memory.MappedMemory;

/** What a slot sees of the guest it belongs to. Any thread, but for {@link #getDma}. Before the guest runs and after its end nothing reaches the Host, without an error. */
public interface Machine {
  String name();

  MappedMemory memory();

  GuestLog log();

  /** How long devices are waited for. */
  Limits limits();

  /** {@link Host#getDma}; the guest's thread only. */
  Optional<Host.DmaBuffer> getDma(long key);

  void interrupt(int irq);

  void memoryWritten(long address, long length);

  /** Has the guest's thread look at its slots again if it is waiting for one of them. */
  void ring();

  /** Has the guest's thread look at its slots again, even if it has to be taken out of the guest for that. */
  void breakIn();

  /** Has the Waker call {@code ready} when a descriptor is readable: once, and again after each {@link Watched#rearm}. */
  Watched watch(int fileDescriptor, Runnable ready);

  /** Has the Waker call {@code action} after a time. */
  void later(long millis, Runnable action);

  /** Ends the guest. The first end counts. */
  void end(GuestEnd end);

  /** Whether the guest's end has been decided. */
  boolean ending();

  /** A descriptor under the Waker's eyes. */
  interface Watched extends DeviceContext.Watch {
    void rearm();
  }
}
