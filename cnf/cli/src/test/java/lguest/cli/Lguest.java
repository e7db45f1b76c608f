package lguest.cli;

import static java.nio.charset.StandardCharsets.ISO_8859_1;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.io.IOException;
import java.io.InputStream;
import java.io.UncheckedIOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.TimeUnit;
import java.util.stream.Stream;

/**
 * {@code ./lguest} in a directory of its own, with the jar of this build, and a place for temporary files that must be empty
 * afterwards.
 */
final class Lguest {
  private static final long PATIENCE_SECONDS = 180;
  static final Path ROOT = Path.of(System.getProperty("lguest.root"));
  static final Path JAR = ROOT.resolve("cnf/app/target/lguest.jar");

  /** What came of it. */
  record Result(int status, String out, String err) {}

  final Path home;
  final Path temporary;

  Lguest(Path home) throws IOException {
    this.home = home;
    temporary = Files.createDirectory(home.resolve("tmp"));
    Files.copy(ROOT.resolve("lguest"), home.resolve("lguest"), java.nio.file.StandardCopyOption.COPY_ATTRIBUTES);
  }

  static Path demo() { return ROOT.resolve("guest.demo/demo.elf"); }

  /** The command in {@code directory}, not yet started. It heeds the signals of terminals, even if whoever started the tests does not, as nohup and scripts behind {@code &} do not. */
  ProcessBuilder command(Path directory, String... command) {
    List<String> words = new ArrayList<>(List.of("env", "--default-signal=HUP,INT"));
    words.addAll(List.of(command));
    ProcessBuilder builder = new ProcessBuilder(words).directory(directory.toFile());
    builder.environment().put("LGUEST_JAR", JAR.toString());
    builder.environment().put("LGUEST_JAVA_HOME", System.getProperty("java.home"));
    builder.environment().put("TMPDIR", temporary.toString());
    builder.environment().put("TERM", "xterm");
    builder.environment().remove("LGUEST_JAVA_OPTS");
    return builder;
  }

  ProcessBuilder lguest(String... arguments) {
    List<String> command = new ArrayList<>(List.of(home.resolve("lguest").toString()));
    command.addAll(Arrays.asList(arguments));
    return command(home, command.toArray(String[]::new));
  }

  /** Runs lguest with {@code input} on a pipe and waits for its end. Nothing may be left of it. */
  Result run(String input, String... arguments) throws Exception { return finish(lguest(arguments).start(), input); }

  Result finish(Process process, String input) throws Exception {
    CompletableFuture<String> out = drain(process.getInputStream()), err = drain(process.getErrorStream());
    try (var in = process.getOutputStream()) {
      in.write(input.getBytes(ISO_8859_1));
    } catch (IOException e) {
      // It did not want to hear all of it.
    }
    if (!process.waitFor(PATIENCE_SECONDS, TimeUnit.SECONDS)) {
      process.descendants().forEach(ProcessHandle::destroyForcibly);
      process.destroyForcibly();
      throw new AssertionError("it does not end; so far it said:\n" + out.getNow("") + err.getNow(""));
    }
    Result result = new Result(process.exitValue(), out.get(), err.get());
    assertNothingLeft();
    return result;
  }

  void assertNothingLeft() throws IOException {
    try (Stream<Path> left = Files.list(temporary)) { assertEquals(List.of(), left.toList(), "temporary files left behind"); }
  }

  static CompletableFuture<String> drain(InputStream in) {
    CompletableFuture<String> text = new CompletableFuture<>();
    Thread.ofVirtual().start(() -> {
      try (in) {
        text.complete(new String(in.readAllBytes(), ISO_8859_1));
      } catch (IOException e) {
        text.completeExceptionally(new UncheckedIOException(e));
      }
    });
    return text;
  }

  /** The user's fault: one line that begins with our name and says {@code words}, nothing on standard output, status 1. */
  static void assertComplaint(Result result, String... words) {
    assertEquals(1, result.status(), result::toString);
    assertEquals("", result.out());
    List<String> lines = result.err().lines().toList();
    assertEquals(1, lines.size(), result::err);
    for (String word : words) assertTrue(result.err().contains(word), () -> "'" + word + "' is not in: " + result.err());
    assertTrue(lines.getFirst().startsWith("lguest: "), result::err);
  }

  /** The same, but followed by the usage. */
  static void assertUsage(Result result, String... words) {
    int usage = result.err().indexOf("usage: lguest ");
    assertTrue(usage > 0, result::err);
    assertComplaint(new Result(result.status(), result.out(), result.err().substring(0, usage)), words);
  }
}
