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
import lguest.launcher.Launcher;
import lguest.launcher.ProviderInfo;
import lguest.shell.command.Command;
import lguest.shell.command.Targets;
import lguest.shell.command.Words;
import lguest.shell.config.ConfigurationHelp;
import lguest.shell.words.CommandLine;
import lguest.shell.words.DeviceOption;
import lguest.shell.words.UserError;
import org.jline.reader.Candidate;
import org.jline.reader.Completer;
import org.jline.reader.LineReader;
import org.jline.reader.ParsedLine;

/** Completes our commands by their {@link Words}: names, options, guests, devices, providers and files, as they are at the moment. */
final class Completion implements Completer {
  /** What changes from one Tab to the next. */
  interface World {
    List<DeviceOption> options();

    Optional<Launcher> launcher();

    default List<Guest> guests() { return launcher().map(Launcher::guests).orElse(List.of()); }
  }

  private final World world;
  private final List<Command> commands;

  Completion(World world, List<Command> commands) {
    this.world = world;
    this.commands = commands;
  }

  @Override public void complete(LineReader reader, ParsedLine line, List<Candidate> candidates) {
    String word = line.word().substring(0, Math.min(line.wordCursor(), line.word().length()));
    // Behind a ; or | begins another command.
    int begin = line.wordIndex();
    while (begin > 0 && !line.words().get(begin - 1).matches(".*[;|&{(]")) begin--;
    if (begin == line.wordIndex()) {
      names(word, candidates);
      return;
    }
    List<String> before = line.words().subList(begin + 1, line.wordIndex());
    HelpCommand.find(line.words().get(begin), commands).ifPresent(command -> arguments(command.words(), before, word, candidates));
  }

  private void names(String word, List<Candidate> candidates) {
    for (Command command : commands) {
      Words words = command.words();
      String name = word.startsWith(words.scope() + ":") ? words.fullName() : words.shortName();
      // Who begins a device command's own name finds it too.
      if (!word.isEmpty() && !name.startsWith(word) && words.name().startsWith(word)) name = words.name();
      add(candidates, name, words.does());
    }
  }

  private void arguments(Words words, List<String> before, String word, List<Candidate> candidates) {
    int position = 0, tailBegins = before.size();
    for (int i = 0; i < tailBegins; i++) {
      String earlier = before.get(i);
      Optional<Words.Option> option = option(words, earlier);
      if (option.isEmpty() && words.tail() && position == words.words().size() - 1) tailBegins = i;
      else if (option.isEmpty()) position++;
      else if (option.get().takesValue() && !earlier.contains("=") && ++i == before.size()) return; // its value is being typed
    }
    if (word.startsWith("-") && tailBegins == before.size())
      for (Words.Option option : words.options())
        if (before.stream().noneMatch(earlier -> option(words, earlier).equals(Optional.of(option))))
          candidates.add(candidate(option.name() + (option.takesValue() ? "=" : ""), option.about()));
    if (words.tail() && position == words.words().size() - 1)
      tail(words.words().getLast().kind(), before.subList(tailBegins, before.size()), word, candidates);
    else if (!word.startsWith("-") && position < words.words().size()) word(words.words().get(position).kind(), before, word, candidates);
  }

  private static Optional<Words.Option> option(Words words, String typed) {
    return words.options().stream().filter(option -> option.name().equals(typed.replaceFirst("=.*", ""))).findFirst();
  }

  private void word(Words.Kind kind, List<String> before, String word, List<Candidate> candidates) {
    switch (kind) {
      case GUEST -> guests(candidates);
      case DEVICE -> devices(candidates);
      case GUEST_OR_DEVICE -> {
        guests(candidates);
        devices(candidates);
      }
      case DEVICE_TYPE -> types(candidates);
      case PROVIDER -> providers(before.getLast(), candidates);
      case FILE -> files("", word, candidates);
      case COMMAND -> {
        names(word, candidates);
        add(candidates, ConfigurationHelp.SUBJECT, "configuration files");
      }
      case DEVICE_OPTION, COMMAND_LINE, OTHER -> { }
    }
  }

  private void guests(List<Candidate> candidates) { world.guests().forEach(guest -> add(candidates, guest.name(), null)); }

  private void devices(List<Candidate> candidates) {
    for (Guest guest : world.guests()) for (var device : Targets.all(guest)) add(candidates, device.name(), device.slot().type());
  }

  /** Those that are provided, and those that are waited for. */
  private void types(List<Candidate> candidates) {
    Stream.concat(world.launcher().map(Launcher::providers).orElse(List.of()).stream().map(ProviderInfo::type),
        world.guests().stream().flatMap(guest -> guest.slots().stream()).map(slot -> slot.type())).distinct().forEach(type -> add(candidates, type, null));
  }

  /** The providers of the type of the device that was typed before. */
  private void providers(String device, List<Candidate> candidates) {
    try {
      String type = new Targets(world.guests()).device(device).slot().type();
      for (ProviderInfo provider : world.launcher().map(Launcher::providers).orElse(List.of()))
        if (provider.type().equals(type)) add(candidates, provider.bundle(), provider.version());
    } catch (UserError e) {
      // There is no such device: nothing to offer.
    }
  }

  private void tail(Words.Kind kind, List<String> taken, String word, List<Candidate> candidates) {
    if (kind == Words.Kind.COMMAND_LINE) commandLine(taken, word, candidates);
    else if (taken.isEmpty()) deviceOption(word, candidates);
  }

  private void commandLine(List<String> before, String word, List<Candidate> candidates) {
    long words = before.stream().filter(argument -> !argument.startsWith("-")).count();
    if (words >= 2 || before.contains(CommandLine.DEMO)) return; // the guest's own words
    if (word.startsWith("-")) {
      deviceOption(word, candidates);
      if (word.contains("=")) return;
      for (String option : List.of("--verbose", "--stats", "--initrd=", "--name=", "--cpu=")) candidates.add(candidate(option, null));
    } else if (words == 0) {
      for (String start : List.of(CommandLine.DEMO, "16M", "64M", "256M", "1G")) candidates.add(new Candidate(start));
    } else {
      files("", word, candidates);
    }
  }

  private void deviceOption(String word, List<Candidate> candidates) {
    int equals = word.indexOf('=');
    if (equals > 0) files(word.substring(0, equals + 1), word.substring(equals + 1), candidates);
    else Stream.concat(world.options().stream(), Stream.of(DeviceOption.ANY))
        .forEach(option -> candidates.add(candidate("--" + option.name() + (option.takesValue() ? "=" : ""), null)));
  }

  private static void add(List<Candidate> candidates, String value, String about) {
    candidates.add(new Candidate(value, value, null, about, null, null, true));
  }

  private static Candidate candidate(String option, String about) {
    return new Candidate(option, option, null, about, null, null, !option.endsWith("="));
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
