package lguest.cli;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.io.BufferedReader;
import java.io.IOException;
import java.io.Writer;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.concurrent.TimeUnit;
import java.util.stream.Stream;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;

/** The folder that users unpack, far from any sources. */
@Timeout(value = 5, unit = TimeUnit.MINUTES)
class DistributionTest {
  @TempDir Path directory;
  Lguest lguest;
  Path unpacked;

  @BeforeEach void unpack() throws Exception {
    lguest = new Lguest(directory);
    Path archive;
    try (Stream<Path> built = Files.list(Lguest.ROOT.resolve("cnf/app/target"))) {
      archive = built.filter(file -> file.toString().endsWith("-distribution.tar.gz")).findFirst().orElseThrow();
    }
    assertEquals(0, new ProcessBuilder("tar", "-xzf", archive.toString(), "-C", directory.toString()).inheritIO().start().waitFor());
    try (Stream<Path> found = Files.list(directory)) { unpacked = found.filter(file -> file.getFileName().toString().startsWith("lguest-")).findFirst().orElseThrow(); }
  }

  private ProcessBuilder command(String... arguments) {
    ProcessBuilder command = lguest.command(directory, Stream.concat(Stream.of(unpacked.resolve("lguest").toString()), Stream.of(arguments)).toArray(String[]::new));
    command.environment().remove("LGUEST_JAR");
    return command;
  }

  @Test void bootsAGuestAndBuildsNothing() throws Exception {
    Lguest.Result result = lguest.finish(command("demo", "quiet").start(), "poweroff\n");
    assertEquals(0, result.status(), result::toString);
    assertTrue(result.out().contains("lguest demo guest"), result::toString);
    assertTrue(Files.exists(unpacked.resolve(".lguest")), "the cache for later starts");
    try (Stream<Path> here = Files.list(unpacked)) { assertFalse(here.anyMatch(file -> file.endsWith("target"))); }
    unpacked = Files.move(unpacked, directory.resolve("elsewhere"));
    Lguest.Result moved = lguest.finish(command("demo", "quiet").start(), "poweroff\n");
    assertEquals(0, moved.status(), moved::toString);
  }

  @Test void guestsOfTheConfFolderAreServedFromAnywhere() throws Exception {
    Files.writeString(unpacked.resolve("conf/lguest.guest-short.cfg"), "image = demo\narguments = quiet run=poweroff\n");
    Process serve = command("serve").redirectErrorStream(true).start();
    try (BufferedReader said = serve.inputReader()) {
      for (String line; !(line = said.readLine()).matches("lguest: .*short.* off");) assertFalse(line.contains("no directory"), line);
    } finally {
      serve.destroy();
      serve.waitFor();
    }
  }

  @Test void aJarThatIsDroppedInComesToLifeAndGoesWithItsFile() throws Exception {
    Path jar = unpacked.resolve("bundles/device.tun.jar"), aside = directory.resolve("device.tun.jar"), dropped = unpacked.resolve("drop-in/device.tun.jar");
    Files.move(jar, aside);
    Process shell = command("shell").redirectErrorStream(true).start();
    try (BufferedReader said = shell.inputReader(); Writer typed = shell.outputWriter()) {
      assertFalse(types(said, typed).contains("tun"));
      Files.copy(aside, dropped);
      while (!types(said, typed).contains("tun *")) Thread.sleep(100);
      Files.delete(dropped);
      while (types(said, typed).contains("tun")) Thread.sleep(100);
      typed.write("quit\n");
    } finally {
      shell.destroy();
    }
  }

  private static String types(BufferedReader said, Writer typed) throws IOException {
    typed.write("device:types; list --json\n");
    typed.flush();
    StringBuilder text = new StringBuilder();
    for (String line; !(line = said.readLine()).equals("[]");) text.append(line.replaceAll(" {2,}.*", "")).append('\n');
    return text.toString();
  }
}
