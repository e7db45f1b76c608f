package lguest.shell;

import java.io.IOException;
import java.nio.file.DirectoryStream;
import java.nio.file.Files;
import java.nio.file.InvalidPathException;
import java.nio.file.Path;
import java.util.List;
import java.util.Optional;
import java.util.stream.Stream;
import lguest.launcher.Guest;
import org.jline.reader.Candidate;
import org.jline.reader.Completer;
import org.jline.reader.LineReader;
import org.jline.reader.ParsedLine;

/** Completes our commands: their names, the options there are at the moment, files where files are wanted, and the guests. */
final class GuestCompleter implements Completer {
  /** What completion needs to know; both change from one Tab to the next. */
  interface World {
    List<DeviceOption> options();

    List<Guest> guests();
  }

  private final World world;

  GuestCompleter(World world) { this.world = world; }

  @Override public void complete(LineReader reader, ParsedLine line, List<Candidate> candidates) {
    String word = line.word().substring(0, Math.min(line.wordCursor(), line.word().length()));
    if (line.wordIndex() == 0) {
      CommandHelp.commands().forEach(name -> candidates.add(new Candidate(name)));
      return;
    }
    switch (line.words().getFirst().replaceFirst("^" + GuestCommands.SCOPE + ":", "")) {
      case "boot" -> boot(line.words().subList(1, line.wordIndex()), word, candidates);
      case "attach", "stop", "devices", "statistics" -> world.guests().forEach(guest -> candidates.add(new Candidate(guest.name())));
      case "help" -> CommandHelp.commands().forEach(name -> candidates.add(new Candidate(name)));
      default -> { }
    }
  }

  private void boot(List<String> before, String word, List<Candidate> candidates) {
    long positional = before.stream().filter(argument -> !argument.startsWith("-")).count();
    if (positional >= 2) return; // the guest's own words
    int equals = word.indexOf('=');
    if (word.startsWith("-") && equals > 0) {
      files(word.substring(0, equals + 1), word.substring(equals + 1), candidates);
    } else if (word.startsWith("-")) {
      candidates.add(new Candidate("--verbose"));
      candidates.add(new Candidate("--stats"));
      Stream.concat(Stream.of("--initrd=", "--name="), world.options().stream()
          .map(option -> "--" + option.name() + (option.takesValue() ? "=" : "")))
          .forEach(option -> candidates.add(new Candidate(option, option, null, null, null, null, !option.endsWith("="))));
    } else if (positional == 0) {
      for (String start : List.of(CommandLine.DEMO, "16M", "64M", "256M", "1G")) candidates.add(new Candidate(start));
    } else {
      files("", word, candidates);
    }
  }

  /** Files and directories that {@code typed} may become, each behind {@code prefix}. */
  private static void files(String prefix, String typed, List<Candidate> candidates) {
    String parent = typed.substring(0, typed.lastIndexOf('/') + 1);
    try (DirectoryStream<Path> files = Files.newDirectoryStream(Path.of(parent.isEmpty() ? "." : parent))) {
      for (Path file : files) {
        boolean directory = Files.isDirectory(file);
        String name = parent + Optional.ofNullable(file.getFileName()).orElse(file) + (directory ? "/" : "");
        candidates.add(new Candidate(prefix + name, name, null, null, null, null, !directory));
      }
    } catch (IOException | InvalidPathException e) {
      // No such directory: nothing to offer.
    }
  }
}
