package lguest.it;

import static java.nio.charset.StandardCharsets.ISO_8859_1;

import java.nio.ByteBuffer;
import java.util.concurrent.TimeUnit;
import lguest.device.Attachable;
import lguest.launcher.Guest;

/** A person at a guest's console, with patience and a good memory. */
final class Screen implements Attachable.Output, AutoCloseable {
  private static final long PATIENCE = TimeUnit.SECONDS.toNanos(120);
  private final StringBuilder text = new StringBuilder();
  private final Attachable.Attachment attachment;

  Screen(Guest guest) { attachment = guest.slots().getLast().attach(this, true).orElseThrow(); }

  @Override public synchronized void write(ByteBuffer data) {
    text.append(ISO_8859_1.decode(data));
    notifyAll();
  }

  void type(String line) throws InterruptedException { attachment.input(ByteBuffer.wrap(line.getBytes(ISO_8859_1))); }

  /** Waits until {@code wanted} has appeared from {@code from} on; returns where it ends. */
  synchronized int await(String wanted, int from) throws InterruptedException {
    long deadline = System.nanoTime() + PATIENCE;
    while (true) {
      int at = text.indexOf(wanted, from);
      if (at >= 0) return at + wanted.length();
      long left = deadline - System.nanoTime();
      if (left <= 0)
        throw new AssertionError("'" + wanted + "' did not appear; the console shows:\n"
            + text.substring(Math.max(0, text.length() - 2000)));
      TimeUnit.NANOSECONDS.timedWait(this, left);
    }
  }

  synchronized String text() { return text.toString(); }

  @Override public void close() throws InterruptedException { attachment.close(); }
}
