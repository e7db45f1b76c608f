package lguest.endurance;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.nio.file.Path;
import java.util.concurrent.TimeUnit;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;

/** The soak as people run it, cut short. {@code -Dlguest.soak=1000} runs the whole. How long the pauses are is told, and no matter of passing. */
@Timeout(value = 2, unit = TimeUnit.HOURS)
class SoakTest {
  @Test void nothingIsLostWhileDevicesAreExchanged() throws Exception {
    ProcessBuilder soak = new ProcessBuilder("cnf/soak", System.getProperty("lguest.soak", "8")).directory(Path.of(System.getProperty("lguest.root")).toFile()).redirectErrorStream(true);
    soak.environment().put("LGUEST_BUILT", "1");
    Process process = soak.start();
    String said = new String(process.getInputStream().readAllBytes());
    System.out.print(said);
    assertEquals(0, process.waitFor(), said);
    assertTrue(said.contains(" 0 lost, 0 repeated"), said);
  }

  @Test void theLongestAreTheSwaps() {
    long[] took = new long[1024];
    took[0] = 100_000;
    took[20] = 6;
    took[90] = 4;
    Pauses pauses = new Pauses();
    pauses.add(took, 10);
    assertEquals(20, pauses.percentile(50));
    assertEquals(90, pauses.percentile(99));
    // More swaps than slow operations: the others were quick.
    pauses.add(took, 1000);
    assertEquals(0, pauses.percentile(50));
  }
}
