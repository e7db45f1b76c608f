package lguest.shell.command;

import java.util.HashSet;
import java.util.Set;
import org.apache.felix.service.command.CommandSession;

/**
 * Has ^C end the command that runs. Gogo can interrupt a job, too, but waits for ever for one that it interrupts before it has
 * quite begun.
 */
public final class Interrupts {
  /** The session variable that holds it. */
  public static final String VARIABLE = ".interrupts";

  /** A command at work. */
  public interface Work {
    void run() throws Exception;
  }

  private final Set<Thread> running = new HashSet<>();
  private boolean asked;

  /** The session's; one that nobody asks where another shell's session has none. */
  public static Interrupts of(CommandSession session) { return session.get(VARIABLE) instanceof Interrupts own ? own : new Interrupts(); }

  /** A new line of commands, which no earlier ^C is meant for. */
  public synchronized void begin() { asked = false; }

  /** Interrupts the commands of this line, and those that are about to begin. */
  public synchronized void interrupt() {
    asked = true;
    running.forEach(Thread::interrupt);
  }

  /** Does a command's work on this thread. */
  public void run(Work work) throws Exception {
    synchronized (this) {
      if (asked) throw new InterruptedException();
      running.add(Thread.currentThread());
    }
    try {
      work.run();
    } finally {
      synchronized (this) {
        running.remove(Thread.currentThread());
        // An interrupt that came too late must not hit what this thread does next.
        Thread.interrupted();
      }
    }
  }
}
