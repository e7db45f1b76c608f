package lguest.host.software;

import java.util.List;
import java.util.concurrent.CopyOnWriteArrayList;
import java.util.concurrent.locks.LockSupport;

/**
 * Rings for guests that are busy when their timer expires; a sleeping guest needs no bell, it oversleeps nothing. One daemon
 * thread for all guests of a provider, there while at least one guest is open.
 */
final class AlarmClock {
  static final long NEVER = Long.MAX_VALUE;

  private final long origin = System.nanoTime();
  private final List<Alarm> alarms = new CopyOnWriteArrayList<>();
  private volatile Ringer ringer;

  /** Nanoseconds since this clock was made: monotonic, never negative, so that times can be compared plainly. */
  long now() { return System.nanoTime() - origin; }

  synchronized Alarm newAlarm(Runnable bell) {
    Alarm alarm = new Alarm(bell);
    alarms.add(alarm);
    if (ringer == null) {
      ringer = new Ringer();
      ringer.thread.start();
    }
    return alarm;
  }

  private synchronized void remove(Alarm alarm) {
    alarms.remove(alarm);
    if (!alarms.isEmpty() || ringer == null) return;
    Thread thread = ringer.thread;
    ringer = null;
    LockSupport.unpark(thread);
  }

  /** One guest's alarm. */
  final class Alarm implements AutoCloseable {
    private final Runnable bell;
    private volatile long at = NEVER;

    private Alarm(Runnable bell) { this.bell = bell; }

    /** Whether the bell will ring at {@code time} or before; so it will at {@link #NEVER}. */
    boolean ringsBy(long time) { return at <= time; }

    /** Makes sure the bell rings at {@code time} or before. It rings on the clock's thread and must be quick. */
    void ringBy(long time) {
      if (at <= time) return;
      at = time;
      Ringer now = ringer;
      if (now != null && time < now.planned) LockSupport.unpark(now.thread);
    }

    @Override public void close() { remove(this); }
  }

  private final class Ringer implements Runnable {
    final Thread thread = new Thread(this, "lguest alarm clock");

    /**
     * When the thread means to wake up; {@link #NEVER} also while it looks at the alarms, so that whoever sets one meanwhile
     * makes it look again.
     */
    volatile long planned = NEVER;

    Ringer() { thread.setDaemon(true); }

    @Override public void run() {
      while (ringer == this) {
        planned = NEVER;
        long next = NEVER, now = now();
        for (Alarm alarm : alarms) {
          long at = alarm.at;
          if (at > now) {
            next = Math.min(next, at);
          } else {
            alarm.at = NEVER;
            alarm.bell.run();
          }
        }
        planned = next;
        if (next == NEVER) LockSupport.park(AlarmClock.this);
        else LockSupport.parkNanos(AlarmClock.this, next - now());
      }
    }
  }
}
