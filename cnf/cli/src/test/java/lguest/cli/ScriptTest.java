package lguest.cli;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.attribute.FileTime;
import java.nio.file.attribute.PosixFilePermissions;
import java.time.Instant;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/**
 * The script's own part: which Java, when to build, and what when that fails. A Maven of our own stands in for the real one
 * and counts its calls.
 */
class ScriptTest {
  @TempDir Path directory;
  private Path root, tools, source;
  private Lguest lguest;

  @BeforeEach void prepare() throws Exception {
    root = Files.createDirectory(directory.resolve("project"));
    lguest = new Lguest(root);
    source = Files.createDirectories(root.resolve("x/src/main/java")).resolve("X.java");
    touch(source, -100);
    tools = Files.createDirectory(directory.resolve("tools"));
    maven("mkdir -p cnf/app/target && cp " + Lguest.JAR + " cnf/app/target/lguest.jar");
  }

  private void maven(String does) throws IOException {
    Path mvn = Files.writeString(tools.resolve("mvn"), "#!/bin/sh\necho called >> " + directory.resolve("calls") + "\n" + does + "\n");
    Files.setPosixFilePermissions(mvn, PosixFilePermissions.fromString("rwxr-xr-x"));
  }

  private static void touch(Path file, int seconds) throws IOException {
    if (!Files.exists(file)) Files.writeString(file, "");
    Files.setLastModifiedTime(file, FileTime.from(Instant.now().plusSeconds(seconds)));
  }

  private long calls() throws IOException {
    return Files.exists(directory.resolve("calls")) ? Files.readAllLines(directory.resolve("calls")).size() : 0;
  }

  private Lguest.Result version(Map<String, String> changes) throws Exception {
    ProcessBuilder builder = lguest.lguest("version");
    builder.environment().remove("LGUEST_JAR");
    builder.environment().put("PATH", tools + ":" + System.getenv("PATH"));
    builder.environment().putAll(changes);
    return lguest.finish(builder.start(), "");
  }

  @Test void buildsOnFirstUseAndAgainOnlyWhenASourceChanged() throws Exception {
    Lguest.Result first = version(Map.of());
    assertEquals(0, first.status(), first::err);
    assertTrue(first.err().contains("first use") && first.err().contains("takes about"), first::err);
    assertTrue(first.out().startsWith("lguest "), "what the build says is not our output: " + first.out());
    assertEquals(1, calls());
    assertEquals("", version(Map.of()).err());
    assertEquals(1, calls());
    touch(root.resolve("x/src/main/java/Y.java"), 0);
    assertTrue(version(Map.of()).err().contains("Y.java has changed"));
    assertEquals(2, calls());
    assertEquals("", version(Map.of()).err());
    assertEquals(2, calls());
  }

  @Test void aBuildThatFailsIsShownAndLeavesNothingToRun() throws Exception {
    maven("echo '[ERROR] X.java: a semicolon is missing'; exit 1");
    Lguest.Result failed = version(Map.of());
    assertEquals(1, failed.status());
    assertEquals("", failed.out());
    assertTrue(failed.err().contains("a semicolon is missing") && failed.err().contains("the build failed"), failed::err);
    assertFalse(Files.exists(root.resolve(".lguest/current")));
    maven("mkdir -p cnf/app/target && cp " + Lguest.JAR + " cnf/app/target/lguest.jar");
    assertEquals(0, version(Map.of()).status(), "and the next one starts anew");
  }

  @Test void twoFirstUsesAtOnceBuildOnce() throws Exception {
    maven("sleep 2; mkdir -p cnf/app/target && cp " + Lguest.JAR + " cnf/app/target/lguest.jar");
    List<Process> both = new ArrayList<>();
    for (int i = 0; i < 2; i++) {
      ProcessBuilder builder = lguest.lguest("version");
      builder.environment().remove("LGUEST_JAR");
      builder.environment().put("PATH", tools + ":" + System.getenv("PATH"));
      both.add(builder.redirectErrorStream(true).start());
    }
    for (Process process : both) {
      String said = Lguest.drain(process.getInputStream()).get();
      assertEquals(0, process.waitFor(), said);
    }
    assertEquals(1, calls());
  }

  @Test void withoutAJava25OneLineSaysSo() throws Exception {
    // In a PATH of its own, where only what the script needs is found, and with no usual place to look: a root of its own would
    // need rights.
    Path old = Files.createDirectories(directory.resolve("old/bin"));
    Files.writeString(old.resolve("java"), "#!/bin/sh\nexit 0\n");
    Files.setPosixFilePermissions(old.resolve("java"), PosixFilePermissions.fromString("rwxr-xr-x"));
    Files.writeString(directory.resolve("old/release"), "IMPLEMENTOR=\"x\"\nJAVA_VERSION=\"17.0.15\"\n");
    String script = Files.readString(root.resolve("lguest")).replace("/usr/lib/jvm/*", directory.resolve("old").toString())
        .replace("/opt/java/* /opt/*", "");
    Files.writeString(root.resolve("lguest"), script);
    String home = directory.resolve("old").toString();
    Lguest.Result result = version(Map.of("LGUEST_JAVA_HOME", home, "JAVA_HOME", home, "JDK_HOME", "", "HOME",
        directory.toString(), "PATH", old + ":/usr/bin:/bin"));
    if (result.status() == 0) throw new AssertionError("found a Java in spite of all: " + result.out());
    Lguest.assertComplaint(result, "needs Java 25 or newer", "install a JDK 25", "LGUEST_JAVA_HOME");
  }

  @Test void anOldJavaFindsANewOneForTheJar() throws Exception {
    Path java = Path.of("/usr/lib/jvm");
    org.junit.jupiter.api.Assumptions.assumeTrue(Files.isDirectory(java), "needs several Javas");
    try (var homes = Files.list(java)) {
      Path old = homes.filter(home -> Files.exists(home.resolve("release")) && Files.isExecutable(home.resolve("bin/java"))
          && release(home) < 25).findFirst().orElse(null);
      org.junit.jupiter.api.Assumptions.assumeTrue(old != null, "needs a Java older than 25");
      Lguest.Result result = lguest.finish(lguest.command(root, old.resolve("bin/java").toString(), "-jar",
          Lguest.JAR.toString(), "version").start(), "");
      assertEquals(0, result.status(), result::err);
      assertTrue(result.out().startsWith("lguest "), result::out);
    }
  }

  private static int release(Path home) {
    try {
      return Files.readAllLines(home.resolve("release")).stream().filter(line -> line.startsWith("JAVA_VERSION="))
          .mapToInt(line -> Integer.parseInt(line.replaceAll(".*=\"(\\d+).*", "$1"))).findFirst().orElse(99);
    } catch (IOException e) {
      return 99;
    }
  }
}
