package lguest.shell.guest;

import lguest.launcher.Guest;
import lguest.shell.command.Call;
import lguest.shell.command.Command;
import lguest.shell.command.Words;
import lguest.shell.command.Words.Kind;
import lguest.shell.words.UserError;

public final class ResumeCommand extends Command {
  public ResumeCommand() {
    super(Words.of("guest", "resume", "have a paused guest go on")
        .json().word("[<guest>]", Kind.GUEST)
        .example("resume web", "after pause web"));
  }

  @Override public void run(Call call) throws Exception {
    Guest guest = call.guest(0);
    if (guest.state() != Guest.State.PAUSED) throw UserError.of(guest.name() + " is not paused: it is " + Shown.state(guest));
    guest.resume();
    call.answer(Shown.json(guest), guest.name() + " is running");
  }
}
