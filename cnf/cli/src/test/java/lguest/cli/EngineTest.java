package lguest.cli;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.nio.file.Path;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/** The processor's engines, chosen by {@code -Dlguest.cpu}. */
class EngineTest {
  @TempDir Path directory;
  Lguest lguest;

  @BeforeEach void prepare() throws Exception { lguest = new Lguest(directory); }

  /** {@code check} ends the guest at the first difference between the two others. */
  @ParameterizedTest
  @ValueSource(strings = {"interpret", "translate", "check"})
  void theSameWorkGivesTheSameSums(String engine) throws Exception {
    Lguest.Result result = run(engine, "quiet", "run=bench vm;bench qsort;poweroff");
    assertEquals(0, result.status(), result::err);
    for (String sum : new String[] {"92059aa1", "3f7a9318"}) assertTrue(result.out().contains("checksum " + sum), result::out);
  }

  /** All that a guest can know about its Host, found out by both engines side by side. */
  @Test void theSelfTestPassesInLockstep() throws Exception {
    Lguest.Result result = run("check", "quiet", "run=selftest;poweroff");
    assertEquals(0, result.status(), result::err);
    assertTrue(result.out().contains(" passed, 0 failed"), result::out);
  }

  /** Java says that one day it will be. */
  @Test void theSelfTestPassesWhereUnsafeMemoryAccessIsDenied() throws Exception {
    Lguest.Result result = withOptions("--sun-misc-unsafe-memory-access=deny", "quiet", "run=selftest;poweroff");
    assertEquals(0, result.status(), result::err);
    assertTrue(result.out().contains(" passed, 0 failed"), result::out);
  }

  @Test void anUnknownEngineIsNamedWithThoseThereAre() throws Exception {
    Lguest.assertComplaint(run("fast"), "'fast'", "interpret, translate or check");
  }

  private Lguest.Result run(String engine, String... arguments) throws Exception { return withOptions("-Dlguest.cpu=" + engine, arguments); }

  private Lguest.Result withOptions(String options, String... arguments) throws Exception {
    String[] all = new String[arguments.length + 1];
    all[0] = "demo";
    System.arraycopy(arguments, 0, all, 1, arguments.length);
    ProcessBuilder command = lguest.lguest(all);
    command.environment().put("LGUEST_JAVA_OPTS", options);
    return lguest.finish(command.start(), "");
  }
}
