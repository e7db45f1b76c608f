package lguest.bench;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.util.List;
import org.junit.jupiter.api.Test;

/** Figures that everybody relies on. */
class FiguresTest {
  @Test void theMedianIsTheMiddleOne() {
    assertEquals(2, new Sample(3, 1, 2).median());
    assertEquals(2.5, new Sample(3, 1, 2, 4).median());
    assertEquals(1, new Sample(3, 1, 2).least());
    assertEquals(3, new Sample(3, 1, 2).most());
  }

  @Test void theGeometricMeanIsThatOfFactors() { assertEquals(2, Sample.geometricMean(1, 4), 1e-12); }

  @Test void guestsAreAddedUp() {
    GuestStatistics all = GuestStatistics.of("""
        far: 100 instructions, 0.500 s of processor time, 1.000 s in all, 2.0 million instructions/s, 0.250 s inside the guest
        near: 11 instructions, 0.250 s of processor time, 1.000 s in all, 2.0 million instructions/s, 0.125 s inside the guest
        """);
    assertEquals(new GuestStatistics(111, 0.75, 0.375), all);
    assertThrows(Failure.class, () -> GuestStatistics.of("lguest: no such file"));
  }

  @Test void processorTimeOfChildrenIsSeen() {
    Commands commands = new Commands(java.util.Map.of());
    double cpu = commands.run(List.of("sh", "-c", "i=0; while [ $i -lt 200000 ]; do i=$((i+1)); done")).cpu();
    assertTrue(cpu > 0.01 && cpu < 60, "that took " + cpu + " s");
  }

  @Test void aCostBelowZeroIsNoPass() {
    assertEquals("pass", IoBench.verdict(new Sample(8, 9, 10), 10));
    assertEquals("FAIL", IoBench.verdict(new Sample(11, 12), 10));
    assertEquals("pass, but not in every round", IoBench.verdict(new Sample(8, 9, 12), 10));
    assertEquals("FAIL, but not in every round", IoBench.verdict(new Sample(8, 11, 12), 10));
    assertEquals("below what can be measured", IoBench.verdict(new Sample(-9, -3, 2), 10));
    assertEquals("pass; close to what can be measured", IoBench.verdict(new Sample(-1, 3, 4), 10));
    assertEquals("", IoBench.verdict(new Sample(1), Double.NaN));
  }

  @Test void whatAVirtualMachineCompilesIsSeen() {
    Commands commands = new Commands(java.util.Map.of());
    String java = ProcessHandle.current().info().command().orElseThrow();
    Commands.Run run = commands.run(List.of(java, CompilerTime.JAVA_OPTION, "-Xcomp", "-version"));
    assertTrue(run.compiling() > 0.01 && run.compiling() < run.cpu(), run.compiling() + " of " + run.cpu() + " s");
    assertEquals(0, commands.run(List.of("sleep", "0.1")).compiling());
  }

  @Test void optionsAreChecked() {
    Options options = Options.parse(List.of("--rounds=3", "sieve:2", "--json"), List.of("rounds", "json"));
    assertEquals(3, options.number("rounds", 5));
    assertEquals(List.of("sieve:2"), options.words());
    assertThrows(Failure.class, () -> Options.parse(List.of("--round=3"), List.of("rounds")));
    assertThrows(Failure.class, () -> Options.parse(List.of("--rounds=x"), List.of("rounds")).number("rounds", 1));
  }
}
