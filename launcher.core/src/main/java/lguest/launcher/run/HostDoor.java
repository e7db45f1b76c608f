package lguest.launcher.run;

import java.util.Map;
import java.util.Optional;
import java.util.concurrent.locks.StampedLock;
import lguest.host.Host;

/** A guest's Host, for those who may still knock when it is gone or come before it is there: they find nobody, and no error. The last figures can be asked for afterwards. */
final class HostDoor {
  private final StampedLock lock = new StampedLock();
  private Host host;
  private volatile long instructions;
  private volatile Map<String, Long> statistics = Map.of();

  void open(Host opened) {
    long stamp = lock.writeLock();
    host = opened;
    lock.unlockWrite(stamp);
  }

  /** The guest's thread, between {@link #open} and {@link #close}. */
  Host host() { return host; }

  Optional<Host.DmaBuffer> getDma(long key) { return host == null ? Optional.empty() : host.getDma(key); }

  void interrupt(int irq) { knock(() -> host.interrupt(irq)); }

  void memoryWritten(long address, long length) { knock(() -> host.memoryWritten(address, length)); }

  void breakIn() { knock(() -> host.breakIn()); }

  long instructions() {
    knock(() -> instructions = host.instructions());
    return instructions;
  }

  Map<String, Long> statistics() {
    knock(() -> statistics = host.statistics());
    return statistics;
  }

  /** Closes the Host. The guest's thread, or the only one that ever had it. */
  void close() {
    long stamp = lock.writeLock();
    Host closing = host;
    host = null;
    lock.unlockWrite(stamp);
    if (closing == null) return;
    try {
      instructions = closing.instructions();
      statistics = closing.statistics();
    } finally {
      closing.close();
    }
  }

  private void knock(Runnable call) {
    long stamp = lock.readLock();
    try {
      if (host != null) call.run();
    } finally {
      lock.unlockRead(stamp);
    }
  }
}
