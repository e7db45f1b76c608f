package lguest.shell.device;

import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import lguest.shell.command.Call;
import lguest.shell.command.Command;
import lguest.shell.command.Json;
import lguest.shell.command.Words;
import lguest.shell.why.Why;

public final class WhyCommand extends Command {
  public WhyCommand() {
    super(Words.of("device", "why", "explain why a device type is missing, or a device parked").word("[<type>]", Words.Kind.DEVICE_TYPE)
        .json()
        .more("""
            Looks at the bundles that offer the type, at what they need and do not find, at their components
            and services, and at the slots that wait; says what is in the way and what to do about it.
            Without a type: everything about devices that is not as it should be.""")
        .example("device:why net", "is it there, and if not, why")
        .example("device:why", "is anything wrong"));
  }

  @Override public void run(Call call) {
    Why why = new Why(call.services().context(), call.services().launcher());
    List<String> answer = call.word(0).map(why::explain).orElseGet(why::explain);
    if (!call.json()) {
      if (answer.isEmpty()) call.say("All device bundles are at work, and no device waits.");
      answer.forEach(call::say);
      return;
    }
    Map<String, Object> json = new LinkedHashMap<>();
    json.put("type", call.word(0).orElse(null));
    json.put("answer", answer);
    call.say(Json.of(json));
  }
}
