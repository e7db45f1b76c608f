package lguest.shell.guest;

import java.util.List;
import lguest.launcher.Guest;
import lguest.launcher.GuestSpec;
import lguest.shell.command.Call;
import lguest.shell.command.Command;
import lguest.shell.command.Guests;
import lguest.shell.command.Words;
import lguest.shell.words.CommandLine;
import lguest.shell.words.Demo;
import lguest.shell.words.DeviceOption;
import lguest.shell.words.Help;

/** {@code guest:run}, and {@code guest:create}, which leaves out the start. */
public final class RunCommand extends Command {
  private final boolean start;

  private RunCommand(Words words, boolean start) {
    super(words);
    this.start = start;
  }

  public static RunCommand run() {
    return new RunCommand(Words.of("guest", "run", "boot a guest; it runs in the background")
        .json().tail("[options] <mem> <image> [kernel arguments] | [options] demo [kernel arguments]", Words.Kind.COMMAND_LINE)
        .more("""
            The words are those of the command line, lguest [options] <mem> <image>; --json comes before them.
            'console' shows what the guest prints. Its end is told when it comes.""")
        .example("run demo", "our own small guest, with 64M")
        .example("run --name=web 64 vmlinux root=/dev/lgba", "a kernel, its root on the first --block")
        .example("run --name=two --device=gpu:fast demo", "with a device of a type that may come later"), true);
  }

  public static RunCommand create() {
    return new RunCommand(Words.of("guest", "create", "load a guest without starting it")
        .json().tail("[options] <mem> <image> [kernel arguments] | [options] demo [kernel arguments]", Words.Kind.COMMAND_LINE)
        .more("""
            As run, but 'start' starts it: time to look at it, to attach to its console, to add devices.""")
        .example("create --name=web demo", "then add devices, then start web"), false);
  }

  @Override public String moreHelp(List<DeviceOption> options) { return Help.arguments(options) + Help.name(); }

  @Override public void run(Call call) throws Exception {
    CommandLine line = CommandLine.parse(call.words(), call.services().options());
    GuestSpec spec = line.isDemo() ? line.demo(Demo.image(call.services().context())) : line.guest();
    Guest guest = call.services().guests().create(spec, line.verbose());
    String name = guest.name();
    if (start) call.services().guests().start(guest, end -> {
      if (line.stats()) call.services().news().tell(name + ": " + Guests.stats(guest));
    });
    call.answer(Shown.json(guest), start ? name + " is running; 'console " + name + "' shows its console"
        : name + " is ready; 'start " + name + "' starts it");
  }
}
