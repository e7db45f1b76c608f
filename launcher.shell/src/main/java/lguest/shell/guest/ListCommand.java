package lguest.shell.guest;

import lguest.launcher.Guest;
import lguest.shell.command.Call;
import lguest.shell.command.Command;
import lguest.shell.command.Json;
import lguest.shell.command.Table;
import lguest.shell.command.Words;
import lguest.shell.words.MemorySize;

public final class ListCommand extends Command {
  public ListCommand() {
    super(Words.of("guest", "list", "list the guests: state, memory, up-time, instructions run")
        .json()
        .more("A guest that has ended stays in the list, with its reason, until it is told to stop again.")
        .example("list --json", "for a program"));
  }

  @Override public void run(Call call) {
    var guests = call.services().launcher().guests();
    if (call.json()) {
      call.say(Json.of(guests.stream().map(Shown::json).toList()));
      return;
    }
    Table table = new Table("NAME", "STATE", ">MEMORY", ">UP", ">INSTRUCTIONS", "IMAGE");
    for (Guest guest : guests)
      table.row(guest.name(), Shown.state(guest), MemorySize.format(guest.spec().memory()), Shown.time(guest.uptime()), guest.instructions(),
          guest.spec().image().getFileName().toString());
    call.table(table);
  }
}
