package lguest.shell.guest;

import java.util.Optional;
import lguest.launcher.Guest;
import lguest.shell.command.Call;
import lguest.shell.command.Command;
import lguest.shell.command.Owner;
import lguest.shell.command.Words;
import lguest.shell.command.Words.Kind;
import lguest.shell.words.UserError;

/** {@code guest:stop} and {@code guest:kill}: the same end, with and without manners. */
public final class StopCommand extends Command {
  private final boolean atOnce;

  private StopCommand(Words words, boolean atOnce) {
    super(words);
    this.atOnce = atOnce;
  }

  public static StopCommand stop() {
    return new StopCommand(Words.of("guest", "stop", "switch a guest off; forget one that has ended")
        .json().word("[<guest>]", Kind.GUEST)
        .more("""
            Its devices finish what the guest has asked them for, and disks are synced. It stays in the list,
            so that 'start' can boot it once more, until it is told to stop again.""")
        .example("stop web", "switches it off")
        .example("stop web; stop web", "and has it forgotten"), false);
  }

  public static StopCommand kill() {
    return new StopCommand(Words.of("guest", "kill", "end a guest at once and forget it")
        .json().word("[<guest>]", Kind.GUEST)
        .more("""
            For a guest that 'stop' takes too long for: a device that does not let go is left behind. What the
            guest has been told is on its disks is there, whatever else it wanted written may not be.""")
        .example("kill web", "pulls the plug"), true);
  }

  @Override public void run(Call call) throws Exception {
    Guest guest = call.guest(0);
    boolean ended = guest.state() == Guest.State.ENDED;
    Optional<Owner> owner = call.services().guests().owner(guest.name());
    if (ended && owner.isPresent())
      throw UserError.of(guest.name() + " has ended, and is kept because " + owner.get().place() + " defines it: remove that, or start it");
    if (atOnce) guest.kill();
    else if (!ended) guest.stop();
    if (owner.isEmpty() && (atOnce || ended)) guest.close();
    String what = ended ? "forgotten" : atOnce ? "killed" : "stopped";
    var json = Shown.json(guest);
    json.put("done", what);
    call.answer(json, guest.name() + (ended ? " is forgotten" : " has been " + what));
  }
}
