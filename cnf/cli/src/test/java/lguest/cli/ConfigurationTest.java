package lguest.cli;

import static java.nio.charset.StandardCharsets.ISO_8859_1;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.io.IOException;
import java.io.InputStream;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardCopyOption;
import java.util.List;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;

/** Guests that configuration files define, while the files come, change and go. */
@Timeout(240)
class ConfigurationTest {
  @TempDir static Path directory;
  static Lguest lguest;
  static Path files;
  private Process process;
  private final StringBuilder said = new StringBuilder();

  @BeforeAll static void prepare() throws Exception {
    lguest = new Lguest(directory);
    files = Files.createDirectory(directory.resolve("conf"));
  }

  @BeforeEach void begin() throws IOException {
    try (var old = Files.list(files)) {
      for (Path file : old.toList()) Files.delete(file);
    }
  }

  @AfterEach void nothingStaysBehind() throws Exception {
    if (process == null) return;
    process.destroy();
    process.waitFor();
    lguest.assertNothingLeft();
  }

  /** As an editor saves: whole, or not at all. */
  private void save(String name, String... lines) throws IOException {
    Path draft = Files.write(directory.resolve("draft"), List.of(lines));
    Files.move(draft, files.resolve(name), StandardCopyOption.REPLACE_EXISTING);
  }

  private void start(String... arguments) throws IOException {
    process = lguest.lguest(arguments).redirectErrorStream(true).start();
    Thread.ofVirtual().start(() -> {
      byte[] piece = new byte[4096];
      try (InputStream in = process.getInputStream()) {
        for (int length; (length = in.read(piece)) > 0; ) {
          synchronized (said) {
            said.append(new String(piece, 0, length, ISO_8859_1));
            said.notifyAll();
          }
        }
      } catch (IOException e) {
        // It has ended.
      }
    });
  }

  private void command(String line) throws IOException {
    process.getOutputStream().write((line + "\n").getBytes(ISO_8859_1));
    process.getOutputStream().flush();
  }

  /** Waits for {@code text}, and forgets what was said up to there. */
  private void await(String text) throws InterruptedException {
    synchronized (said) {
      awaitAll(text);
      said.delete(0, said.indexOf(text) + text.length());
    }
  }

  /** Waits for all of these, in any order: guests are started side by side. */
  private void awaitAll(String... texts) throws InterruptedException {
    synchronized (said) {
      for (String text : texts) {
        while (said.indexOf(text) < 0) {
          try {
            said.wait();
          } catch (InterruptedException e) {
            throw new AssertionError("'" + text + "' was not said, but:\n" + said, e);
          }
        }
      }
    }
  }

  @Test void guestsAreServedUntilASignalStopsThemInGoodOrder() throws Exception {
    Path disk = Files.write(directory.resolve("disk"), new byte[1 << 20]);
    save("lguest.guest-web.cfg", "image = demo", "memory = 16M", "devices = block=" + disk + " \\", "  device=gpu:x");
    save("lguest.guest-db.cfg", "image=" + Lguest.demo(), "memory=16M", "arguments=run=poweroff");
    start("serve");
    awaitAll("web is running, as conf/lguest.guest-web.cfg has it", "db: off");
    process.destroy();
    process.waitFor();
    assertEquals(128 + 15, process.exitValue());
    lguest.assertNothingLeft();
    Files.delete(disk);
  }

  @Test void filesComeChangeAndGoWhileThePromptRuns() throws Exception {
    start("shell", "--conf=conf");
    command("list");
    await("NAME");
    save("lguest.guest-web.cfg", "image=demo", "memory=16M");
    await("web is running, as conf/lguest.guest-web.cfg has it");

    save("lguest.guest-web.cfg", "image=demo", "memory=16Q");
    await("conf/lguest.guest-web.cfg: memory: the memory size '16Q' is not a positive number");
    command("list");
    await("running     16M");

    save("lguest.guest-web.cfg", "image=demo", "memory=32M");
    await("conf/lguest.guest-web.cfg: memory changed; that waits for the next start of web");
    command("list");
    await("running     16M");
    command("stop web; stop web");
    await("web has been stopped");
    await("web has ended, and is kept because conf/lguest.guest-web.cfg defines it");
    command("start web; list");
    await("running     32M");

    save("lguest.guest-web.cfg", "image=demo", "memory=32M", "devices=device=lamp:red");
    await("web has got lamp, as conf/lguest.guest-web.cfg has it now");
    command("device:list");
    await("web/1   lamp     parked");

    save("lguest.guest-db.cfg", "image=demo", "start=false");
    await("db is ready, as conf/lguest.guest-db.cfg has it");
    Files.delete(files.resolve("lguest.guest-web.cfg"));
    await("web has been stopped: conf/lguest.guest-web.cfg is gone");
    command("list; quit");
    await("db    ready");
    process.waitFor();
    assertFalse(said.toString().contains("web "), said::toString);
    assertEquals(1, process.exitValue(), "of the stop that was refused");
    lguest.assertNothingLeft();
  }

  @Test void aGuestThatDiesIsRestartedAndOneThatIsStoppedIsNot() throws Exception {
    save("lguest.guest-web.cfg", "image=demo", "arguments=run=die panic", "restart=on-failure");
    start("shell", "--conf=conf");
    await("web: died: ");
    await("web is running again");
    await("web: died: ");
    save("lguest.guest-web.cfg", "image=demo", "restart=always");
    await("web is running");
    command("stop web; wait --timeout=3");
    command("list");
    await("web   stopped");
  }

  @Test void whatCannotBeServedIsSaidAtOnce() throws Exception {
    Lguest.assertComplaint(lguest.run("", "serve", "--conf=nowhere"), "there is no directory nowhere", "lguest help conf");
    Lguest.assertUsage(lguest.run("", "serve", "now"), "serve takes no 'now'");
    Lguest.Result help = lguest.run("", "help", "conf");
    assertEquals(0, help.status());
    assertTrue(help.out().contains("lguest.guest-<name>.cfg"), help.out());
    save("lguest.guest~web.cfg", "image=demo");
    start("serve");
    await("conf/lguest.guest~web.cfg is left aside: a guest's file is named lguest.guest-<name>.cfg");
  }
}
