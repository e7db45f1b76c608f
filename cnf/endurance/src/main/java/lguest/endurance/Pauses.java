package lguest.endurance;

/**
 * How long guests had to wait for a device while it was exchanged. A guest knows only how long each of its operations took, so the longest are taken, one for each swap: that is at least what
 * the swaps cost, and includes whatever else was slow.
 */
final class Pauses {
  private final long[] byMillis = new long[1024];
  private long count;

  /** Of {@code took}, operations by milliseconds, the {@code swaps} longest. */
  void add(long[] took, int swaps) {
    long left = swaps;
    for (int ms = took.length - 1; ms >= 0 && left > 0; ms--) {
      long taken = Math.min(left, took[ms]);
      byMillis[ms] += taken;
      count += taken;
      left -= taken;
    }
  }

  void add(Pauses other) {
    for (int ms = 0; ms < byMillis.length; ms++) byMillis[ms] += other.byMillis[ms];
    count += other.count;
  }

  /** In whole milliseconds, 0 for less than one; 0 when nothing was measured. */
  int percentile(int percent) {
    long rank = Math.max(1, (count * percent + 99) / 100), seen = 0;
    for (int ms = 0; ms < byMillis.length; ms++)
      if ((seen += byMillis[ms]) >= rank) return ms;
    return 0;
  }
}
