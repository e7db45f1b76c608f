package lguest.cli;

import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.nio.file.Path;
import java.util.concurrent.TimeUnit;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;

/** A guest on a terminal, and the terminal afterwards. */
@Timeout(240)
class TerminalTest {
  @TempDir static Path directory;
  static Lguest lguest;
  private OnTerminal terminal;

  @BeforeAll static void prepare() throws Exception { lguest = new Lguest(directory); }

  @BeforeEach void begin() { terminal = new OnTerminal(lguest); }

  @AfterEach void nothingStaysBehind() { terminal.close(); }

  @Test void theGuestHasTheTerminalAndGivesItBack() throws Exception {
    terminal.open(80, "demo");
    terminal.await("demo# ", 1);
    String modes = terminal.modesNow();
    for (String off : new String[] {"-isig", "-icanon", "-echo"}) assertTrue(modes.contains(off), modes);
    terminal.type("echo hello\r");
    terminal.await("hello", 2); // the guest's echo, and its answer
    terminal.type("poweroff\r");
    terminal.assertSaneAgain(0);
    assertFalse(terminal.text().contains("hello\nhello\nhello"), "only the guest echoes: " + terminal.text());
  }

  @Test void aGuestThatDiesGivesItBack() throws Exception {
    terminal.open(80, "demo");
    terminal.await("demo# ", 1);
    terminal.type("die panic\r");
    terminal.assertSaneAgain(1);
    assertTrue(terminal.text().contains("lguest: "), terminal::text);
  }

  @Test void threeInterruptKeysEndAGuestThatDoesNotListen() throws Exception {
    terminal.open(80, "demo");
    terminal.await("demo# ", 1);
    terminal.type("die loop\r");
    terminal.await("die loop", 1);
    for (int i = 0; i < 3; i++) {
      Thread.sleep(150); // three reads, not one
      terminal.type("\3");
    }
    terminal.assertSaneAgain(2);
  }

  @Test void aLaunchThatFailsDoesNotTouchIt() throws Exception {
    terminal.open(80, "64 /nowhere/to/be/found");
    terminal.assertSaneAgain(1);
  }

  @Test void signalsGiveItBack() throws Exception {
    for (String signal : new String[] {"TERM", "HUP"}) {
      terminal.clear();
      terminal.open(80, "demo");
      terminal.await("demo# ", 1);
      new ProcessBuilder("kill", "-" + signal, "" + terminal.platform().pid()).start().waitFor();
      terminal.assertSaneAgain(128 + (signal.equals("TERM") ? 15 : 1));
      terminal.script.waitFor();
    }
  }

  @Test void aTerminalThatGoesAwayEndsIt() throws Exception {
    terminal.open(80, "demo");
    terminal.await("demo# ", 1);
    ProcessHandle platform = terminal.platform();
    terminal.script.destroyForcibly();
    platform.onExit().get(60, TimeUnit.SECONDS);
    lguest.assertNothingLeft();
  }
}
