package lguest.launcher.run;

import java.util.ArrayList;
import java.util.List;
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
  private final List<Watch> watches = new ArrayList<>();
  private final PriorityQueue<Timer> timers = new PriorityQueue<>();
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

  Machine.Watched watch(int fileDescriptor, Runnable ready) {
    Watch watch = new Watch(fileDescriptor, ready);
    synchronized (this) { watches.add(watch); }
    poll.wake();
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
      List<Watch> polled = new ArrayList<>();
      List<Timer> due = new ArrayList<>();
      int wait;
      synchronized (this) {
        if (closed) return;
        long now = System.nanoTime();
        while (!timers.isEmpty() && timers.peek().due - now <= 0) due.add(timers.poll());
        // Rounded up: a wait of 0 would turn in circles through the timer's last millisecond.
        wait = !due.isEmpty() ? 0 : timers.isEmpty() ? -1 : (int) ((timers.peek().due - now) / 1_000_000 + 1);
        for (Watch watch : watches) if (watch.armed) polled.add(watch);
      }
      for (Timer timer : due) timer.action.run();
      Poll.Ready[] ready;
      try {
        ready = poll.await(polled.stream().mapToInt(watch -> watch.fileDescriptor).toArray(), wait);
      } catch (OsException e) {
        log.line(System.Logger.Level.ERROR, "input cannot be watched any more: " + e.getMessage(), e);
        return;
      }
      for (int i = 0; i < ready.length; i++) polled.get(i).report(ready[i]);
    }
  }

  private final class Watch implements Machine.Watched {
    private final int fileDescriptor;
    private final Runnable ready;
    private boolean armed = true;
    private int pauseMillis = FIRST_PAUSE_MILLIS;

    Watch(int fileDescriptor, Runnable ready) {
      this.fileDescriptor = fileDescriptor;
      this.ready = ready;
    }

    void report(Poll.Ready what) {
      synchronized (Waker.this) {
        if (what == Poll.Ready.NO || !watches.contains(this)) return;
        armed = false;
        if (what == Poll.Ready.READABLE) pauseMillis = FIRST_PAUSE_MILLIS;
        else pauseMillis = Math.min(2 * pauseMillis, LAST_PAUSE_MILLIS);
        if (what == Poll.Ready.INVALID) {
          watches.remove(this);
          log.line(System.Logger.Level.WARNING, "descriptor " + fileDescriptor + " was closed while it was watched; it is watched no more", null);
        }
      }
      ready.run();
    }

    @Override public void rearm() {
      synchronized (Waker.this) {
        if (armed || !watches.contains(this)) return;
        if (pauseMillis > FIRST_PAUSE_MILLIS) {
          // The other end hung up, which stays so. A device that does not mind must not keep us busy.
          later(pauseMillis, this::arm);
          return;
        }
        armed = true;
      }
      poll.wake();
    }

    private void arm() {
      synchronized (Waker.this) { armed = true; }
    }

    @Override public void close() {
      synchronized (Waker.this) { watches.remove(this); }
      poll.wake();
    }
  }
}
