package lguest.cli;

import static java.nio.charset.StandardCharsets.ISO_8859_1;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.io.InputStream;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.concurrent.TimeUnit;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** lguest among pipes and files, as in a script. */
class PipeTest {
  private static final String END_OF_INPUT = "Failed to get console input, ignoring console.";
  @TempDir static Path directory;
  static Lguest lguest;

  @BeforeAll static void prepare() throws Exception { lguest = new Lguest(directory); }

  @Test void theDemoRunsItsCommandsAndSwitchesItselfOff() throws Exception {
    Lguest.Result result = lguest.run("echo one two\npoweroff\n", "demo");
    assertEquals(0, result.status(), result::err);
    assertTrue(result.out().contains("\none two\r\n"), result::out);
  }

  @Test void theSameFromAFileThroughASymbolicLinkInAnotherDirectory() throws Exception {
    Path elsewhere = Files.createDirectory(directory.resolve("elsewhere"));
    Path link = Files.createSymbolicLink(elsewhere.resolve("lg"), Path.of("../lguest"));
    Files.copy(Lguest.demo(), elsewhere.resolve("kernel"));
    Path input = Files.writeString(elsewhere.resolve("input"), "cmdline\npoweroff\n");
    Lguest.Result result = lguest.finish(lguest.command(elsewhere, link.toString(), "16M", "kernel", "a=b", "c d")
        .redirectInput(input.toFile()).start(), "");
    assertEquals(0, result.status(), result::err);
    assertTrue(result.out().contains("a=b c d"), result::out);
  }

  @Test void atTheEndOfInputTheGuestGoesOn() throws Exception {
    // The guest is busy until long after its input has ended, and only then switches itself off.
    Lguest.Result result = lguest.run("sleep 1500; echo still here; poweroff\n", "demo");
    assertEquals(0, result.status(), result::err);
    assertTrue(result.out().contains("\nstill here\r\n"), result::out);
    assertTrue(result.err().contains(END_OF_INPUT), result::err);
    assertEquals(1, result.err().lines().count(), result::err);
  }

  @Test void aDeadGuestsReasonIsToldAndTheStatusIsOne() throws Exception {
    for (String[] death : new String[][] {{"panic", "died on request"}, {"badcall", "99"}, {"wilddma", "0xfffff000"}, {"trap", ""}}) {
      Lguest.Result result = lguest.run("die " + death[0] + "\n", "demo");
      assertEquals(1, result.status(), result::toString);
      String reason = result.err().lines().filter(line -> !line.contains(END_OF_INPUT)).reduce((first, second) -> second).orElse("");
      assertTrue(reason.startsWith("lguest: ") && reason.length() > "lguest: ".length() && reason.toLowerCase()
          .contains(death[1]), result::err);
      assertFalse(result.err().contains("\tat "), "a guest's fault is no stack trace: " + result.err());
    }
  }

  @Test void aFloodOfOutputArrivesWhole() throws Exception {
    Lguest.Result result = lguest.run("flood 40000000\npoweroff\n", "demo");
    assertEquals(0, result.status(), result::err);
    Matcher summary = Pattern.compile("flood: (\\d+) bytes, (\\d+) lines, sum ([0-9a-f]{8})").matcher(result.out());
    assertTrue(summary.find());
    assertEquals("40000000", summary.group(1));
    int start = result.out().indexOf("00000000 ");
    assertEquals(start + 40_000_000, summary.start(), "nothing missing and nothing else in between");
    ByteBuffer words = ByteBuffer.wrap(result.out().substring(start, summary.start()).getBytes(ISO_8859_1))
        .order(ByteOrder.LITTLE_ENDIAN);
    int sum = 0;
    while (words.hasRemaining()) sum += words.getInt();
    assertEquals(summary.group(3), "%08x".formatted(sum), "the guest's sum of all words and ours");
  }

  @Test void whenNobodyReadsAnyMoreTheGuestIsStopped() throws Exception {
    Process process = lguest.lguest("demo").start();
    var err = Lguest.drain(process.getErrorStream());
    process.getOutputStream().write("flood 1000000000\n".getBytes());
    process.getOutputStream().flush();
    InputStream out = process.getInputStream();
    out.readNBytes(100_000);
    out.close();
    assertTrue(process.waitFor(60, TimeUnit.SECONDS), "it goes on although nobody listens");
    assertEquals(1, process.exitValue());
    assertTrue(err.get().contains("nobody reads the standard output"), err::join);
    lguest.assertNothingLeft();
  }

  @Test void aSignalEndsItAndLeavesNothing() throws Exception {
    for (String signal : new String[] {"TERM", "HUP", "INT"}) {
      Process process = lguest.lguest("demo").start();
      byte[] greeting = process.getInputStream().readNBytes(20);
      assertEquals(20, greeting.length);
      new ProcessBuilder("kill", "-" + signal, "" + process.pid()).start().waitFor();
      assertTrue(process.waitFor(60, TimeUnit.SECONDS), signal);
      assertTrue(process.exitValue() > 128, "ended by SIG" + signal + ": " + process.exitValue());
      lguest.assertNothingLeft();
    }
  }

  @Test void whatAKilledOneLeftIsSweptAndWhatALivingOneHasIsNot() throws Exception {
    Path dead = Files.createDirectories(lguest.temporary.resolve("lguest-dead/framework")).getParent(),
        living = Files.createDirectory(lguest.temporary.resolve("lguest-living"));
    for (Path left : new Path[] {dead, living})
      Files.setLastModifiedTime(Files.createFile(left.resolve("alive")), java.nio.file.attribute.FileTime.fromMillis(0));
    try (var held = java.nio.channels.FileChannel.open(living.resolve("alive"), java.nio.file.StandardOpenOption.WRITE)) {
      held.lock();
      Process process = lguest.lguest("version").start();
      process.waitFor();
      assertFalse(Files.exists(dead));
      assertTrue(Files.exists(living.resolve("alive")));
    }
    Files.delete(living.resolve("alive"));
    Files.delete(living);
    lguest.assertNothingLeft();
  }

  @Test void helpAndVersion() throws Exception {
    Lguest.Result help = lguest.run("", "help");
    assertEquals(0, help.status());
    for (String word : new String[] {"--block=", "--initrd=", "--verbose", "<mem>", "demo", "shell", "Exit status"})
      assertTrue(help.out().contains(word), word);
    assertTrue(lguest.run("", "version").out().matches("lguest \\d+\\.\\d+\\.\\d+.*, Java .*\\R"));
  }

  @Test void verboseTellsDetailsOnStandardError() throws Exception {
    Lguest.Result quiet = lguest.run("poweroff\n", "16", Lguest.demo().toString());
    Lguest.Result verbose = lguest.run("poweroff\n", "--verbose", "16", Lguest.demo().toString());
    assertEquals(0, verbose.status());
    assertTrue(verbose.err().lines().count() > quiet.err().lines().count() + 3, verbose::err);
    assertTrue(verbose.err().lines().allMatch(line -> line.startsWith("lguest: ")), verbose::err);
  }
}
