package lguest.shell.device;

import java.util.Map;
import lguest.launcher.DeviceSlot;
import lguest.shell.command.Call;
import lguest.shell.command.Command;
import lguest.shell.command.Json;
import lguest.shell.command.Table;
import lguest.shell.command.Targets;
import lguest.shell.command.Words;
import lguest.shell.command.Words.Kind;

public final class InfoCommand extends Command {
  public InfoCommand() {
    super(Words.of("device", "info", "tell all about a device: state, who serves it, what it has counted")
        .json().word("<device>", Kind.DEVICE)
        .example("device:info web/console", "bytes read and written, …"));
  }

  @Override public void run(Call call) throws Exception {
    Targets.Device device = call.device(0);
    DeviceSlot slot = device.slot();
    if (call.json()) {
      Map<String, Object> json = Shown.json(device);
      json.put("statistics", Shown.json(slot.statistics()));
      call.say(Json.of(json));
      return;
    }
    Table table = new Table("DEVICE", device.name())
        .row("type", slot.type())
        .row("argument", slot.argument())
        .row("state", Shown.state(slot));
    slot.reason().ifPresent(reason -> table.row("reason", reason));
    table.row("provider", slot.provider().orElse(""))
        .row("requests waiting", slot.requestsWaiting())
        .row("requests done", slot.statistics().requests())
        .row("swaps", slot.statistics().swaps());
    slot.counters().forEach(table::row);
    call.table(table);
  }
}
