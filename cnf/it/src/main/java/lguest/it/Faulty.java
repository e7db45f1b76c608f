package lguest.it;

import java.util.Hashtable;
import java.util.Map;
import java.util.Optional;
import java.util.concurrent.CountDownLatch;
import lguest.device.Attachable;
import lguest.device.Device;
import lguest.device.DeviceConfig;
import lguest.device.DeviceContext;
import lguest.device.DeviceException;
import lguest.device.DeviceProvider;
import lguest.device.DeviceState;
import lguest.device.Request;
import org.osgi.framework.ServiceReference;
import org.osgi.framework.ServiceRegistration;

/** A provider with a fault of a test's choice, and otherwise the one of the bundle that is shipped. */
final class Faulty implements DeviceProvider, AutoCloseable {
  interface Fault { void happens() throws Exception; }

  volatile Fault open = () -> {}, request = () -> {}, drain = () -> {}, close = () -> {};
  private final CountDownLatch ever = new CountDownLatch(1);
  private final String type;
  private ServiceRegistration<DeviceProvider> registration;

  Faulty(String type) { this.type = type; }

  /** Is there from now on, ranking above the one that is shipped, or below. */
  void register(int ranking) {
    registration = Platform.context().registerService(DeviceProvider.class, this, properties(ranking));
  }

  void rank(int ranking) { registration.setProperties(properties(ranking)); }

  void unregister() {
    registration.unregister();
    registration = null;
  }

  private Hashtable<String, Object> properties(int ranking) { return new Hashtable<>(Map.of("lguest.device.type", type, "service.ranking", ranking)); }

  /** A fault: never to return, interrupted or not, until {@link #close}. */
  void hang() {
    while (ever.getCount() > 0) {
      try {
        ever.await();
      } catch (InterruptedException e) {
        // A device that has never heard of it.
      }
    }
  }

  void recover() { ever.countDown(); }

  @Override public void close() {
    recover();
    if (registration != null) unregister();
  }

  @Override public String type() { return type; }

  @Override public Device open(DeviceConfig config, DeviceContext context) throws DeviceException {
    try {
      open.happens();
    } catch (DeviceException | RuntimeException e) {
      throw e;
    } catch (Exception e) {
      throw new AssertionError(e);
    }
    Device real = shipped().open(config, context);
    return real instanceof Attachable stream ? new FaultyStream(real, stream) : new FaultyDevice(real);
  }

  private DeviceProvider shipped() {
    try {
      for (ServiceReference<DeviceProvider> reference : Platform.context().getServiceReferences(DeviceProvider.class, "(lguest.device.type=" + type + ")"))
        if (reference.getBundle().getSymbolicName().equals("lguest.device." + type)) return Platform.context().getService(reference);
    } catch (org.osgi.framework.InvalidSyntaxException e) {
      throw new AssertionError(e);
    }
    throw new AssertionError("nothing to be faulty with");
  }

  private class FaultyDevice implements Device {
    private final Device real;

    FaultyDevice(Device real) { this.real = real; }

    @Override public void request(Request given) throws Exception {
      request.happens();
      real.request(given);
    }

    @Override public void service() throws Exception { real.service(); }

    @Override public Optional<DeviceState> drain() throws Exception {
      drain.happens();
      return real.drain();
    }

    @Override public void close() throws Exception {
      close.happens();
      real.close();
    }
  }

  private final class FaultyStream extends FaultyDevice implements Attachable {
    private final Attachable stream;

    FaultyStream(Device real, Attachable stream) {
      super(real);
      this.stream = stream;
    }

    @Override public Attachment attach(Output output, boolean replay) { return stream.attach(output, replay); }
  }
}
