package lguest.shell;

import lguest.shell.command.Call;
import lguest.shell.command.Command;
import lguest.shell.command.Quit;
import lguest.shell.command.Words;

final class QuitCommand extends Command {
  QuitCommand() {
    super(Words.of("lguest", "quit", "stop all guests and leave; Ctrl-D does the same").example("quit", "in a script, too"));
  }

  @Override public void run(Call call) { throw new Quit(); }
}
