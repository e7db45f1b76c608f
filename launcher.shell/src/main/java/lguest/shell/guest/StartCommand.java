package lguest.shell.guest;

import lguest.launcher.Guest;
import lguest.shell.command.Call;
import lguest.shell.command.Command;
import lguest.shell.command.Words;
import lguest.shell.command.Words.Kind;
import lguest.shell.words.UserError;

public final class StartCommand extends Command {
  public StartCommand() {
    super(Words.of("guest", "start", "start a guest that was created, or boot one that has ended once more")
        .json().word("[<guest>]", Kind.GUEST)
        .more("""
            One that has ended is made anew from what it was made of, with its name.
            Without a name: the guest, when there is only one. This is so with all commands.""")
        .example("stop web; start web", "switches web off and on again"));
  }

  @Override public void run(Call call) throws Exception {
    Guest guest = call.guest(0);
    switch (guest.state()) {
      case RUNNING -> throw UserError.of(guest.name() + " is running already");
      case PAUSED -> throw UserError.of(guest.name() + " is paused: 'resume " + guest.name() + "' has it go on");
      case ENDED -> guest = call.services().guests().again(guest);
      case READY -> { }
    }
    call.services().guests().start(guest, end -> { });
    call.answer(Shown.json(guest), guest.name() + " is running");
  }
}
