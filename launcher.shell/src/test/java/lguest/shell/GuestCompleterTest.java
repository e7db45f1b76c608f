package lguest.shell;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.lang.reflect.Proxy;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import lguest.launcher.Guest;
import org.jline.reader.Candidate;
import org.jline.reader.ParsedLine;
import org.jline.reader.Parser.ParseContext;
import org.jline.reader.impl.DefaultParser;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

class GuestCompleterTest {
  private final GuestCompleter completer = new GuestCompleter(new GuestCompleter.World() {
    @Override public List<DeviceOption> options() {
      return List.of(DeviceOption.of("disk=<filename>", "block"), DeviceOption.of("rng", "random"));
    }

    @Override public List<Guest> guests() {
      return List.of(named("web"), named("db"));
    }
  });

  private static Guest named(String name) {
    return (Guest) Proxy.newProxyInstance(Guest.class.getClassLoader(), new Class<?>[] {Guest.class}, (proxy, method, arguments) -> name);
  }

  /** What is offered at the end of {@code line}. */
  private List<String> offered(String line) {
    ParsedLine parsed = new DefaultParser().parse(line, line.length(), ParseContext.COMPLETE);
    List<Candidate> candidates = new ArrayList<>();
    completer.complete(null, parsed, candidates);
    return candidates.stream().map(Candidate::value).toList();
  }

  @Test void commands() {
    assertTrue(offered("").containsAll(List.of("boot", "list", "attach", "stop", "help", "quit")));
    assertTrue(offered("help ").contains("boot"));
  }

  @Test void guests() {
    for (String command : List.of("attach ", "stop ", "devices ", "guest:statistics w"))
      assertEquals(List.of("web", "db"), offered(command));
  }

  @Test void optionsOfTheInstalledDevices() {
    List<String> options = offered("boot --");
    assertTrue(options.containsAll(List.of("--disk=", "--rng", "--initrd=", "--verbose", "--stats")), options::toString);
  }

  @Test void filesWhereFilesAreWanted(@TempDir Path directory) throws Exception {
    Files.writeString(directory.resolve("vmlinux"), "");
    Files.createDirectory(directory.resolve("images"));
    List<String> both = List.of(directory + "/images/", directory + "/vmlinux");
    assertEquals(both, offered("boot 64 " + directory + "/").stream().sorted().toList());
    assertEquals(both.stream().map(file -> "--disk=" + file).toList(), offered("boot --disk=" + directory + "/v").stream()
        .sorted().toList());
    assertTrue(offered("boot ").contains("demo"));
    assertEquals(List.of(), offered("boot 64 vmlinux "), "the guest's own words");
    assertEquals(List.of(), offered("boot 64 /nowhere/at/all/"));
  }

  @Test void thereIsHelpForEveryCommandThatIsOffered() throws Exception {
    for (String command : CommandHelp.commands()) {
      assertTrue(CommandHelp.of(command, List.of()).startsWith(command), command);
      assertEquals(1, java.util.Arrays.stream(GuestCommands.class.getMethods()).filter(method -> method.getName().equals(command))
          .count(), command);
    }
  }
}
