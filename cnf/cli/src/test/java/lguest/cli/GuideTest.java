package lguest.cli;

import static java.nio.charset.StandardCharsets.ISO_8859_1;
import static java.nio.charset.StandardCharsets.UTF_8;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;
import static org.junit.jupiter.api.Assumptions.assumeTrue;

import java.io.IOException;
import java.io.InputStream;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.Objects;
import java.util.concurrent.TimeUnit;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import java.util.stream.Stream;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;

/**
 * The guide is true: its indented lines are run in order. {@code $} is a command (of the first terminal, but {@code ./lguest dev}, which stays, is the second's), {@code demo#} is typed
 * into the guest, and the rest must appear, after what appeared before, in whichever of the two spoke last; {@code …} is anything.
 */
@Timeout(900)
class GuideTest {
  private static final long PATIENCE_NANOS = TimeUnit.SECONDS.toNanos(180);
  @TempDir Path directory;
  private Lguest lguest;
  /** The second terminal. */
  private Process platform;
  private final StringBuilder screen = new StringBuilder();
  /** How far the screen has been compared. */
  private int seen;
  private int typed;
  /** What the last command of the first terminal said, as far as it has not been compared; null when the second spoke last. */
  private String said;

  @AfterEach void end() {
    if (platform == null) return;
    platform.descendants().forEach(ProcessHandle::destroyForcibly);
    platform.destroyForcibly();
  }

  @Test void everyCommandDoesWhatIsShown() throws Exception {
    assumeTrue(Stream.of(System.getenv("PATH").split(":")).anyMatch(folder -> Files.isExecutable(Path.of(folder, "mvn"))), "needs mvn on the PATH");
    lguest = new Lguest(Files.createDirectory(directory.resolve("home")));
    List<String> lines = Files.readAllLines(Lguest.ROOT.resolve("cnf/guide.md")).stream().filter(line -> line.startsWith("    ")).map(line -> line.substring(4)).toList();
    assertTrue(lines.size() > 40, "the guide has lost its commands");
    int commands = 0;
    for (String line : lines) {
      try {
        if (line.startsWith("$ ")) {
          run(line.substring(2));
          commands++;
        } else if (line.startsWith("demo# ")) {
          type(line.substring("demo# ".length()));
        } else if (!line.equals("…")) {
          expect(line);
        }
      } catch (AssertionError | Exception e) {
        throw new AssertionError("guide.md, at '" + line + "': " + e.getMessage(), e);
      }
    }
    assertTrue(commands >= 12, "commands run: " + commands);
    assertEquals(List.of("lguest", "tmp"), visible(), "all that was made is removed");
  }

  private List<String> visible() throws IOException {
    try (Stream<Path> files = Files.list(lguest.home)) { return files.map(file -> file.getFileName().toString()).filter(name -> !name.startsWith(".")).sorted().toList(); }
  }

  private void run(String command) throws Exception {
    ProcessBuilder builder = lguest.command(lguest.home, "sh", "-c", command).redirectErrorStream(true);
    builder.environment().put("JAVA_HOME", System.getProperty("java.home"));
    if (command.startsWith("./lguest dev ")) {
      said = null;
      seen = 0;
      typed = 0;
      screen.setLength(0);
      platform = builder.start();
      Thread.ofVirtual().start(() -> show(platform.getInputStream()));
      return;
    }
    Process process = builder.start();
    process.getOutputStream().close();
    String output = new String(process.getInputStream().readAllBytes(), UTF_8).replaceAll("\u001B\\[[0-9;]*m", "");
    assertEquals(0, process.waitFor(), output);
    // What says nothing is for the other terminal to answer.
    said = output.isEmpty() && platform != null ? null : output;
  }

  private void show(InputStream in) {
    byte[] piece = new byte[4096];
    try (in) {
      for (int length; (length = in.read(piece)) > 0; )
        synchronized (screen) {
          screen.append(new String(piece, 0, length, ISO_8859_1));
          screen.notifyAll();
        }
    } catch (IOException e) {
      // It has ended.
    }
  }

  /** Types a line when the prompt is there, and waits for its echo. */
  private void type(String line) throws Exception {
    said = null;
    awaitPrompt(++typed);
    platform.getOutputStream().write((line + "\n").getBytes(ISO_8859_1));
    platform.getOutputStream().flush();
    if (line.equals("poweroff")) {
      assertTrue(platform.waitFor(60, TimeUnit.SECONDS), "the platform does not end");
      assertEquals(0, platform.exitValue(), screen::toString);
      platform = null;
      return;
    }
    // Without the line's end, which the guest may still hold back when it waits for a device.
    await(Pattern.compile(Pattern.quote(line)));
  }

  private void expect(String line) throws Exception {
    Pattern pattern = Pattern.compile(Stream.of(line.split("…", -1)).map(Pattern::quote).reduce((a, b) -> a + "[^\r\n]*" + b).orElseThrow());
    if (said == null) {
      await(pattern);
      return;
    }
    Matcher matcher = pattern.matcher(said);
    assertTrue(matcher.find(), () -> "instead it said:\n" + said);
    said = said.substring(matcher.end());
  }

  /** Waits for the n-th prompt. What the platform says may come before or after it. */
  private void awaitPrompt(int n) throws InterruptedException {
    Objects.requireNonNull(platform, "no guest runs");
    long end = System.nanoTime() + PATIENCE_NANOS;
    synchronized (screen) {
      while (Pattern.compile("demo# ").matcher(screen).results().count() < n) {
        if (System.nanoTime() > end) throw new AssertionError("the guest's prompt did not appear:\n" + screen);
        screen.wait(100);
      }
    }
  }

  private void await(Pattern pattern) throws InterruptedException {
    Objects.requireNonNull(platform, "no guest runs");
    long end = System.nanoTime() + PATIENCE_NANOS;
    synchronized (screen) {
      while (true) {
        Matcher matcher = pattern.matcher(screen);
        if (matcher.find(seen)) {
          seen = matcher.end();
          return;
        }
        if (System.nanoTime() > end) throw new AssertionError("it did not appear; what did, since the last that was expected:\n" + screen.substring(seen));
        screen.wait(100);
      }
    }
  }
}
