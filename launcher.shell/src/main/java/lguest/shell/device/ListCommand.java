package lguest.shell.device;

import java.util.List;
import lguest.shell.command.Call;
import lguest.shell.command.Command;
import lguest.shell.command.Json;
import lguest.shell.command.Table;
import lguest.shell.command.Targets;
import lguest.shell.command.Words;
import lguest.shell.command.Words.Kind;

public final class ListCommand extends Command {
  public ListCommand() {
    super(Words.of("device", "list", "list a guest's devices, or all guests': state, why one is parked, who serves it")
        .json().word("[<guest>]", Kind.GUEST)
        .more("""
            A device is called <guest>/<slot>, the slot by its number or its type: web/0 or web/console, or just
            console when there is only one guest.""")
        .example("device:list web", "in the order of its bus"));
  }

  @Override public void run(Call call) throws Exception {
    List<Targets.Device> devices = call.words().isEmpty() ? call.devices(0) : Targets.all(call.guest(0));
    if (call.json()) {
      call.say(Json.of(devices.stream().map(Shown::json).toList()));
      return;
    }
    Table table = new Table("DEVICE", "TYPE", "STATE", ">WAITING", "PROVIDER", "ARGUMENT");
    for (Targets.Device device : devices)
      table.row(device.name(), device.slot().type(), Shown.stateAndReason(device.slot()), device.slot().requestsWaiting(),
          device.slot().provider().orElse(""), device.slot().argument());
    call.table(table);
  }
}
