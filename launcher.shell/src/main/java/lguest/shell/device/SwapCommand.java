package lguest.shell.device;

import lguest.launcher.ProviderInfo;
import lguest.shell.command.Call;
import lguest.shell.command.Command;
import lguest.shell.command.Targets;
import lguest.shell.command.Words;
import lguest.shell.command.Words.Kind;

public final class SwapCommand extends Command {
  public SwapCommand() {
    super(Words.of("device", "swap", "have another provider of its type serve a device, while the guest runs")
        .json().word("<device>", Kind.DEVICE).word("[<provider>]", Kind.PROVIDER).word("[<version>]", Kind.OTHER)
        .more("""
            The provider is a bundle's symbolic name, with a version where two of the name are there; device:types
            lists them. It serves the device from then on, whatever the rankings are; without a provider the
            rankings decide again. Requests under way are finished first, others wait; none is lost.""")
        .example("device:swap web/block com.acme.block", "only this disk, of this guest")
        .example("device:swap web/block", "back to the best there is"));
  }

  @Override public void run(Call call) throws Exception {
    Targets.Device device = call.device(0);
    String provider = String.join(" ", call.words().subList(1, call.words().size()));
    String type = device.slot().type();
    device.slot().swap(provider);
    Settling.awaitActive(device, () -> {
      String serving = device.slot().provider().orElse("");
      return provider.isEmpty()
          ? call.services().launcher().providers().stream().filter(one -> one.type().equals(type) && one.best()).map(ProviderInfo::label).anyMatch(serving::equals)
          : serving.equals(provider) || serving.startsWith(provider + " ");
    });
    Settling.tell(call, device);
  }
}
