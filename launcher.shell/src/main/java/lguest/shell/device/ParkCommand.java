package lguest.shell.device;

import lguest.shell.command.Call;
import lguest.shell.command.Command;
import lguest.shell.command.Targets;
import lguest.shell.command.Words;
import lguest.shell.command.Words.Kind;

public final class ParkCommand extends Command {
  public ParkCommand() {
    super(Words.of("device", "park", "take a device out of its slot, and let the guest's requests wait")
        .json().option("--reason=<text>", Kind.OTHER, "what device:list tells people")
        .word("<device>", Kind.DEVICE)
        .more("What it has begun it finishes first; its state is kept. device:resume puts a device back.")
        .example("device:park web/block --reason='disk is being moved'", "the guest sees a slow disk"));
  }

  @Override public void run(Call call) throws Exception {
    Targets.Device device = call.device(0);
    device.slot().park(call.option("--reason").orElse("parked by hand; device:resume puts a device back"));
    Settling.awaitParked(device);
    Settling.tell(call, device);
  }
}
