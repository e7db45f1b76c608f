package lguest.shell.device;

import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import lguest.launcher.ProviderInfo;
import lguest.shell.command.Call;
import lguest.shell.command.Command;
import lguest.shell.command.Json;
import lguest.shell.command.Table;
import lguest.shell.command.Words;

public final class TypesCommand extends Command {
  public TypesCommand() {
    super(Words.of("device", "types", "list the device types there are, and who provides them")
        .json()
        .more("""
            Of several providers of a type the one marked * serves new devices: the highest ranking, of equals
            the one that came first. device:swap gives one device to another.""")
        .example("device:types", "with the options that ask for them"));
  }

  @Override public void run(Call call) {
    List<ProviderInfo> providers = call.services().launcher().providers();
    if (call.json()) {
      call.say(Json.of(providers.stream().map(TypesCommand::json).toList()));
      return;
    }
    Table table = new Table("TYPE", "OPTIONS", "PROVIDER", ">RANKING", "ABOUT");
    for (ProviderInfo provider : providers)
      table.row(provider.type() + (provider.best() ? " *" : ""), String.join(" ", provider.options().stream().map(option -> "--" + option).toList()),
          provider.label(), provider.ranking(), provider.about());
    call.table(table);
  }

  private static Map<String, Object> json(ProviderInfo provider) {
    Map<String, Object> json = new LinkedHashMap<>();
    json.put("type", provider.type());
    json.put("options", provider.options());
    json.put("about", provider.about());
    json.put("bundle", provider.bundle());
    json.put("version", provider.version());
    json.put("ranking", provider.ranking());
    json.put("best", provider.best());
    return json;
  }
}
