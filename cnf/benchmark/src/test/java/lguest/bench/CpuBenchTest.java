package lguest.bench;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;
import static org.junit.jupiter.api.Assumptions.assumeTrue;

import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardCopyOption;
import java.util.List;
import java.util.Map;
import java.util.stream.Collectors;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** Every machine that is there runs the benchmarks, a little of each, and all come to the same. How fast is no test's business. */
class CpuBenchTest {
  private static final Path ROOT = Path.of(System.getProperty("lguest.root"));
  private static final List<String> PROGRAMS = List.of("sieve:1", "mandel-x87:1", "mandel-sse2:1", "cold:1", "fork:1", "exec:1");

  @TempDir Path home;
  private Commands commands;
  private Lguest lguest;
  private Machine qemu, silicon;

  @BeforeEach void machines() throws Exception {
    // The script by itself stages what it runs beside itself.
    Files.copy(ROOT.resolve("lguest"), home.resolve("lguest"), StandardCopyOption.COPY_ATTRIBUTES);
    commands = new Commands(Map.of("LGUEST_JAR", ROOT.resolve("cnf/app/target/lguest.jar").toString(), "LGUEST_JAVA_HOME", System.getProperty("java.home"), "LGUEST_JAVA_OPTS", ""));
    lguest = new Lguest(home);
    qemu = new Machine.Qemu(ROOT, home.resolve("bench.pc"));
    silicon = new Machine.Native(ROOT, home.resolve("bench.linux"));
  }

  @Test void allMachinesComputeTheSame() {
    CpuBench bench = new CpuBench(List.of(lguest, qemu, silicon), commands, new Options(Map.of("rounds", "1"), PROGRAMS));
    Report report = bench.run();
    assertTrue(bench.checksumsAgree(), report::remarks);
    Map<String, String> checksums = report.rows().stream().collect(Collectors.toMap(row -> row.get("name").toString(), row -> row.get("checksum").toString()));
    // Known of a processor of silicon, for the case that only one machine is there.
    assertEquals("0f431da2  count 1000000", checksums.get("sieve"), report::remarks);
    assertEquals("cc2c2007  count 6000", checksums.get("cold x1"), report::remarks);
    assertEquals("7148b019  count 50", checksums.get("exec"), report::remarks);
    System.out.print(report.remarks());
  }

  @Test void aMachineThatComputesSomethingElseIsFoundOut() {
    assumeTrue(silicon.lacking().isEmpty(), () -> "skipped: " + silicon.lacking());
    silicon.prepare(commands);
    CpuBench bench = new CpuBench(List.of(silicon), commands, new Options(Map.of("rounds", "2"), List.of("vm:1"))) {
      @Override String checksum(Commands.Run run) { return run.wall() + " is never twice the same"; }
    };
    assertTrue(bench.run().remarks().contains("CHECKSUM"));
    assertTrue(!bench.checksumsAgree());
  }

  @Test void programsAreChecked() {
    assertEquals(12, CpuBench.Program.parse("vm:12").scale());
    assertThrows(Failure.class, () -> CpuBench.Program.parse("vm:0"));
    assertThrows(Failure.class, () -> CpuBench.Program.parse("vn"));
  }
}
