package lguest.launcher.run;

/** What the guest's thread waits for when it waits for a device. A ring between looking and waiting is not missed. */
final class Bell {
  private long rings;

  /** To be taken before looking whether there is something to do. */
  synchronized long ticket() { return rings; }

  synchronized void ring() {
    rings++;
    notifyAll();
  }

  /** Waits until it has rung since {@code ticket}. */
  synchronized void await(long ticket) {
    boolean interrupted = false;
    while (rings == ticket) {
      try {
        wait();
      } catch (InterruptedException e) {
        // Whoever wants this thread rings.
        interrupted = true;
      }
    }
    if (interrupted) Thread.currentThread().interrupt();
  }
}
