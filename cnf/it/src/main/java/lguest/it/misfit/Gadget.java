package lguest.it.misfit;

import java.util.Optional;
import lguest.device.Device;
import lguest.device.DeviceConfig;
import lguest.device.DeviceContext;
import lguest.device.DeviceException;
import lguest.device.DeviceProvider;
import lguest.device.DeviceState;
import lguest.device.Request;

/** A device with nothing wrong, packed by {@link lguest.it.WhyTest} into bundles with something wrong. */
public class Gadget implements DeviceProvider {
  @Override public String type() { return "gadget"; }

  @Override public Device open(DeviceConfig config, DeviceContext context) throws DeviceException {
    if (config.argument().equals("jam")) throw new DeviceException("the gadget is jammed: oil it");
    context.describe(77, 0, 1);
    return new Device() {
      @Override public void request(Request request) { request.complete(0); }

      @Override public Optional<DeviceState> drain() { return Optional.empty(); }

      @Override public void close() {}
    };
  }
}
