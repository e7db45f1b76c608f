package lguest.device.console;

import java.io.ByteArrayOutputStream;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.util.concurrent.Semaphore;
import lguest.device.Attachable;

/** Somebody attached to a console, who can be told to be slow or to fail. */
final class Party implements Attachable.Output {
  private final ByteArrayOutputStream seen = new ByteArrayOutputStream();
  private final Semaphore writes;
  private volatile boolean broken;

  private Party(Semaphore writes) { this.writes = writes; }

  static Party quick() { return new Party(new Semaphore(Integer.MAX_VALUE)); }

  /** Takes nothing until {@link #allow}. */
  static Party stuck() { return new Party(new Semaphore(0)); }

  void allow(int writes) { this.writes.release(writes); }

  /** Every write fails from now on. */
  void breakDown() {
    broken = true;
    writes.release();
  }

  /** One at a time: a write that an old console still has under way comes before the next one's. */
  @Override public void write(ByteBuffer data) throws IOException {
    synchronized (writes) {
      writes.acquireUninterruptibly();
      if (broken) throw new IOException("Broken pipe");
      synchronized (this) {
        while (data.hasRemaining()) seen.write(data.get());
        notifyAll();
      }
    }
  }

  synchronized byte[] seen() { return seen.toByteArray(); }

  /** What it has seen as soon as that is {@code length} bytes. The test's own limit ends the wait when they do not come. */
  synchronized byte[] await(int length) throws InterruptedException {
    while (seen.size() < length) wait();
    return seen.toByteArray();
  }
}
