package lguest.cli;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.nio.file.Path;
import java.util.List;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** {@code lguest shell} with commands from a pipe. On a terminal it is {@link TerminalTest}'s. */
class PromptTest {
  @TempDir static Path directory;
  static Lguest lguest;

  @BeforeAll static void prepare() throws Exception { lguest = new Lguest(directory); }

  /** What the commands, a line each, say; a line each. */
  private static List<String> say(int status, String... commands) throws Exception {
    Lguest.Result result = lguest.run(String.join("\n", commands) + "\n", "shell");
    assertEquals("", result.err());
    assertEquals(status, result.status(), result.out());
    return result.out().lines().toList();
  }

  @Test void everyMistakeIsOneClearLine() throws Exception {
    String[][] mistakes = {
        {"frobnicate", "unknown command frobnicate"}, {"boot", "no memory size"}, {"boot 64", "no image"},
            {"boot abc x", "'abc' is not a positive number"},
        {"boot --scsi=x 64 y", "unknown option --scsi"}, {"boot 64 /nowhere", "/nowhere"}, {"attach", "there is no guest"},
            {"stop nobody", "there is no guest"},
        {"stop one two", "stop takes one guest"}, {"list all", "list takes no arguments"}, {"help nothing", "nothing"},
            {"quit now", "quit takes no arguments"}, {"boot 'unclosed", ""}};
    for (String[] mistake : mistakes) {
      List<String> said = say(1, mistake[0]);
      assertEquals(1, said.size(), () -> mistake[0] + ": " + said);
      assertTrue(said.getFirst().startsWith("lguest: ") && said.getFirst().contains(mistake[1]), said::toString);
      assertTrue(!said.getFirst().contains("Exception") && !said.getFirst().contains("coerce"), said::toString);
    }
  }

  @Test void guestsRunUntilTheyAreStoppedOrThePromptEnds() throws Exception {
    List<String> said = say(0, "boot demo", "guest:boot --name=web 16M " + Lguest.demo() + " a=b c", "list", "devices web",
        "statistics web", "stop guest1", "list", "help", "quit", "never said");
    assertEquals("guest1 is running; 'attach guest1' shows its console", said.getFirst());
    assertTrue(said.stream().anyMatch(line -> line.matches("guest1 +running +64M +0:00:\\d\\d +[\\d,]+ +demo.elf")), said::toString);
    assertTrue(said.stream().anyMatch(line -> line.matches("web +running +16M .*")), said::toString);
    assertTrue(said.stream().anyMatch(line -> line.matches("0 +console +active.*")), said::toString);
    assertTrue(said.contains("guest1 has been stopped"), said::toString);
    assertEquals(1, said.stream().filter(line -> line.startsWith("guest1  ")).count(), "the second list knows it no more: " + said);
  }

  @Test void aDeviceBundleIsExchangedFromThePrompt() throws Exception {
    List<String> said = say(0, "boot demo", "felix:update lguest.device.console", "devices", "felix:stop lguest.device.console",
        "devices", "felix:start lguest.device.console", "devices", "quit");
    List<String> states = said.stream().filter(line -> line.startsWith("0 ")).map(line -> line.split(" +")[2]).toList();
    assertEquals(3, states.size(), said::toString);
    assertTrue(states.get(1).startsWith("parked"), said::toString);
  }
}
