package lguest.cli;

import static java.nio.charset.StandardCharsets.ISO_8859_1;
import static java.nio.charset.StandardCharsets.UTF_8;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assumptions.assumeTrue;

import java.io.IOException;
import java.io.InputStream;
import java.nio.file.Files;
import java.nio.file.Path;

/**
 * lguest on a terminal, which {@code script} of util-linux makes. A shell on that terminal notes the terminal's modes, runs
 * lguest, and notes them again; what we type goes through {@code script}.
 */
final class OnTerminal implements AutoCloseable {
  private final Lguest lguest;
  final StringBuilder screen = new StringBuilder();
  Process script;

  OnTerminal(Lguest lguest) {
    assumeTrue(Files.isExecutable(Path.of("/usr/bin/script")), "needs script, of util-linux");
    this.lguest = lguest;
  }

  /** Runs lguest on a terminal of so many columns. */
  void open(int columns, String arguments) throws IOException {
    for (String name : new String[] {"before", "after", "status"}) Files.deleteIfExists(lguest.home.resolve(name));
    // ^C goes to this shell, too, while lguest leaves it to the terminal; it has to outlive that.
    Path job = Files.writeString(lguest.home.resolve("job"), "trap : INT; stty sane rows 40 cols " + columns + "; stty -g > before; ./lguest " + arguments
        + "; echo $? > status; stty -g > after; echo 'all done'\n");
    script = lguest.command(lguest.home, "/usr/bin/script", "-qfc", "sh " + job, "/dev/null").redirectErrorStream(true).start();
    Thread.ofVirtual().start(() -> {
      byte[] piece = new byte[4096];
      try (InputStream in = script.getInputStream()) {
        for (int length; (length = in.read(piece)) > 0; ) {
          synchronized (screen) {
            screen.append(new String(piece, 0, length, ISO_8859_1));
            screen.notifyAll();
          }
        }
      } catch (IOException e) {
        // The terminal is gone.
      }
    });
  }

  void type(String text) throws IOException {
    script.getOutputStream().write(text.getBytes(ISO_8859_1));
    script.getOutputStream().flush();
  }

  /** Waits until {@code text} has appeared for the n-th time. The test's own limit ends the wait when it does not. */
  void await(String text, int times) throws InterruptedException {
    String bytes = new String(text.getBytes(UTF_8), ISO_8859_1);
    synchronized (screen) {
      while (true) {
        int at = -1, seen = 0;
        while (seen < times && (at = screen.indexOf(bytes, at + 1)) >= 0) seen++;
        if (seen == times) return;
        try {
          screen.wait();
        } catch (InterruptedException e) {
          throw new AssertionError("'" + text + "' did not appear; the terminal shows:\n" + screen, e);
        }
      }
    }
  }

  /** What has appeared, without what only moves the cursor or changes colours. */
  String text() {
    synchronized (screen) {
      return new String(screen.toString().getBytes(ISO_8859_1), UTF_8).replaceAll("\33\\[[0-9;?]*[A-Za-z]|\33[=>]", "").replace("\r", "");
    }
  }

  /** Forgets what has appeared so far. */
  void clear() {
    synchronized (screen) { screen.setLength(0); }
  }

  private String note(String name) throws IOException { return Files.readString(lguest.home.resolve(name)).strip(); }

  void assertSaneAgain(int status) throws Exception {
    await("all done", 1);
    assertEquals("" + status, note("status"), this::text);
    assertEquals(note("before"), note("after"), "the terminal's modes");
    lguest.assertNothingLeft();
  }

  ProcessHandle platform() {
    return script.descendants().filter(process -> process.info().command().orElse("").endsWith("/java")).findFirst().orElseThrow();
  }

  /** The modes of the terminal while lguest has it. */
  String modesNow() throws Exception {
    Path terminal = Files.readSymbolicLink(Path.of("/proc/" + platform().pid() + "/fd/0"));
    Process stty = new ProcessBuilder("stty", "-a", "-F", terminal.toString()).start();
    return new String(stty.getInputStream().readAllBytes());
  }

  @Override public void close() {
    if (script == null) return;
    script.descendants().forEach(ProcessHandle::destroyForcibly);
    script.destroyForcibly();
  }
}
