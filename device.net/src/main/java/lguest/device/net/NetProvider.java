package lguest.device.net;

import lguest.device.Device;
import lguest.device.DeviceConfig;
import lguest.device.DeviceContext;
import lguest.device.DeviceException;
import lguest.device.DeviceProvider;
import lguest.device.DeviceState;
import lguest.device.DeviceType;
import org.osgi.service.component.annotations.Component;

/** Networks between guests: takes a place on the network's file and puts a {@link NetDevice} there (L45). */
@Component
@DeviceType(type = "net", option = NetFile.USAGE, about = "a network with all guests that name the same file, which is made if it is missing")
public final class NetProvider implements DeviceProvider {
  @Override public String type() { return "net"; }

  @Override public Device open(DeviceConfig config, DeviceContext context) throws DeviceException {
    if (config.state().isPresent()) {
      DeviceState state = config.state().get();
      if (state.version() != NetDevice.STATE_VERSION)
        throw new DeviceException("this version of the shared network does not know what version " + state.version() + " has left; install that one again");
      if (!state.values().keySet().containsAll(NetDevice.LEFT)) throw new DeviceException("what was left here is another network device's; install that one again");
      return NetDevice.resume(config.argument(), state, context);
    }
    NetFile file = NetFile.beginToJoin(config.argument());
    try {
      return NetDevice.begin(file, context);
    } catch (DeviceException | RuntimeException e) {
      file.close();
      throw e;
    }
  }
}
