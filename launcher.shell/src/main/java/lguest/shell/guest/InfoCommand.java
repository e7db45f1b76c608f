package lguest.shell.guest;

import java.nio.file.Path;
import java.util.LinkedHashMap;
import java.util.Map;
import lguest.launcher.Guest;
import lguest.shell.command.Call;
import lguest.shell.command.Command;
import lguest.shell.command.Json;
import lguest.shell.command.Table;
import lguest.shell.command.Targets;
import lguest.shell.command.Words;
import lguest.shell.command.Words.Kind;
import lguest.shell.words.MemorySize;

public final class InfoCommand extends Command {
  public InfoCommand() {
    super(Words.of("guest", "info", "tell all about a guest: what it was made of, how it does, what its Host has counted")
        .json().word("[<guest>]", Kind.GUEST)
        .more("About its devices: device:list and device:info.")
        .example("info web", "hypercalls, traps, interrupts, …"));
  }

  @Override public void run(Call call) throws Exception {
    Guest guest = call.guest(0);
    if (call.json()) {
      Map<String, Object> json = new LinkedHashMap<>(Shown.json(guest));
      json.put("initrd", guest.spec().initrd().map(Path::toString).orElse(null));
      json.put("arguments", guest.spec().arguments());
      json.put("host", guest.host());
      json.put("hostOptions", guest.spec().host());
      json.put("devices", guest.slots().stream().map(slot -> Targets.name(guest, slot)).toList());
      json.put("statistics", guest.statistics());
      call.say(Json.of(json));
      return;
    }
    Table table = new Table("GUEST", guest.name())
        .row("state", Shown.state(guest))
        .row("memory", MemorySize.format(guest.spec().memory()))
        .row("image", guest.spec().image().toString());
    guest.spec().initrd().ifPresent(initrd -> table.row("initrd", initrd.toString()));
    table.row("arguments", guest.spec().arguments())
        .row("Host", guest.host());
    guest.spec().host().forEach((name, value) -> table.row("Host's " + name, value));
    table.row("devices", String.join(", ", Targets.all(guest).stream().map(Targets.Device::title).toList()))
        .row("up-time", Shown.time(guest.uptime()))
        .row("processor time", "%.3f s".formatted(guest.processorTime().toNanos() / 1e9))
        .row("instructions", guest.instructions());
    guest.statistics().forEach(table::row);
    call.table(table);
  }
}
