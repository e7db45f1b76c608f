package lguest.shell.guest;

import lguest.launcher.Guest;
import lguest.launcher.GuestEnd;
import lguest.shell.command.Call;
import lguest.shell.command.Command;
import lguest.shell.command.Guests;
import lguest.shell.command.Words;
import lguest.shell.command.Words.Kind;
import lguest.shell.terminal.ConsoleView;
import lguest.shell.words.UserError;
import org.jline.terminal.Terminal;

public final class ConsoleCommand extends Command {
  public ConsoleCommand() {
    super(Words.of("guest", "console", "give a guest's console this terminal; Ctrl-] gives it back")
        .word("[<guest>]", Kind.GUEST)
        .more("""
            The last 64 KiB of its output come first. All keys go to the guest, but three ^C within a second
            end it.""")
        .example("console web", "type to web, Ctrl-] to leave it running"));
  }

  @Override public void run(Call call) throws Exception {
    Guest guest = call.guest(0);
    Terminal terminal = call.terminal().orElseThrow(() -> UserError.of("console needs a terminal, and there is none here"));
    ConsoleView.show(guest, terminal);
    // All other ends are news, told already.
    guest.end().filter(end -> end.kind() == GuestEnd.Kind.STOPPED)
        .ifPresent(end -> call.say(guest.name() + ": " + Guests.ending(end)));
  }
}
