package lguest.launcher.run;

import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.PriorityQueue;
import java.util.concurrent.TimeUnit;
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
 */
final class Waker implements AutoCloseable {
  private static final int FIRST_PAUSE_MILLIS = 1, LAST_PAUSE_MILLIS = 64;

  private record Timer(long due, Runnable action) implements Comparable<Timer> {
    @Override public int compareTo(Timer other) { return Long.compare(due - other.due, 0); }
  }

  private final Poll poll;
  private final GuestLog log;
  private final Map<Integer, Watch> watches = new HashMap<>();
  private final PriorityQueue<Timer> timers = new PriorityQueue<>();
  private int lastToken;
  private Thread thread;
  private boolean closed;

  Waker(GuestLog log) throws OsException {
    this.log = log;
    poll = new Poll();
  }

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
    watch.armed(poll.add(fileDescriptor, watch.token));
    return watch;
  }

  void later(long millis, Runnable action) {
    synchronized (this) {
      if (closed) return;
      timers.add(new Timer(System.nanoTime() + TimeUnit.MILLISECONDS.toNanos(millis), action));
    }
    poll.wake();
  }

  /** Ends it, and returns when it has ended. */
  @Override public void close() {
    Thread running;
    synchronized (this) {
      closed = true;
      running = thread;
    }
    poll.wake();
    boolean interrupted = false;
    while (running != null && running != Thread.currentThread()) {
      try {
        running.join();
        break;
      } catch (InterruptedException e) {
        interrupted = true;
      }
    }
    poll.close();
    if (interrupted) Thread.currentThread().interrupt();
  }

  private void run() {
    while (true) {
      List<Timer> due = new ArrayList<>();
      int wait;
      synchronized (this) {
        if (closed) return;
        long now = System.nanoTime();
        while (!timers.isEmpty() && timers.peek().due - now <= 0) due.add(timers.poll());
        // Rounded up: a wait of 0 would turn in circles through the timer's last millisecond.
        wait = !due.isEmpty() ? 0 : timers.isEmpty() ? -1 : (int) ((timers.peek().due - now) / 1_000_000 + 1);
      }
      for (Timer timer : due) timer.action.run();
      try {
        int count = poll.await(wait);
        for (int i = 0; i < count; i++) report(poll.token(i), poll.isReadable(i));
      } catch (OsException e) {
        log.line(System.Logger.Level.ERROR, "input cannot be watched any more: " + e.getMessage(), e);
        return;
      }
    }
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
          log.line(System.Logger.Level.WARNING, "descriptor " + fileDescriptor + " was closed while it was watched; it is watched no more", null);
          // The device will find out what is wrong with it.
          later(0, ready);
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
        armed(poll.rearm(fileDescriptor, token));
      }
    }

    @Override public void close() {
      synchronized (Waker.this) {
        if (!isOver()) poll.remove(fileDescriptor);
        watches.remove(token, this);
      }
    }
  }
}
