package lguest.launcher.run;

import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.nio.charset.StandardCharsets;
import java.util.List;
import java.util.Optional;
import java.util.concurrent.CopyOnWriteArrayList;
import lguest.device.Device;
import lguest.device.DeviceConfig;
import lguest.device.DeviceContext;
import lguest.device.DeviceException;
import lguest.device.DeviceProvider;
import lguest.device.DeviceState;
import lguest.device.Request;

/** A provider of devices that write down what happens to them, and do in requests and services what a test says. */
class TestDevice implements DeviceProvider {
  interface Action<T> { void run(T argument, DeviceContext context) throws Exception; }

  final String type;
  final List<String> events = new CopyOnWriteArrayList<>();
  final List<DeviceContext> contexts = new CopyOnWriteArrayList<>();
  int pages, channels = 1;
  volatile Action<Request> onRequest = (request, context) -> request.complete(request.length());
  volatile Action<Void> onService = (nothing, context) -> {};
  volatile Action<DeviceConfig> onOpen = (config, context) -> context.describe(7, 0, pages, channels);
  volatile Action<Void> onDrain = (nothing, context) -> {};
  volatile Action<Void> onClose = (nothing, context) -> {};
  volatile Optional<DeviceState> state = Optional.empty();

  TestDevice(String type) { this.type = type; }

  @Override public String type() { return type; }

  DeviceContext context() { return contexts.get(contexts.size() - 1); }

  @Override public Device open(DeviceConfig config, DeviceContext context) throws DeviceException {
    events.add("open " + config.argument() + config.state().map(s -> " " + s.values()).orElse(""));
    contexts.add(context);
    try {
      onOpen.run(config, context);
    } catch (DeviceException | RuntimeException e) {
      throw e;
    } catch (Exception e) {
      throw new AssertionError(e);
    }
    return device(context);
  }

  Device device(DeviceContext context) { return new Recorder(context); }

  class Recorder implements Device {
    private final DeviceContext context;

    Recorder(DeviceContext context) { this.context = context; }

    @Override public void request(Request request) throws Exception {
      events.add("request " + request.channel() + " " + text(request));
      onRequest.run(request, context);
    }

    @Override public void service() throws Exception {
      events.add("service");
      onService.run(null, context);
    }

    @Override public Optional<DeviceState> drain() throws Exception {
      events.add("drain");
      onDrain.run(null, context);
      return state;
    }

    @Override public void close() throws Exception {
      events.add("close");
      onClose.run(null, context);
    }
  }

  static String text(Request request) {
    StringBuilder text = new StringBuilder();
    for (MemorySegment part : request.parts()) text.append(new String(part.toArray(ValueLayout.JAVA_BYTE), StandardCharsets.ISO_8859_1));
    return text.toString();
  }
}
