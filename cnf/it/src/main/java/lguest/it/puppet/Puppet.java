package lguest.it.puppet;

import java.util.Hashtable;
import java.util.Map;
import java.util.Optional;
import lguest.device.Device;
import lguest.device.DeviceConfig;
import lguest.device.DeviceContext;
import lguest.device.DeviceException;
import lguest.device.DeviceProvider;
import lguest.device.DeviceState;
import lguest.device.Request;
import org.osgi.framework.BundleActivator;
import org.osgi.framework.BundleContext;

/**
 * A device bundle in small, of type {@code puppet}, for tests to install and update: its manifest's {@code State-Version} says what state it leaves and takes. It counts how often it has been opened,
 * across versions, in its state and in the counter {@code opened}.
 */
public final class Puppet implements BundleActivator, DeviceProvider {
  private int version;

  @Override public void start(BundleContext context) {
    version = Integer.parseInt(context.getBundle().getHeaders().get("State-Version"));
    Hashtable<String, Object> properties = new Hashtable<>(Map.of("lguest.device.type", type()));
    context.registerService(DeviceProvider.class, this, properties);
  }

  @Override public void stop(BundleContext context) {}

  @Override public String type() { return "puppet"; }

  @Override public Device open(DeviceConfig config, DeviceContext context) throws DeviceException {
    int before = config.state().map(DeviceState::version).orElse(version);
    if (before != version) throw new DeviceException("puppet %d cannot go on where puppet %d has stopped; install that one again".formatted(version, before));
    long opened = 1 + (Long) config.state().map(state -> state.values().get("opened")).orElse(0L);
    context.describe(77, 0, 1);
    context.counter("opened").add(opened - context.counter("opened").sum());
    return new Device() {
      @Override public void request(Request request) { request.complete(request.length()); }

      @Override public Optional<DeviceState> drain() { return Optional.of(new DeviceState(version, Map.of("opened", opened))); }

      @Override public void close() {}
    };
  }
}
