package lguest.cli;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertTrue;
import static org.junit.jupiter.api.Assumptions.assumeTrue;

import java.io.BufferedReader;
import java.io.Writer;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Arrays;
import java.util.List;
import java.util.stream.Collectors;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** {@code lguest shell} with commands from a pipe or behind {@code -c}. On a terminal it is {@link PromptTerminalTest}'s. */
class PromptTest {
  @TempDir static Path directory;
  static Lguest lguest;

  @BeforeAll static void prepare() throws Exception { lguest = new Lguest(directory); }

  private static Lguest.Result run(String... commands) throws Exception { return lguest.run(String.join("\n", commands) + "\n", "shell"); }

  /** What the commands, a line each, say; a line each. Nothing may go wrong. */
  private static List<String> say(String... commands) throws Exception {
    Lguest.Result result = run(commands);
    // News: nothing is wrong with them.
    assertEquals(List.of(), result.err().lines().filter(line -> !line.matches(".* waits: there is no provider of type .*|web: off")).toList());
    assertEquals(0, result.status(), result.out());
    return result.out().lines().toList();
  }

  @Test void everyMistakeIsOneClearLine() throws Exception {
    assertComplaints(new String[][] {
        {"frobnicate", "unknown command frobnicate"}, {"run", "no memory size"}, {"run 64", "no image"}, {"run abc x", "'abc' is not a positive number"},
        {"run --scsi=x 64 y", "unknown option --scsi"}, {"run 64 /nowhere", "/nowhere"}, {"run --name=a/b demo", "'a/b' cannot be a guest's name"},
        {"console", "there is no guest"}, {"stop nobody", "there is no guest"}, {"stop one two", "a word too many, 'two'"}, {"list all", "it takes no words"},
        {"wait --timeout=soon", "'soon'"}, {"wait --patience=3", "no option --patience"}, {"help nothing", "nothing"}, {"quit now", "it takes no words"},
        {"device:trace x/0", "there is no guest"}, {"device:swap", "there is no <device>"}, {"device:add web", "there is no --<device option>"}, {"run 'unclosed", ""}});
  }

  @Test void everyMistakeAboutAGuestIsOneClearLine() throws Exception {
    assertComplaints(new String[][] {
        {"create --name=web demo; pause", "has not been started"}, {"start; start", "is running already"}, {"resume", "is not paused"}, {"stop dab", "there is no guest 'dab'; there are: web"},
        {"run --name=web demo", "'web'"}, {"console", "needs a terminal"}, {"device:add web --scsi=x", "'scsi' asks for no device; there are: block, "},
        {"device:swap console com.acme", "com.acme"}, {"device:info gpu", "has no device 'gpu'; it has: web/0 (console)"},
        {"memory-dump web /nowhere/file", "no such directory"}, {"memory-dump web /etc/passwd", "exists already"},
        {"memory-dump web " + directory.resolve("x") + " --from=0x80000000", "reach beyond"}});
  }

  private static void assertComplaints(String[][] mistakes) throws Exception {
    Lguest.Result result = run(Arrays.stream(mistakes).map(mistake -> mistake[0]).toArray(String[]::new));
    List<String> lines = result.err().lines().toList();
    assertEquals(mistakes.length, lines.size(), result::toString);
    for (int i = 0; i < mistakes.length; i++) {
      String mistake = mistakes[i][0], line = lines.get(i);
      assertTrue(line.startsWith("lguest: ") && line.contains(mistakes[i][1]), () -> mistake + ": " + line);
      assertFalse(line.contains("Exception") || line.contains("coerce"), line);
    }
    assertEquals(mistakes[0][0].equals("frobnicate") ? 127 : 1, result.status(), "that of the first");
  }

  @Test void guestsRunUntilTheyAreStoppedOrThePromptEnds() throws Exception {
    List<String> said = say("run demo", "guest:run --name=web 16M " + Lguest.demo() + " a=b c", "list", "device:list w", "info web", "stop guest1",
        "list", "start guest1", "stop guest1", "stop guest1", "list", "help", "quit", "never said");
    assertEquals("guest1 is running; 'console guest1' shows its console", said.getFirst());
    assertTrue(said.stream().anyMatch(line -> line.matches("guest1 +running +64M +0:00:\\d\\d +[\\d,]+ +demo.elf")), said::toString);
    assertTrue(said.stream().anyMatch(line -> line.matches("guest1 +stopped +64M +0:00:\\d\\d +[\\d,]+ +demo.elf")), said::toString);
    assertTrue(said.stream().anyMatch(line -> line.matches("web +running +16M .*")), said::toString);
    assertTrue(said.stream().anyMatch(line -> line.matches("web/0 +console +active +\\d +lguest.device.console .*")), said::toString);
    assertTrue(said.stream().anyMatch(line -> line.matches("arguments +a=b c")), said::toString);
    for (String line : List.of("guest1 has been stopped", "guest1 is running", "guest1 is forgotten")) assertTrue(said.contains(line), said::toString);
    assertEquals(2, said.stream().filter(line -> line.startsWith("guest1  ")).count(), "the third list knows it no more: " + said);
    assertFalse(said.contains("never said"));
  }

  @Test void aDeviceBundleIsExchangedFromThePrompt() throws Exception {
    // Gogo starts bundles by number only.
    String number = say("felix:lb -s").stream().filter(line -> line.contains("lguest.device.console")).findFirst().orElseThrow().replaceAll("\\|.*", "").strip();
    List<String> said = say("run demo", "felix:update lguest.device.console", "device:resume console", "device:list", "felix:stop lguest.device.console",
        "device:list", "felix:start " + number, "device:resume console", "device:list", "device:stat --json", "quit");
    List<String> states = said.stream().filter(line -> line.startsWith("guest1/0  ")).map(line -> line.split(" +")[2]).toList();
    assertEquals(List.of("active", "parked:", "active"), states, said::toString);
    assertTrue(said.getLast().contains("\"swaps\":2"), said::toString);
  }

  @Test void aGuestIsPausedDumpedAndGoesOn() throws Exception {
    Path dump = directory.resolve("dump"), part = directory.resolve("part");
    List<String> said = say("run --name=web 16M " + Lguest.demo() + " 'run=echo on;poweroff'", "pause", "list", "memory-dump web " + dump,
        "memory-dump web " + part + " --from=4096 --length=8192", "resume", "wait --timeout=60");
    assertTrue(said.stream().anyMatch(line -> line.matches("web +paused .*")), said::toString);
    assertEquals("web: off", said.getLast());
    byte[] memory = Files.readAllBytes(dump);
    assertEquals(16 << 20, memory.length);
    // The kernel's command line lies at 4096 (L16).
    assertEquals("run=echo on;poweroff", new String(memory, 4096, 20));
    assertTrue(Arrays.equals(Files.readAllBytes(part), Arrays.copyOfRange(memory, 4096, 4096 + 8192)), "the part is a part of the whole");
  }

  @Test void devicesAreAddedParkedAndTraced() throws Exception {
    Path disk = Files.write(directory.resolve("disk"), new byte[1 << 20]);
    List<String> said = say("run --name=web --device=gpu:x demo run=flood\\ 2000000000", "device:add web --block=" + disk, "device:add web --device=lamp",
        "device:list", "device:trace web/console -n 3", "device:park web/console --reason=lunch", "device:info web/console", "device:resume web/console");
    assertTrue(said.contains("web/2 (block) is active, served by " + said.stream().filter(line -> line.startsWith("web/2 (")).findFirst().orElse("").replaceAll(".*by ", "")), said::toString);
    for (String parked : List.of("web/0 +gpu +parked: .*", "web/3 +lamp +parked: .*")) assertTrue(said.stream().anyMatch(line -> line.matches(parked)), said::toString);
    assertEquals(3, said.stream().filter(line -> line.matches("\\d\\d:\\d\\d:\\d\\d\\.\\d{6} +web/1 .*")).count(), said::toString);
    assertTrue(said.stream().anyMatch(line -> line.matches("reason +lunch")), said::toString);
  }

  @Test void aGuestThatCannotBeStartedAgainIsKept() throws Exception {
    Path image = Files.copy(Lguest.demo(), directory.resolve("image"));
    Process shell = lguest.lguest("shell").redirectErrorStream(true).start();
    try (BufferedReader said = shell.inputReader(); Writer typed = shell.outputWriter()) {
      typed.write("run --name=web 64 " + image + " run=poweroff; wait\n");
      typed.flush();
      while (!said.readLine().equals("web: off"));
      Files.delete(image);
      typed.write("start web\nrun --name=web demo\nlist\nquit\n");
      typed.flush();
      String rest = said.lines().collect(Collectors.joining("\n"));
      assertTrue(rest.contains("image' does not exist"), rest);
      assertTrue(rest.contains("lguest: there is a guest named 'web' already, which has ended; 'start web' boots it once more, 'stop web' has it forgotten"), rest);
      assertTrue(rest.lines().anyMatch(line -> line.startsWith("web ")), rest);
    } finally {
      shell.destroy();
    }
  }

  @Test void theExitStatusIsThatOfTheFirstFailure() throws Exception {
    assertEquals(0, lguest.run("", "shell", "-c", "list; types").status());
    assertEquals(1, lguest.run("", "shell", "-c", "stop nobody; list").status());
    assertEquals(127, lguest.run("frobnicate\nlist\nstop nobody\n", "shell").status());
    assertEquals(0, lguest.run("quit\nstop nobody\n", "shell").status());
    Lguest.Result rest = lguest.run("stop nobody; help\nlist\n", "shell");
    assertEquals(1, rest.status());
    assertTrue(rest.out().startsWith("NAME"), "the rest of a line is not done, the next line is: " + rest.out());
  }

  @Test void waitTellsHowAGuestEnded() throws Exception {
    assertEquals(0, lguest.run("", "shell", "-c", "run demo run=poweroff; wait").status());
    Lguest.Result died = lguest.run("", "shell", "-c", "run demo run=die\\ panic; wait --timeout=60");
    assertEquals(1, died.status(), died::toString);
    assertTrue(died.out().contains("guest1: died: "), died::toString);
    assertEquals(124, lguest.run("", "shell", "-c", "run demo; wait --timeout=0").status());
  }

  @Test void everyAnswerInJsonIsReadByAnotherProgram() throws Exception {
    assumeTrue(Files.isExecutable(Path.of("/usr/bin/python3")), "needs python3");
    List<String> said = say("run --json --name=web --device=gpu:x demo run=flood\\ 2000000000", "pause --json", "resume --json", "list --json", "info --json",
        "device:types --json", "device:list --json", "device:info web/1 --json", "device:stat --json", "device:park web/1 --json", "device:resume web/1 --json",
        "device:swap web/1 lguest.device.console --json", "device:add web --json --device=lamp", "device:trace web/1 -n 2 --json",
        "memory-dump web " + directory.resolve("json") + " --length=16 --json", "stop --json", "start --json", "kill --json", "create --json demo");
    assertEquals(20, said.size(), said::toString);
    Process python = new ProcessBuilder("/usr/bin/python3", "-c", "import json, sys\nfor line in sys.stdin: json.loads(line)").redirectErrorStream(true).start();
    try (var in = python.getOutputStream()) { in.write(String.join("\n", said).getBytes()); }
    assertEquals("", new String(python.getInputStream().readAllBytes()));
    assertEquals(0, python.waitFor());
  }
}
