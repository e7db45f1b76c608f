package lguest.device.testkit;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;

import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.nio.ByteBuffer;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import lguest.device.Device;
import lguest.device.DeviceConfig;
import lguest.device.DeviceContext;
import lguest.device.DeviceException;
import lguest.device.DeviceProvider;
import lguest.device.DeviceState;
import lguest.device.Request;

/** A decent little device, and how one talks to it: answers each request with its number and its bytes. The indecent ones of {@link DeviceTestKitTest} are this with one flaw. */
class Echo implements DeviceProvider {
  @Override public String type() { return "echo"; }

  @Override public Device open(DeviceConfig config, DeviceContext context) throws DeviceException {
    if (!config.argument().isEmpty()) throw new DeviceException("echo takes no argument, but got '" + config.argument() + "'");
    context.describe(77, 0, 1);
    long count = 0;
    byte[] unsent = null;
    if (config.state().isPresent()) {
      DeviceState state = config.state().get();
      if (state.version() != 1 || !state.values().containsKey("count")) throw new DeviceException("state of version " + state.version() + " is not this echo's");
      count = (Long) state.values().get("count");
      if (state.values().containsKey("unsent")) unsent = (byte[]) state.values().get("unsent");
    }
    return device(context, count, unsent);
  }

  EchoDevice device(DeviceContext context, long count, byte[] unsent) throws DeviceException { return new EchoDevice(context, count, unsent); }

  static class EchoDevice implements Device {
    final DeviceContext context;
    long count;
    byte[] unsent;

    EchoDevice(DeviceContext context, long count, byte[] unsent) {
      this.context = context;
      this.count = count;
      this.unsent = unsent;
      if (unsent != null) context.wake();
    }

    @Override public void request(Request request) throws Exception {
      ByteBuffer bytes = ByteBuffer.allocate((int) request.length() + 8).putLong(count++);
      for (MemorySegment part : request.parts()) bytes.put(part.toArray(ValueLayout.JAVA_BYTE));
      unsent = bytes.array();
      service();
      request.complete(request.length());
    }

    @Override public void service() throws Exception {
      if (unsent == null) return;
      Optional<Request> buffer = context.offered(0);
      if (buffer.isEmpty()) {
        context.retry();
        return;
      }
      answer(buffer.get());
      unsent = null;
    }

    void answer(Request buffer) {
      int at = 0;
      for (MemorySegment part : buffer.parts()) {
        int length = (int) Math.min(part.byteSize(), unsent.length - at);
        MemorySegment.copy(unsent, at, part, ValueLayout.JAVA_BYTE, 0, length);
        at += length;
      }
      buffer.complete(at);
    }

    @Override public Optional<DeviceState> drain() throws Exception {
      return Optional.of(new DeviceState(1, unsent == null ? Map.of("count", count) : Map.of("count", count, "unsent", unsent)));
    }

    @Override public void close() throws Exception {}
  }

  /** The kit on it. */
  static class Kit extends DeviceTestKit {
    private long expected;
    private TestGuest last;

    @Override protected DeviceProvider provider() { return new Echo(); }

    @Override protected List<String> wrongArguments() { return List.of("nonsense"); }

    @Override protected void converse(TestGuest guest, int number) throws Exception {
      if (guest != last) expected = 0;
      last = guest;
      byte[] text = ("hello " + number).getBytes();
      TestGuest.Buffer answer = guest.lend(0, 10, 4000);
      guest.send(0, text);
      ByteBuffer got = ByteBuffer.wrap(guest.await(answer));
      assertEquals(expected++, got.getLong(), "the count goes on");
      byte[] rest = new byte[got.remaining()];
      got.get(rest);
      assertArrayEquals(text, rest);
    }
  }
}
