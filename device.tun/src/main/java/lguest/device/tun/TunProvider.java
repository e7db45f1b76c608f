package lguest.device.tun;

import lguest.device.Device;
import lguest.device.DeviceConfig;
import lguest.device.DeviceContext;
import lguest.device.DeviceException;
import lguest.device.DeviceProvider;
import lguest.device.DeviceState;
import lguest.device.DeviceType;
import org.osgi.service.component.annotations.Component;

/** Networks with the host: makes a tap interface, or takes one, and puts a {@link TunDevice} on it (L46). */
@Component
@DeviceType(type = "tun", option = TunOptions.USAGE,
  about = "a network with the host: with that address there, as a port of that bridge, or by a tap that an administrator has made")
public final class TunProvider implements DeviceProvider {
  @Override public String type() { return "tun"; }

  @Override public Device open(DeviceConfig config, DeviceContext context) throws DeviceException {
    TunOptions options = TunOptions.parse(config.argument());
    if (config.state().isPresent()) {
      DeviceState state = config.state().get();
      if (state.version() != TunDevice.STATE_VERSION)
        throw new DeviceException("this version of the tap network does not know what version " + state.version() + " has left; install that one again");
      if (!state.values().keySet().containsAll(TunDevice.LEFT)) throw new DeviceException("what was left here is another tap network's; install that one again");
      return new TunDevice(state, context);
    }
    Tap tap = Tap.open(options);
    try {
      return new TunDevice(tap, context);
    } catch (DeviceException | RuntimeException e) {
      tap.close();
      throw e;
    }
  }
}
