package lguest.launcher.run;

import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import lguest.device.DeviceProvider;
import lguest.host.HostProvider;
import lguest.launcher.Launcher;
import lguest.launcher.slot.Candidate;

/** A Launcher without OSGi around it: whoever makes it says what is there. In this package because only OSGi is meant to be able to. */
public final class OpenLauncher implements AutoCloseable {
  private final LauncherService service = new LauncherService();
  private final List<Candidate> devices = new ArrayList<>();

  public OpenLauncher(HostProvider host, DeviceProvider... providers) {
    service.host(host);
    for (DeviceProvider provider : providers) {
      Candidate candidate = new Candidate(provider, "lguest.device." + provider.type(), "0", 0, devices.size() + 1);
      devices.add(candidate);
      service.arrived(candidate, Map.of());
    }
  }

  public Launcher launcher() { return service; }

  /** What an update of its bundle does: the provider at this place in the list leaves, with all its devices, and is there again. */
  public void exchange(int provider) {
    service.leaves(devices.get(provider));
    service.arrived(devices.get(provider), Map.of());
  }

  @Override public void close() { service.deactivate(); }
}
