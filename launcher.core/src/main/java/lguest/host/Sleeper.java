package lguest.host;

import java.util.concurrent.locks.LockSupport;
import org.osgi.annotation.versioning.ProviderType;

/**
 * How the thread inside {@link Host#run} waits while its guest is halted. The Launcher has a use for a thread with nothing to do: it watches the devices' input, and need not be woken by another thread that does.
 */
@ProviderType
public interface Sleeper {
  /** For {@link #sleep}: until it is woken. */
  long FOR_EVER = Long.MAX_VALUE;

  /** Waits at most so long, nanoseconds, and not at all from 0 down. May return early for no reason, and does when it is woken or has been since it last returned, and when the thread is interrupted. The guest's thread only. */
  void sleep(long nanos);

  /** The guest has been awake for long, and may be for longer: from now on until the next sleep somebody else has to watch. Before that it is soon asleep again, as a rule, and what comes meanwhile is seen then. Whoever sleeps here has to say so, or input waits until the next sleep. The guest's thread only. */
  default void busy() {}

  /** Makes the sleep that goes on, or else the next one, return at once. Any thread; never waits. */
  void wake();

  /** One that does nothing but sleep, for the one thread that calls this. */
  static Sleeper parked() {
    return new Sleeper() {
      private volatile Thread thread;
      private volatile boolean woken;

      @Override public void sleep(long nanos) {
        thread = Thread.currentThread();
        if (!woken && nanos > 0) {
          if (nanos == FOR_EVER) LockSupport.park(this);
          else LockSupport.parkNanos(this, nanos);
        }
        woken = false;
      }

      @Override public void wake() {
        woken = true;
        LockSupport.unpark(thread);
      }
    };
  }
}
