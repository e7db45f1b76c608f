package lguest.shell;

import java.util.List;
import java.util.Map;
import java.util.TreeMap;

/** What {@code help} says at the prompt. */
final class CommandHelp {
  /** A command: the words behind it, what it does in a line, and in more. */
  private record Entry(String form, String does, String more) {}

  private static final Map<String, Entry> COMMANDS = new TreeMap<>(Map.of(
      "boot", new Entry("[options] <mem> <image> [kernel arguments] | demo [kernel arguments]", "boot a guest; it runs in the background",
          "The arguments are those of the command line. One option is of use here only: --name=<name> names the guest.\n"),
      "list", new Entry("", "list the guests: state, memory, up-time, instructions run",
          "A guest that has ended stays in the list, with its reason, until it is stopped.\n"),
      "attach", new Entry("[<guest>]", "give a guest's console this terminal; Ctrl-] gives it back",
          "The last 64 KiB of its output come first. Three ^C within a second end the guest.\nWithout a name: the guest, when there is only one.\n"),
      "stop", new Entry("[<guest>]", "switch a guest off, or forget one that has ended",
          "Without a name: the guest, when there is only one.\n"),
      "devices", new Entry("[<guest>]", "show a guest's devices: state, why one is parked, counters",
          "Without a name: the guest, when there is only one.\n"),
      "statistics", new Entry("[<guest>]", "show what a guest's Host has counted",
          "Hypercalls, traps, interrupts. Without a name: the guest, when there is only one.\n"),
      "help", new Entry("[<command>]", "tell about the commands, or about one", ""),
      "quit", new Entry("", "stop all guests and leave; Ctrl-D does the same", "")));

  private CommandHelp() {}

  static List<String> commands() { return List.copyOf(COMMANDS.keySet()); }

  static String all() {
    StringBuilder text = new StringBuilder();
    COMMANDS.forEach((name, entry) -> text.append("  %-11s %s%n".formatted(name, entry.does())));
    return text.append("\nhelp <command> tells more. Gogo's own commands are there too: felix:help lists them.\n").toString();
  }

  static String of(String command, List<DeviceOption> offered) throws UserError {
    String name = command.startsWith(GuestCommands.SCOPE + ":") ? command.substring(GuestCommands.SCOPE.length() + 1) : command;
    Entry entry = COMMANDS.get(name);
    if (entry == null) throw UserError.of("there is no help about '" + command + "' here: try felix:help " + command);
    StringBuilder text = new StringBuilder(name).append(entry.form().isEmpty() ? "" : " ").append(entry.form()).append("\n  ")
        .append(entry.does()).append('\n');
    if (!entry.more().isEmpty()) text.append('\n').append(entry.more());
    if (name.equals("boot")) text.append(Help.arguments(offered));
    return text.toString();
  }
}
