package lguest.launcher.run;

import java.util.function.BooleanSupplier;

/** Lets the guest's thread into the Host; a paused guest's waits before it. */
final class Gate {
  private boolean shut, inside;

  /** The guest's thread: goes in, as soon as that is allowed. False, without going in, when {@code ending} says so. */
  synchronized boolean enter(BooleanSupplier ending) {
    boolean interrupted = false;
    while (shut && !ending.getAsBoolean()) {
      try {
        wait();
      } catch (InterruptedException e) {
        // Whoever wants this thread opens the gate.
        interrupted = true;
      }
    }
    if (interrupted) Thread.currentThread().interrupt();
    return inside = !ending.getAsBoolean();
  }

  /** The guest's thread: is out again. */
  synchronized void leave() {
    inside = false;
    notifyAll();
  }

  /** Lets nobody in any more. Who is inside has to be broken out, and waited for by {@link #awaitOutside}. */
  synchronized void shut() { shut = true; }

  synchronized void awaitOutside() throws InterruptedException { while (inside && shut) wait(); }

  synchronized void open() {
    shut = false;
    notifyAll();
  }

  /** Has a thread that waits look whether the guest is ending. */
  synchronized void knock() { notifyAll(); }

  synchronized boolean isShut() { return shut; }
}
