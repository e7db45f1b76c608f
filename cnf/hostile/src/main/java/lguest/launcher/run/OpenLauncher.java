package lguest.launcher.run;

import java.util.Map;
import lguest.device.DeviceProvider;
import lguest.host.HostProvider;
import lguest.launcher.Launcher;
import lguest.launcher.slot.Candidate;

/** A Launcher without OSGi around it: whoever makes it says what is there. In this package because only OSGi is meant to be able to. */
public final class OpenLauncher implements AutoCloseable {
  private final LauncherService service = new LauncherService();

  public OpenLauncher(HostProvider host, DeviceProvider... devices) {
    service.host(host);
    long id = 1;
    for (DeviceProvider device : devices) service.arrived(new Candidate(device, "lguest.device." + device.type(), "0", 0, id++), Map.of());
  }

  public Launcher launcher() { return service; }

  @Override public void close() { service.deactivate(); }
}
