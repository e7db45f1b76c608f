package lguest.launcher.run;

import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.PriorityQueue;
import java.util.concurrent.TimeUnit;
import lguest.host.Sleeper;
import lguest.launcher.GuestLog;
import lguest.launcher.slot.Machine;
import lguest.launcher.system.OsException;
import lguest.launcher.system.Poll;

/**
 * Tour 3.8: The Waker
 *
 * <p>A guest that computes, or sleeps in a halt, does not notice that somebody typed. The original had a second process for that: it watched all the input descriptors and, when one was
 * readable, had the Host break the guest out (L30). Ours is a thread, and does the same: it never touches the input itself. Each descriptor it reports
 * it then leaves alone until the device has been serviced, for it would find it readable again at once and turn in circles.
 *
 * <p>But a guest that mostly sleeps, which is what a guest with input mostly does, needs no other thread to hear of it: its own thread watches, instead of sleeping in the Host. Waking one thread, and having that wake the
 * other, is most of what a packet costs. So the Waker's thread looks away from when the guest falls asleep until it has been {@linkplain Sleeper#busy busy} for a while.
 */
final class Waker implements Sleeper, AutoCloseable {
  private static final int FIRST_PAUSE_MILLIS = 1, LAST_PAUSE_MILLIS = 64;
  /** Nanoseconds. */
  private static final long LONG_SLEEP = 20_000_000;
  /** The token of {@link #input} in {@link #turn}. */
  private static final int INPUT = 0;

  private record Timer(long due, Runnable action) implements Comparable<Timer> {
    @Override public int compareTo(Timer other) { return Long.compare(due - other.due, 0); }
  }

  /** What the devices want watched; and what our own thread waits for, of which the first is one. */
  private final Poll input, turn;
  private final Poll.Events told = new Poll.Events(), guestTold = new Poll.Events();
  private final GuestLog log;
  private final Map<Integer, Watch> watches = new HashMap<>();
  private final PriorityQueue<Timer> timers = new PriorityQueue<>();
  private int lastToken;
  private Thread thread;
  private boolean closed;
  /** Our own thread watches. Changed by the guest's thread only. */
  private volatile boolean watching = true;
  /** The guest's thread cannot watch any more, and only sleeps. */
  private volatile boolean blind;
  private final Sleeper alone = Sleeper.parked();

  Waker(GuestLog log) throws OsException {
    this.log = log;
    input = new Poll();
    try {
      turn = new Poll();
    } catch (OsException e) {
      input.close();
      throw e;
    }
    if (turn.add(input.descriptor(), INPUT) == Poll.Armed.YES) return;
    turn.close();
    input.close();
    throw new OsException("it watches no further descriptor");
  }

  /** For the guest's halts. Where the system cannot end such a wait at its time, the guest sleeps alone. */
  Sleeper sleeper() { return input.isPrecise() ? this : Sleeper.parked(); }

  /** Watching begins. */
  synchronized void start(String name) {
    if (closed || thread != null) return;
    thread = Thread.ofPlatform().daemon().name(name).start(this::run);
  }

  /** Each descriptor has one watch: another takes the place of the one before. */
  synchronized Machine.Watched watch(int fileDescriptor, Runnable ready) {
    Watch watch = new Watch(++lastToken, fileDescriptor, ready);
    watches.values().removeIf(before -> before.fileDescriptor == fileDescriptor);
    watches.put(watch.token, watch);
    watch.armed(input.add(fileDescriptor, watch.token));
    return watch;
  }

  void later(long millis, Runnable action) {
    synchronized (this) {
      if (closed) return;
      timers.add(new Timer(System.nanoTime() + TimeUnit.MILLISECONDS.toNanos(millis), action));
    }
    turn.wake();
  }

  /** Ends it, and returns when it has ended. */
  @Override public void close() {
    Thread running;
    synchronized (this) {
      closed = true;
      running = thread;
    }
    turn.wake();
    boolean interrupted = false;
    while (running != null && running != Thread.currentThread()) {
      try {
        running.join();
        break;
      } catch (InterruptedException e) {
        interrupted = true;
      }
    }
    turn.close();
    input.close();
    if (interrupted) Thread.currentThread().interrupt();
  }

  private void run() {
    while (true) {
      List<Timer> due = new ArrayList<>();
      long wait;
      synchronized (this) {
        if (closed) return;
        long now = System.nanoTime();
        while (!timers.isEmpty() && timers.peek().due - now <= 0) due.add(timers.poll());
        wait = !due.isEmpty() ? 0 : timers.isEmpty() ? -1 : timers.peek().due - now;
      }
      for (Timer timer : due) timer.action.run();
      try {
        turn.await(told, wait);
        if (told.count() == 0) continue;
        input.look(told);
        report(told);
        synchronized (turn) {
          if (watching) turn.rearm(input.descriptor(), INPUT);
        }
      } catch (OsException e) {
        failed(e);
        return;
      }
    }
  }

  private void failed(OsException e) { log.line(System.Logger.Level.ERROR, "input cannot be watched any more: " + e.getMessage(), e); }

  @Override public void sleep(long nanos) {
    if (nanos <= 0) return;
    if (blind) {
      alone.sleep(nanos);
      return;
    }
    if (watching) {
      synchronized (turn) {
        watching = false;
        turn.disarm(input.descriptor());
      }
    }
    try {
      // Long sleeps in two, for the kernel's liberties with them.
      input.await(guestTold, nanos == FOR_EVER ? -1 : nanos < LONG_SLEEP ? nanos : nanos - nanos / 128);
      report(guestTold);
    } catch (OsException e) {
      blind = true;
      failed(e);
    }
  }

  @Override public void busy() {
    if (watching) return;
    synchronized (turn) {
      watching = true;
      turn.rearm(input.descriptor(), INPUT);
    }
  }

  @Override public void wake() {
    input.wake();
    if (blind) alone.wake();
  }

  private void report(Poll.Events events) {
    for (int i = 0; i < events.count(); i++) report(events.token(i), events.isReadable(i));
  }

  private void report(int token, boolean readable) {
    Watch watch;
    synchronized (this) {
      watch = watches.get(token);
      if (watch == null) return;
      watch.armed = false;
      watch.pauseMillis = readable ? FIRST_PAUSE_MILLIS : Math.min(2 * watch.pauseMillis, LAST_PAUSE_MILLIS);
    }
    watch.ready.run();
  }

  /** All of it under the Waker's lock. */
  private final class Watch implements Machine.Watched {
    private final int token, fileDescriptor;
    private final Runnable ready;
    private boolean armed = true;
    private int pauseMillis = FIRST_PAUSE_MILLIS;

    Watch(int token, int fileDescriptor, Runnable ready) {
      this.token = token;
      this.fileDescriptor = fileDescriptor;
      this.ready = ready;
    }

    private boolean isOver() { return closed || watches.get(token) != this; }

    void armed(Poll.Armed how) {
      switch (how) {
        case YES -> { }
        case ALWAYS -> later(FIRST_PAUSE_MILLIS, () -> report(token, true));
        case INVALID -> {
          watches.remove(token);
          // Not here: whoever reads the log may do anything, and we hold the lock.
          later(0, () -> {
            log.line(System.Logger.Level.WARNING, "descriptor " + fileDescriptor + " was closed while it was watched; it is watched no more", null);
            // The device will find out what is wrong with it.
            ready.run();
          });
        }
      }
    }

    @Override public void rearm() {
      synchronized (Waker.this) {
        if (armed || isOver()) return;
        // The other end may have hung up, which stays so. A device that does not mind must not keep us busy.
        if (pauseMillis > FIRST_PAUSE_MILLIS) later(pauseMillis, this::arm);
        else arm();
      }
    }

    private void arm() {
      synchronized (Waker.this) {
        if (armed || isOver()) return;
        armed = true;
        armed(input.rearm(fileDescriptor, token));
      }
    }

    @Override public void close() {
      synchronized (Waker.this) {
        if (!isOver()) input.remove(fileDescriptor);
        watches.remove(token, this);
      }
    }
  }
}
