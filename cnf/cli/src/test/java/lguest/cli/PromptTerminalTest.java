package lguest.cli;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.nio.file.Path;
import java.util.List;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;

/** The prompt on a terminal: keys, completion, ^C, tables that fit. */
@Timeout(240)
class PromptTerminalTest {
  private static final String INTERRUPT = "\3", LEAVE = "\35", TAB = "\t";
  @TempDir static Path directory;
  static Lguest lguest;
  private OnTerminal terminal;

  @BeforeAll static void prepare() throws Exception { lguest = new Lguest(directory); }

  @BeforeEach void begin() { terminal = new OnTerminal(lguest); }

  @AfterEach void nothingStaysBehind() { terminal.close(); }

  private void shell(int columns) throws Exception {
    terminal.open(columns, "shell");
    terminal.await("lguest> ", 1);
  }

  private void command(String line, String answer) throws Exception {
    terminal.clear();
    terminal.type(line + "\r");
    terminal.await(answer, 1);
    terminal.await("lguest> ", 1);
  }

  private void leave() throws Exception {
    terminal.type("quit\r");
    terminal.assertSaneAgain(0);
  }

  @Test void twoGuestsRunAndTheTerminalIsSaneBetween() throws Exception {
    shell(80);
    command("run demo", "guest1 is running");
    command("run --name=second 16M " + Lguest.demo() + " quiet", "second is running");
    terminal.clear();
    terminal.type("console guest1\r");
    terminal.await("demo# ", 1);
    terminal.type("echo in the first\r");
    terminal.await("in the first", 2);
    terminal.type(LEAVE);
    terminal.await("lguest> ", 1);
    terminal.clear();
    terminal.type("console sec\r");
    terminal.await("demo# ", 1);
    terminal.type("cmdline\r");
    terminal.await("quiet", 1);
    terminal.type("poweroff\r");
    terminal.await("second: off", 1);
    terminal.await("lguest> ", 1); // until then the console has what is typed
    command("stop guest1", "guest1 has been stopped");
    leave();
  }

  @Test void tabCompletesCommandsOptionsGuestsAndDevices() throws Exception {
    shell(80);
    command("ru" + TAB + "--na" + TAB + "webserver de" + TAB, "webserver is running");
    command("device:pa" + TAB + "webs" + TAB, "webserver/0 (console) is parked");
    command("device:sw" + TAB + "webserver/0 lguest.device.c" + TAB, "served by lguest.device.console");
    command("wait --t" + TAB + "0 w" + TAB, "webserver is still running after 0 s");
    terminal.clear();
    terminal.type("device:t" + TAB);
    terminal.await("list the device types", 1); // of several, what each does
    terminal.type(INTERRUPT);
    terminal.await("lguest> ", 1);
    leave();
  }

  @Test void tablesFitTheTerminal() throws Exception {
    for (int columns : new int[] {200, 80, 60, 30}) {
      shell(columns);
      command("run --name=web --device=gpu:fast-and-with-many-words-behind-it demo", "web is running");
      for (String table : List.of("list", "info web", "device:types", "device:list", "device:info web/1", "device:stat", "help")) {
        command(table, "\n");
        String text = terminal.text();
        // Behind the echo of the command, before the next prompt.
        List<String> lines = text.substring(text.indexOf('\n') + 1, text.lastIndexOf("lguest> ")).lines().toList();
        assertTrue(lines.size() > 1, () -> table + ":\n" + text);
        for (String line : lines.subList(0, table.equals("help") ? lines.size() - 4 : lines.size()))
          assertTrue(line.length() <= columns, () -> table + " on " + columns + ":\n" + text);
        if (table.equals("device:list")) assertEquals(columns == 200, text.lines().anyMatch(line -> line.matches("web/0 +gpu +parked: .*fast-and-with-many-words-behind-it")), text);
      }
      leave();
      terminal.close();
      terminal.clear();
    }
  }

  @Test void aTraceShowsRequestsAsTheyAreDoneUntilInterrupted() throws Exception {
    shell(120);
    command("run --name=web demo run=flood\\ 200000", "web is running");
    terminal.clear();
    terminal.type("device:trace web/console\r");
    terminal.await(" out ", 5);
    assertTrue(terminal.text().contains("LATENCY"), terminal::text);
    terminal.type(INTERRUPT);
    terminal.await("lguest> ", 1);
    assertTrue(terminal.text().lines().anyMatch(line -> line.matches("\\d\\d:\\d\\d:\\d\\d\\.\\d{6} +web/0 +\\d out +\\d+ +\\d+ +[\\d.]+ .?s  \\S.*")), terminal::text);
    command("list", "running");
    leave();
  }

  @Test void anInterruptEndsTheCommandAndNothingElse() throws Exception {
    shell(80);
    command("run --name=web demo", "web is running");
    for (int i = 0; i < 3; i++) interrupt();
    command("list", "running");
    leave();
  }

  private void interrupt() throws Exception {
    terminal.clear();
    terminal.type("wait web\r");
    Thread.sleep(500);
    assertFalse(terminal.text().contains("lguest> "), terminal::text);
    terminal.type(INTERRUPT);
    terminal.await("lguest> ", 1);
  }

  @Test void aScriptOnATerminalCanUseIt() throws Exception {
    terminal.open(80, "shell -c 'run --name=web demo; console; list; stop; wait'");
    terminal.await("demo# ", 1);
    terminal.type("echo here\r");
    terminal.await("here", 2);
    terminal.type(LEAVE);
    terminal.assertSaneAgain(1);
    assertTrue(terminal.text().contains("web: stopped"), terminal::text);
  }
}
