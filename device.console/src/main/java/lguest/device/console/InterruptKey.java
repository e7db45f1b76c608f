package lguest.device.console;

import java.nio.ByteBuffer;
import java.util.concurrent.TimeUnit;

/**
 * The way out of a guest that holds the terminal (L42): three reads of a lone ^C, the third within about a second of the first.
 * Anything else typed starts the count anew, and so does a third that comes too late, as in the original.
 */
final class InterruptKey {
  private static final byte CONTROL_C = 3;
  private static final int ENOUGH = 3;
  /** The original compared whole seconds, which allowed between one and two. */
  private static final long SOON = TimeUnit.MILLISECONDS.toNanos(1500);

  private int count;
  private long first;

  InterruptKey(long count, long first) {
    this.count = (int) count;
    this.first = first;
  }

  /**
   * One read of the terminal at a time by the clock of {@link System#nanoTime}; consumes nothing. True when the user has had
   * enough.
   */
  boolean read(ByteBuffer data, long now) {
    if (data.remaining() != 1 || data.get(data.position()) != CONTROL_C) {
      count = 0;
      return false;
    }
    if (count++ == 0) first = now;
    if (count < ENOUGH) return false;
    count = 0;
    return now - first <= SOON;
  }

  long count() { return count; }

  long first() { return first; }
}
