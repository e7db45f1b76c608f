package lguest.shell.device;

import lguest.shell.command.Call;
import lguest.shell.command.Command;
import lguest.shell.command.Targets;
import lguest.shell.command.Words;
import lguest.shell.command.Words.Kind;

public final class ResumeCommand extends Command {
  public ResumeCommand() {
    super(Words.of("device", "resume", "put a device back into a parked slot, and have waiting requests go on")
        .json().word("<device>", Kind.DEVICE)
        .more("Also tries once more a provider whose device has failed or could not be opened.")
        .example("device:resume web/block", "after device:park web/block"));
  }

  @Override public void run(Call call) throws Exception {
    Targets.Device device = call.device(0);
    device.slot().resume();
    Settling.awaitActive(device, () -> true);
    Settling.tell(call, device);
  }
}
