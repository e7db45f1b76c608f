package lguest.cli;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assumptions.assumeFalse;

import java.nio.file.Path;
import java.util.concurrent.TimeUnit;
import org.junit.jupiter.api.Test;

/** What the repository promises about itself. */
class HouseTest {
  @Test void theTourIsCompleteAndInOrder() throws Exception {
    run("cnf/tour", "--check");
  }

  @Test void theDemoGuestsImageIsWhatItsSourceBuilds() throws Exception {
    String said = run("guest.demo/build", "--check");
    assumeFalse(said.contains("skipped"), said);
  }

  private static String run(String command, String argument) throws Exception {
    Path root = Lguest.ROOT;
    Process process = new ProcessBuilder(root.resolve(command).toString(), argument).directory(root.toFile()).redirectErrorStream(true).start();
    process.getOutputStream().close();
    String said = Lguest.drain(process.getInputStream()).get(5, TimeUnit.MINUTES);
    assertEquals(0, process.waitFor(), said);
    return said;
  }
}
