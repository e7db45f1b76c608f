package lguest.shell;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import lguest.launcher.Launcher;
import lguest.launcher.ProviderInfo;
import lguest.shell.command.Fakes;
import lguest.shell.words.DeviceOption;
import org.jline.reader.Candidate;
import org.jline.reader.ParsedLine;
import org.jline.reader.Parser.ParseContext;
import org.jline.reader.impl.DefaultParser;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

class CompletionTest {
  private final Launcher launcher = Fakes.launcher(List.of(Fakes.guest("web", "block", "console"), Fakes.guest("db", "console")),
      new ProviderInfo("block", List.of(), "", "lguest.device.block", "0.1.0", 0, true),
      new ProviderInfo("block", List.of(), "", "com.acme.block", "2.0.0", -1, false),
      new ProviderInfo("console", List.of(), "", "lguest.device.console", "0.1.0", 0, true));
  private final Completion completion = new Completion(new Completion.World() {
    @Override public List<DeviceOption> options() {
      return List.of(DeviceOption.of("disk=<filename>", "block"), DeviceOption.of("rng", "random"));
    }

    @Override public Optional<Launcher> launcher() { return Optional.of(launcher); }
  }, Commands.all());

  /** What is offered at the end of {@code line}, and fits what is typed there. */
  private List<String> offered(String line) {
    ParsedLine parsed = new DefaultParser().parse(line, line.length(), ParseContext.COMPLETE);
    List<Candidate> candidates = new ArrayList<>();
    completion.complete(null, parsed, candidates);
    return candidates.stream().map(Candidate::value).filter(value -> value.startsWith(parsed.word())).toList();
  }

  @Test void commands() {
    assertTrue(offered("").containsAll(List.of("run", "list", "console", "memory-dump", "device:list", "device:trace", "help", "quit")));
    assertEquals(List.of("run"), offered("ru"));
    assertEquals(List.of("device:types", "device:trace"), offered("device:t"));
    assertEquals(List.of("trace"), offered("tra"), "a device command needs no scope where no guest command has its name");
    assertEquals(List.of("guest:memory-dump"), offered("guest:m"));
    assertTrue(offered("help ").containsAll(List.of("run", "device:swap", "conf")));
  }

  @Test void theCommandBehindASemicolonToo() {
    assertEquals(List.of("console"), offered("run demo; cons"));
    assertEquals(List.of("web"), offered("run demo; console w"));
  }

  @Test void guests() {
    for (String command : List.of("console ", "stop ", "guest:info ", "wait --timeout=3 ", "wait --timeout 3 ", "list; pause ", "device:list ", "device:add "))
      assertEquals(List.of("web", "db"), offered(command), command);
    assertEquals(List.of(), offered("stop web "));
    assertEquals(List.of(), offered("wait --timeout "));
    assertEquals(List.of(), offered("list "));
  }

  @Test void devicesAndTheirProviders() {
    assertEquals(List.of("web/0", "web/1", "db/0"), offered("device:swap "));
    assertEquals(List.of("web", "web/0", "web/1"), offered("device:stat w"));
    assertEquals(List.of("lguest.device.block", "com.acme.block"), offered("device:swap web/block "));
    assertEquals(List.of("lguest.device.console"), offered("swap web/1 l"));
    assertEquals(List.of(), offered("swap nobody/1 "));
  }

  @Test void optionsOfCommandsAndOfTheInstalledDevices() {
    assertEquals(List.of("--timeout="), offered("wait --t"));
    assertEquals(List.of("--json"), offered("wait --timeout=3 -"), "what is there is not offered again");
    List<String> options = offered("run --");
    assertTrue(options.containsAll(List.of("--json", "--disk=", "--rng", "--device=", "--initrd=", "--name=", "--cpu=", "--verbose", "--stats")), options::toString);
    assertFalse(offered("run --rng --").contains("--json"), "it comes first");
    assertEquals(List.of("--json", "--disk=", "--rng", "--device="), offered("device:add web --"));
    assertEquals(List.of(), offered("device:add web --rng -"));
  }

  @Test void filesWhereFilesAreWanted(@TempDir Path directory) throws Exception {
    Files.writeString(directory.resolve("vmlinux"), "");
    Files.createDirectory(directory.resolve("images"));
    List<String> both = List.of(directory + "/images/", directory + "/vmlinux");
    assertEquals(both, offered("run 64 " + directory + "/").stream().sorted().toList());
    assertEquals(both.reversed(), offered("memory-dump web " + directory + "/").stream().sorted().toList().reversed());
    assertEquals(List.of("--disk=" + directory + "/vmlinux"), offered("run --disk=" + directory + "/v"));
    assertEquals(List.of("--disk=" + directory + "/vmlinux"), offered("device:add web --disk=" + directory + "/v"));
    assertTrue(offered("run ").contains("demo"));
    assertEquals(List.of(), offered("run 64 vmlinux "), "the guest's own words");
    assertEquals(List.of(), offered("run demo "), "the guest's own words");
    assertEquals(List.of(), offered("run 64 /nowhere/at/all/"));
  }
}
