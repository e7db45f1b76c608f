package ${package};

import lguest.device.Device;
import lguest.device.DeviceConfig;
import lguest.device.DeviceContext;
import lguest.device.DeviceException;
import lguest.device.DeviceProvider;
import lguest.device.DeviceState;
import lguest.device.DeviceType;
import org.osgi.service.component.annotations.Component;

/** The device type {@code ${artifactId}}: the option {@code --${artifactId}} of the command line puts one into a guest. */
@Component
@DeviceType(type = ${Name}Provider.TYPE, option = ${Name}Provider.TYPE, about = "answers in capitals, and counts")
public final class ${Name}Provider implements DeviceProvider {
  static final String TYPE = "${artifactId}";
  /** By this number guests know the type; whoever else uses it in the same guest would be taken for one of these. */
  private static final int NUMBER = ${number};
  private static final int FEATURES = 0, PAGES = 1;

  @Override public String type() { return TYPE; }

  @Override public Device open(DeviceConfig config, DeviceContext context) throws DeviceException {
    if (!config.argument().isEmpty()) throw new DeviceException("a ${artifactId} takes no argument, but got '" + config.argument() + "'");
    DeviceState before = config.state().orElse(null);
    ${Name}State state = before == null ? ${Name}State.FRESH : ${Name}State.read(before);
    context.describe(NUMBER, FEATURES, PAGES);
    return new ${Name}Device(context, state);
  }
}
