package lguest.launcher.slot;

import java.time.Duration;
import java.util.concurrent.atomic.AtomicLong;
import java.util.concurrent.atomic.AtomicLongArray;
import lguest.launcher.SlotStatistics;

/** How often which time was measured, to 3%: 32 equal classes between any power of two and the next. Any thread. */
final class Histogram {
  private static final int FINE = 5, CLASSES = 64 - FINE << FINE;
  private final AtomicLongArray counts = new AtomicLongArray(CLASSES);
  private final AtomicLong longest = new AtomicLong();

  void add(long nanos) {
    long value = Math.max(nanos, 0);
    counts.incrementAndGet(classOf(value));
    longest.accumulateAndGet(value, Math::max);
  }

  SlotStatistics.Times times() { return new SlotStatistics.Times(percentile(50), percentile(99), Duration.ofNanos(longest.get())); }

  /** The upper end of the class in which that part of all lies. */
  private Duration percentile(int percent) {
    long all = 0;
    for (int i = 0; i < CLASSES; i++) all += counts.get(i);
    long wanted = (all * percent + 99) / 100;
    for (int i = 0; i < CLASSES && all > 0; i++) if ((wanted -= counts.get(i)) <= 0) return Duration.ofNanos(Math.min(endOf(i), longest.get()));
    return Duration.ZERO;
  }

  private static int classOf(long value) {
    int shift = Math.max(0, 63 - Long.numberOfLeadingZeros(value | 1) - FINE);
    return (shift << FINE) + (int) (value >>> shift);
  }

  private static long endOf(int index) {
    int shift = Math.max(0, (index >>> FINE) - 1);
    return ((long) index - ((long) shift << FINE) + 1 << shift) - 1;
  }
}
