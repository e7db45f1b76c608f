package lguest.cli;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;
import static org.junit.jupiter.api.Assumptions.assumeTrue;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Map;
import java.util.TreeMap;
import java.util.concurrent.TimeUnit;
import java.util.stream.Stream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;

/** A device can begin from the Maven archetype, too. The build has let Maven make one of it; {@code lguest new-device} reads the same files without Maven. */
@Timeout(600)
class ArchetypeTest {
  private static final Path MADE = Lguest.ROOT.resolve("cnf/archetype/target/test-classes/projects/lamp/project/lamp");
  private static final String REPOSITORY = ".lguest", VERSION = "<lguest.version>[^<]*<";

  @TempDir Path directory;

  @Test void mavenMakesWhatTheStarterMakesAndItBuilds() throws Exception {
    Lguest lguest = new Lguest(directory);
    Lguest.Result result = lguest.run("", "new-device", "lamp", "org.example.lamp");
    assertEquals(0, result.status(), result::toString);
    Path starters = directory.resolve("lamp"), mavens = directory.resolve("mavens");
    copy(MADE, mavens);
    Map<String, String> expected = texts(starters), made = texts(mavens);
    // The archetype's user has installed lguest; the starter's finds it beside the sources, under a version that tells its content.
    assertEquals(expected.get("pom.xml").replaceFirst(VERSION, ""), made.get("pom.xml").replaceFirst(VERSION, ""));
    expected.remove("pom.xml");
    made.remove("pom.xml");
    assertEquals(expected, made);
    assertTrue(made.get(".gitignore").contains("target/"), made::toString);

    assumeTrue(Stream.of(System.getenv("PATH").split(":")).anyMatch(folder -> Files.isExecutable(Path.of(folder, "mvn"))), "needs mvn on the PATH");
    // In place of an installation, which would leave something behind.
    copy(starters.resolve(REPOSITORY), mavens.resolve(REPOSITORY));
    try (Stream<Path> versions = Files.list(mavens.resolve(".lguest/repository/lguest/launcher.core"))) {
      String version = versions.findFirst().orElseThrow().getFileName().toString();
      Path pom = mavens.resolve("pom.xml");
      Files.writeString(pom, Files.readString(pom).replaceFirst(VERSION, "<lguest.version>" + version + "<"));
    }
    ProcessBuilder builder = lguest.command(directory, "mvn", "-B", "-ntp", "-f", "mavens", "verify").redirectErrorStream(true);
    builder.environment().put("JAVA_HOME", System.getProperty("java.home"));
    Process build = builder.start();
    build.getOutputStream().close();
    String said = new String(build.getInputStream().readAllBytes());
    assertTrue(build.waitFor(1, TimeUnit.MINUTES) && build.exitValue() == 0, said);
    assertTrue(Files.exists(mavens.resolve("target/lamp-1.0.0.jar")), said);
  }

  private static Map<String, String> texts(Path folder) throws IOException {
    Map<String, String> texts = new TreeMap<>();
    try (Stream<Path> files = Files.walk(folder)) {
      for (Path file : files.filter(Files::isRegularFile).toList()) {
        String name = folder.relativize(file).toString();
        // Velocity and we differ in how a text ends.
        if (!name.startsWith(REPOSITORY)) texts.put(name, Files.readString(file).strip());
      }
    }
    return texts;
  }

  private static void copy(Path from, Path to) throws IOException {
    try (Stream<Path> files = Files.walk(from)) { for (Path file : files.toList()) Files.copy(file, to.resolve(from.relativize(file).toString())); }
  }
}
