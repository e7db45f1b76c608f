package lguest.cli;

import static java.nio.charset.StandardCharsets.ISO_8859_1;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertNotEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;
import static org.junit.jupiter.api.Assumptions.assumeTrue;

import java.io.IOException;
import java.io.InputStream;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.concurrent.TimeUnit;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;

/**
 * lguest on a terminal, which {@code script} of util-linux makes. A shell on that terminal notes the terminal's modes, runs
 * lguest, and notes them again; what we type goes through {@code script}.
 */
@Timeout(240)
class TerminalTest {
  @TempDir static Path directory;
  static Lguest lguest;
  private Process script;
  private final StringBuilder screen = new StringBuilder();

  @BeforeAll static void prepare() throws Exception {
    assumeTrue(Files.isExecutable(Path.of("/usr/bin/script")), "needs script, of util-linux");
    lguest = new Lguest(directory);
  }

  @AfterEach void nothingStaysBehind() throws Exception {
    if (script == null) return;
    script.descendants().forEach(ProcessHandle::destroyForcibly);
    script.destroyForcibly();
  }

  private void open(String arguments) throws IOException {
    for (String name : new String[] {"before", "after", "status"}) Files.deleteIfExists(directory.resolve(name));
    Path job = Files.writeString(directory.resolve("job"), "stty sane; stty -g > before; ./lguest " + arguments
        + "; echo $? > status; stty -g > after; echo 'all done'\n");
    script = lguest.command(directory, "/usr/bin/script", "-qfc", "sh " + job, "/dev/null").redirectErrorStream(true).start();
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

  private void type(String text) throws IOException {
    script.getOutputStream().write(text.getBytes(ISO_8859_1));
    script.getOutputStream().flush();
  }

  /** Waits until {@code text} has appeared for the n-th time. The test's own limit ends the wait when it does not. */
  private void await(String text, int times) throws InterruptedException {
    synchronized (screen) {
      while (true) {
        int at = -1, seen = 0;
        while (seen < times && (at = screen.indexOf(text, at + 1)) >= 0) seen++;
        if (seen == times) return;
        try {
          screen.wait();
        } catch (InterruptedException e) {
          throw new AssertionError("'" + text + "' did not appear; the terminal shows:\n" + screen, e);
        }
      }
    }
  }

  private String note(String name) throws IOException { return Files.readString(directory.resolve(name)).strip(); }

  private void assertSaneAgain(int status) throws Exception {
    await("all done", 1);
    assertEquals("" + status, note("status"));
    assertEquals(note("before"), note("after"), "the terminal's modes");
    lguest.assertNothingLeft();
  }

  private ProcessHandle platform() {
    return script.descendants().filter(process -> process.info().command().orElse("").endsWith("/java")).findFirst().orElseThrow();
  }

  /** The modes of the terminal while lguest has it. */
  private String modesNow() throws Exception {
    Path terminal = Files.readSymbolicLink(Path.of("/proc/" + platform().pid() + "/fd/0"));
    Process stty = new ProcessBuilder("stty", "-a", "-F", terminal.toString()).start();
    return new String(stty.getInputStream().readAllBytes());
  }

  @Test void theGuestHasTheTerminalAndGivesItBack() throws Exception {
    open("demo");
    await("demo# ", 1);
    String modes = modesNow();
    for (String off : new String[] {"-isig", "-icanon", "-echo"}) assertTrue(modes.contains(off), modes);
    type("echo hello\r");
    await("hello", 2); // the guest's echo, and its answer
    type("poweroff\r");
    assertSaneAgain(0);
    assertFalse(screen.toString().contains("hello\r\nhello\r\nhello"), "only the guest echoes: " + screen);
  }

  @Test void aGuestThatDiesGivesItBack() throws Exception {
    open("demo");
    await("demo# ", 1);
    type("die panic\r");
    assertSaneAgain(1);
    assertTrue(screen.toString().contains("lguest: "), screen::toString);
  }

  @Test void threeInterruptKeysEndAGuestThatDoesNotListen() throws Exception {
    open("demo");
    await("demo# ", 1);
    type("die loop\r");
    await("die loop", 1);
    for (int i = 0; i < 3; i++) {
      Thread.sleep(150); // three reads, not one
      type("\3");
    }
    assertSaneAgain(2);
  }

  @Test void aLaunchThatFailsDoesNotTouchIt() throws Exception {
    open("64 /nowhere/to/be/found");
    assertSaneAgain(1);
  }

  @Test void signalsGiveItBack() throws Exception {
    for (String signal : new String[] {"TERM", "HUP"}) {
      screen.setLength(0);
      open("demo");
      await("demo# ", 1);
      new ProcessBuilder("kill", "-" + signal, "" + platform().pid()).start().waitFor();
      assertSaneAgain(128 + (signal.equals("TERM") ? 15 : 1));
      script.waitFor();
    }
  }

  @Test void aTerminalThatGoesAwayEndsIt() throws Exception {
    open("demo");
    await("demo# ", 1);
    ProcessHandle platform = platform();
    script.destroyForcibly();
    platform.onExit().get(60, TimeUnit.SECONDS);
    lguest.assertNothingLeft();
  }

  @Test void atThePromptTwoGuestsRunAndTheTerminalIsSaneBetween() throws Exception {
    open("shell");
    await("lguest> ", 1);
    type("boot demo\r");
    await("guest1 is running", 1);
    type("boot --name=second 16M " + Lguest.demo() + " quiet\r");
    await("second is running", 1);
    type("list\r");
    await("INSTRUCTIONS", 1);
    type("attach guest1\r");
    await("demo# ", 1);
    type("echo in the first\r");
    await("in the first", 2);
    type("\35"); // Ctrl-]
    type("attach second\r");
    await("demo# ", 2);
    type("cmdline\r");
    await("quiet", 2);
    type("poweroff\r");
    await("second: off", 1);
    await("lguest> ", 6); // until then the console has what is typed
    type("stop guest1\r");
    await("guest1 has been stopped", 1);
    type("quit\r");
    assertSaneAgain(0);
    assertNotEquals("", note("after"));
  }
}
