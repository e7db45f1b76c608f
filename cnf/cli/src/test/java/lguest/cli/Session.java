package lguest.cli;

import static java.nio.charset.StandardCharsets.ISO_8859_1;
import static org.junit.jupiter.api.Assertions.assertEquals;

import java.io.IOException;
import java.io.InputStream;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.TimeUnit;

/** A guest with its console on pipes, and a person who waits for what it says. Closing it is pulling the plug. */
final class Session implements AutoCloseable {
  private final Process process;
  private final long patienceSeconds;
  private final StringBuilder text = new StringBuilder();
  private final CompletableFuture<String> errors;
  private final Thread reader;
  private int read;

  Session(ProcessBuilder command, long patienceSeconds) throws IOException {
    this.patienceSeconds = patienceSeconds;
    process = command.start();
    errors = Lguest.drain(process.getErrorStream());
    reader = Thread.ofVirtual().start(this::listen);
  }

  private void listen() {
    byte[] piece = new byte[65536];
    try (InputStream in = process.getInputStream()) {
      for (int length; (length = in.read(piece)) > 0;) {
        synchronized (this) {
          text.append(new String(piece, 0, length, ISO_8859_1));
          notifyAll();
        }
      }
    } catch (IOException e) {
      // It was killed.
    }
    synchronized (this) { notifyAll(); }
  }

  void type(String line) throws IOException { press(line + "\n"); }

  void press(String keys) throws IOException {
    process.getOutputStream().write(keys.getBytes(ISO_8859_1));
    process.getOutputStream().flush();
  }

  /** Waits until it has said {@code wanted} after what was awaited before, and returns what came until then. */
  synchronized String await(String wanted) throws InterruptedException {
    long end = System.nanoTime() + TimeUnit.SECONDS.toNanos(patienceSeconds);
    while (true) {
      int at = text.indexOf(wanted, read);
      if (at >= 0) {
        String before = text.substring(read, at);
        read = at + wanted.length();
        return before;
      }
      if (System.nanoTime() > end || !reader.isAlive())
        throw new AssertionError("'" + wanted + "' did not come; it said:\n" + text.substring(Math.max(0, text.length() - 3000)) + "\n" + errors.getNow(""));
      TimeUnit.MILLISECONDS.timedWait(this, 200);
    }
  }

  /** Types a command of the demo guest, and waits for what it should say and the prompt; returns all that it said. */
  String demo(String command, String answer) throws Exception {
    type(command);
    await(command);
    return await(answer) + answer + await("demo# ");
  }

  /** All it ever said, once it has ended by itself, without a fault. */
  synchronized String ended() throws InterruptedException {
    while (reader.isAlive()) TimeUnit.MILLISECONDS.timedWait(this, 200);
    assertEquals(0, process.waitFor(), () -> text + errors.getNow(""));
    return text.toString();
  }

  /** Pulls the plug: SIGKILL. Returns all it said before. */
  synchronized String kill() throws InterruptedException {
    // Not by the process: that would throw away what it has said.
    process.toHandle().destroyForcibly();
    while (reader.isAlive()) TimeUnit.MILLISECONDS.timedWait(this, 200);
    process.waitFor();
    return text.toString();
  }

  @Override public void close() throws InterruptedException { if (process.isAlive()) kill(); }
}
