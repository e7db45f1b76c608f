package lguest.shell.device;

import java.util.List;
import lguest.launcher.Guest;
import lguest.launcher.GuestSpec.DeviceSpec;
import lguest.shell.command.Call;
import lguest.shell.command.Command;
import lguest.shell.command.Targets;
import lguest.shell.command.Words;
import lguest.shell.command.Words.Kind;
import lguest.shell.words.DeviceOption;
import lguest.shell.words.Help;
import lguest.shell.words.UserError;

public final class AddCommand extends Command {
  public AddCommand() {
    super(Words.of("device", "add", "put one more device on a guest's bus, while it runs")
        .json().word("<guest>", Kind.GUEST).tail("--<device option>", Kind.DEVICE_OPTION)
        .more("""
            Written as on the command line. It takes the next free place of the bus; the guest finds it when it
            looks at its bus again, which Linux does at boot only. A device of a type nobody provides is parked
            until somebody does.""")
        .example("device:add web --block=data.img", "one more disk")
        .example("device:add web --device=gpu:fast", "a device of any type"));
  }

  @Override public String moreHelp(List<DeviceOption> options) { return Help.devices(options); }

  @Override public void run(Call call) throws Exception {
    if (call.words().size() != 2 || !call.words().get(1).startsWith("--"))
      throw UserError.of("device:add takes a guest and one option: " + words().usage());
    Guest guest = call.guest(0);
    DeviceSpec wanted = DeviceOption.parse(call.words().get(1).substring(2), call.services().options());
    if (guest.state() == Guest.State.ENDED) throw UserError.of(guest.name() + " has ended");
    Settling.tell(call, new Targets.Device(guest, guest.addDevice(wanted)));
  }
}
