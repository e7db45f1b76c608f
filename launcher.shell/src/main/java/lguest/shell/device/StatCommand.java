package lguest.shell.device;

import java.util.List;
import java.util.Map;
import lguest.launcher.SlotStatistics;
import lguest.shell.command.Call;
import lguest.shell.command.Command;
import lguest.shell.command.Json;
import lguest.shell.command.Table;
import lguest.shell.command.Targets;
import lguest.shell.command.Words;
import lguest.shell.command.Words.Kind;

public final class StatCommand extends Command {
  public StatCommand() {
    super(Words.of("device", "stat", "show what devices have done: requests, bytes, how long they took, swaps and pauses")
        .json().word("[<guest>|<device>]", Kind.GUEST_OR_DEVICE)
        .more("""
            LATENCY is a request's time from the guest's sending it to its completion, PAUSE the time a slot was
            without a device while one took over from another: each as median, 99th percentile, longest.
            BUFFERS are those the guest offered and the device filled.""")
        .example("device:stat web", "all of web's devices")
        .example("device:stat web/0 --json", "one, for a program"));
  }

  @Override public void run(Call call) throws Exception {
    List<Targets.Device> devices = call.devices(0);
    if (call.json()) {
      call.say(Json.of(devices.stream().map(StatCommand::json).toList()));
      return;
    }
    Table table = new Table("DEVICE", "TYPE", ">REQUESTS", ">BYTES", "LATENCY", ">BUFFERS", ">BYTES", ">SWAPS", "PAUSE");
    for (Targets.Device device : devices) {
      SlotStatistics did = device.slot().statistics();
      table.row(device.name(), device.slot().type(), did.requests(), did.bytesOut(), times(did.latency()), did.buffers(), did.bytesIn(), did.swaps(),
          times(did.pauses()));
    }
    call.table(table);
  }

  private static Map<String, Object> json(Targets.Device device) {
    Map<String, Object> json = Shown.json(device);
    json.put("statistics", Shown.json(device.slot().statistics()));
    return json;
  }

  private static String times(SlotStatistics.Times times) {
    return times.longest().isZero() ? "" : Shown.time(times.median()) + ", " + Shown.time(times.percentile99()) + ", " + Shown.time(times.longest());
  }
}
