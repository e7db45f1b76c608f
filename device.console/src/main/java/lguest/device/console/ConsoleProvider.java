package lguest.device.console;

import lguest.device.Device;
import lguest.device.DeviceConfig;
import lguest.device.DeviceContext;
import lguest.device.DeviceException;
import lguest.device.DeviceProvider;
import lguest.device.DeviceType;
import org.osgi.service.component.annotations.Component;

/** The device type {@code console}. It announces no option: a launch gets one without asking (L4). */
@Component
@DeviceType(type = ConsoleProvider.TYPE, about = "the guest's console")
public final class ConsoleProvider implements DeviceProvider {
  static final String TYPE = "console";
  /** LGUEST_DEVICE_T_CONSOLE (ABI §3.2). */
  private static final int NUMBER = 1;

  @Override public String type() { return TYPE; }

  @Override public Device open(DeviceConfig config, DeviceContext context) throws DeviceException {
    if (!config.argument().isEmpty()) throw new DeviceException("a console takes no argument, but got '" + config.argument() + "'");
    ConsoleState state = config.state().isPresent() ? ConsoleState.read(config.state().get()) : ConsoleState.FRESH;
    context.describe(NUMBER, 0, 0);
    return new Console(context, state, System::nanoTime);
  }
}
