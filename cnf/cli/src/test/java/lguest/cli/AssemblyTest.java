package lguest.cli;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.TreeSet;
import java.util.jar.JarFile;
import java.util.regex.Pattern;
import java.util.stream.Stream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** The launcher that the resolver has assembled of "I want block and tun" (cnf/app/block-and-tun.bndrun) has these, does not have the rest, and works. */
class AssemblyTest {
  @TempDir Path directory;

  @Test void aLauncherIsAssembledByDeviceTypes() throws Exception {
    String run = Files.readString(Lguest.ROOT.resolve("cnf/app/block-and-tun.bndrun"));
    TreeSet<String> chosen = new TreeSet<>(Pattern.compile("^\\s*([\\w.]+);version=", Pattern.MULTILINE).matcher(run.substring(run.indexOf("-runbundles"))).results().map(found -> found.group(1)).toList());
    assertTrue(chosen.containsAll(List.of("lguest.device.block", "lguest.device.tun", "lguest.device.console", "lguest.launcher.core", "lguest.launcher.shell", "lguest.host.lguest", "lguest.cpu.x86")), chosen::toString);
    assertFalse(chosen.contains("lguest.device.net"), chosen::toString);

    Lguest lguest = new Lguest(Files.createDirectory(directory.resolve("home")));
    Path platform = Files.createDirectory(directory.resolve("platform")), bundles = Files.createDirectory(platform.resolve("bundles"));
    Files.copy(Lguest.JAR, platform.resolve("lguest.jar"));
    try (Stream<Path> packed = Files.list(Lguest.ROOT.resolve("cnf/app/target/bundles"))) {
      for (Path jar : packed.toList())
        try (JarFile bundle = new JarFile(jar.toFile())) {
          // What the shell starts for its prompt is not of this launcher's choosing.
          String name = bundle.getManifest().getMainAttributes().getValue("Bundle-SymbolicName").split(";")[0];
          if (chosen.contains(name)) Files.copy(jar, bundles.resolve(jar.getFileName()));
        }
    }
    String java = Path.of(System.getProperty("java.home"), "bin/java").toString(), jar = platform.resolve("lguest.jar").toString();
    Lguest.Result help = lguest.finish(lguest.command(directory, java, "--sun-misc-unsafe-memory-access=allow", "-Djava.io.tmpdir=" + lguest.temporary, "-jar", jar, "help").start(), "");
    assertEquals(0, help.status(), help::err);
    assertTrue(help.out().contains("--block=") && help.out().contains("--tunnet="), help::out);
    assertFalse(help.out().contains("--sharenet="), help::out);
    Lguest.Result demo = lguest.finish(lguest.command(directory, java, "--sun-misc-unsafe-memory-access=allow", "-Djava.io.tmpdir=" + lguest.temporary, "-jar", jar, "demo").start(), "poweroff\n");
    assertEquals(0, demo.status(), demo::err);
    assertTrue(demo.out().contains("lguest demo guest"), demo::out);
  }
}
