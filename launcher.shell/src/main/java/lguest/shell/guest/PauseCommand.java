package lguest.shell.guest;

import lguest.launcher.Guest;
import lguest.shell.command.Call;
import lguest.shell.command.Command;
import lguest.shell.command.Words;
import lguest.shell.command.Words.Kind;
import lguest.shell.words.UserError;

public final class PauseCommand extends Command {
  public PauseCommand() {
    super(Words.of("guest", "pause", "have a guest's processor stand still")
        .json().word("[<guest>]", Kind.GUEST)
        .more("""
            Its devices finish what they have begun and can be exchanged; input waits.
            'resume' has it go on as if nothing had been.""")
        .example("pause web; memory-dump web web.mem; resume web", "looks at web at one moment"));
  }

  @Override public void run(Call call) throws Exception {
    Guest guest = call.guest(0);
    switch (guest.state()) {
      case READY -> throw UserError.of(guest.name() + " has not been started");
      case ENDED -> throw UserError.of(guest.name() + " has ended: " + Shown.state(guest));
      case RUNNING, PAUSED -> guest.pause();
    }
    call.answer(Shown.json(guest), guest.name() + " is paused");
  }
}
