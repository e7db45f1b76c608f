package lguest.host.software;

import java.lang.management.ManagementFactory;
import java.lang.management.ThreadMXBean;

/**
 * Processor time spent inside the guest, as opposed to what Host, Launcher and devices need around it. Reading a thread's clock
 * costs as much as some exits, so it is measured only on request: {@code -Dlguest.host.time=true}. One thread, the guest's.
 */
final class GuestTime {
  private static final int CALIBRATION_ROUNDS = 2000;

  private final ThreadMXBean threads = ManagementFactory.getThreadMXBean();

  /** Nanoseconds; counted as the guest's, so that the rest is as if nothing had been measured. */
  private final long pairNanos;

  private volatile long nanos;
  private long entered;

  GuestTime() {
    measureNothing(); // until compiled
    pairNanos = measureNothing();
  }

  /** What a measurement costs that it does not see itself. */
  private long measureNothing() {
    long start = threads.getCurrentThreadCpuTime();
    long seen = 0;
    for (int i = 0; i < CALIBRATION_ROUNDS; i++) {
      long before = threads.getCurrentThreadCpuTime();
      seen += threads.getCurrentThreadCpuTime() - before;
    }
    return (threads.getCurrentThreadCpuTime() - start - seen) / CALIBRATION_ROUNDS;
  }

  static boolean wanted() { return Boolean.getBoolean("lguest.host.time"); }

  void enter() { entered = threads.getCurrentThreadCpuTime(); }

  void leave() {
    long now = threads.getCurrentThreadCpuTime();
    nanos += now - entered + pairNanos;
  }

  /** Nanoseconds so far, from any thread. */
  long nanos() { return nanos; }
}
