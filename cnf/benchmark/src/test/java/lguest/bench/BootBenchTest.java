package lguest.bench;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardCopyOption;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.stream.Collectors;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** All of the benchmark, a little of each, with the demo guest where it wants a Linux. How fast and how large is no test's business, but that it was measured is. */
class BootBenchTest {
  private static final Path ROOT = Path.of(System.getProperty("lguest.root"));

  @TempDir Path home;
  private Commands commands;
  private Lguest lguest;

  @BeforeEach void ourOwn() throws Exception {
    Files.copy(ROOT.resolve("lguest"), home.resolve("lguest"), StandardCopyOption.COPY_ATTRIBUTES);
    commands = new Commands(Map.of("LGUEST_JAR", ROOT.resolve("cnf/app/target/lguest.jar").toString(), "LGUEST_JAVA_HOME", System.getProperty("java.home"), "LGUEST_JAVA_OPTS", ""));
    lguest = new Lguest(home);
  }

  private BootBench bench(Path kernel) throws Exception {
    Path initrd = Files.writeString(home.resolve("initrd"), "some disk");
    BootBench.Linux linux = new BootBench.Linux(kernel, initrd, List.of("quiet", "run=help"));
    return new BootBench(lguest, new Machine.Qemu(ROOT, home.resolve("bench.pc")), commands, Optional.of(linux), Options.parse(List.of("--rounds=1", "--seconds=1"), BootBench.OPTIONS));
  }

  @Test void everythingIsMeasured() throws Exception {
    Report report = bench(ROOT.resolve("guest.demo/demo.elf")).run();
    System.out.print(report.table(BootBench.columns()) + report.remarks());
    Map<String, Double> measured = report.rows().stream().collect(Collectors.toMap(row -> row.get("name").toString(), row -> ((Sample) row.get("value")).median()));
    for (String started : List.of("demo guest to its prompt", "Linux to the first line of its init", "memory beside one Linux guest's own"))
      assertTrue(measured.get(started) > 0, () -> started + ": " + measured);
    for (String idle : List.of("idle demo guest", "idle Linux guest")) assertTrue(measured.get(idle) >= 0 && measured.get(idle) < 100, () -> idle + ": " + measured);
    // A second guest shares what makes up the most of the first: the platform.
    assertTrue(measured.get("a second Linux guest in the same process, more") < measured.get("memory beside one Linux guest's own"), measured::toString);
    assertFalse(report.remarks().contains("all of it is counted"), report::remarks);
  }

  @Test void aGuestThatDoesNotStartEndsItAtOnce() throws Exception {
    Path missing = home.resolve("no-such-kernel");
    BootBench bench = bench(missing);
    lguest.prepare(commands);
    Failure failure = assertThrows(Failure.class, () -> bench.memory(new BootBench.Linux(missing, home.resolve("initrd"), List.of())));
    assertTrue(failure.getMessage().startsWith("lguest: ") && failure.getMessage().contains("no-such-kernel"), failure::getMessage);
    assertEquals(1, failure.getMessage().lines().count(), failure::getMessage);
  }
}
