package lguest.shell;

import java.util.List;
import java.util.Optional;
import lguest.shell.command.Call;
import lguest.shell.command.Command;
import lguest.shell.command.Table;
import lguest.shell.command.Words;
import lguest.shell.command.Words.Kind;
import lguest.shell.config.ConfigurationHelp;
import lguest.shell.words.DeviceOption;
import lguest.shell.words.UserError;

final class HelpCommand extends Command {
  HelpCommand() {
    super(Words.of("lguest", "help", "tell about the commands, or about one").word("[<command>]", Kind.COMMAND)
        .example("help device:swap", "the same as device:swap --help"));
  }

  @Override public void run(Call call) throws Exception {
    if (call.words().isEmpty()) call.out().print(all(call.services().commands(), call.width()));
    else call.out().print(about(call.words().getFirst(), call.services().commands(), call.services().options()));
  }

  private static String all(List<Command> commands, int width) {
    StringBuilder text = new StringBuilder();
    scope(text, "Guests", "guest", commands, width);
    scope(text, "Devices", "device", commands, width);
    scope(text, "Else", "lguest", commands, width);
    return text.append("""

        help <command>, or <command> --help, tells more, with examples; help conf is about configuration files.
        Tab completes. A guest may be named by the beginning of its name, or not at all if there is only one;
        a ; joins commands, as in run demo; console. felix:help lists Gogo's own commands, about bundles.
        """).toString();
  }

  private static void scope(StringBuilder text, String title, String scope, List<Command> commands, int width) {
    Table table = new Table(title, "");
    for (Command command : commands)
      if (command.words().scope().equals(scope)) table.row("  " + command.words().shortName(), command.words().does());
    if (!text.isEmpty()) text.append('\n');
    text.append(table.fit(width));
  }

  /** All names, for a terminal of 80 columns. */
  static String names() {
    String names = String.join(" ", Commands.all().stream().map(command -> command.words().shortName()).toList()) + " " + ConfigurationHelp.SUBJECT;
    return String.join("\n", Table.fold(names, 78));
  }

  /** About one command, by its name with or without scope, or about a subject. */
  static String about(String name, List<Command> commands, List<DeviceOption> options) throws UserError {
    if (name.equals(ConfigurationHelp.SUBJECT)) return ConfigurationHelp.text();
    Command command = find(name, commands).orElseThrow(() -> UserError.of("there is no help about '" + name + "' here: try help, or felix:help " + name));
    return command.words().help(command.moreHelp(options));
  }

  /** As the prompt would find it: a name without scope is a guest's before it is a device's. */
  static Optional<Command> find(String name, List<Command> commands) {
    return commands.stream().filter(command -> name.equals(command.words().fullName()) || name.equals(command.words().name())).findFirst();
  }
}
