package lguest.it;

import static org.junit.jupiter.api.Assertions.assertEquals;

import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.util.Hashtable;
import java.util.Locale;
import java.util.Map;
import java.util.Optional;
import lguest.device.Device;
import lguest.device.DeviceConfig;
import lguest.device.DeviceContext;
import lguest.device.DeviceException;
import lguest.device.DeviceProvider;
import lguest.device.Request;
import lguest.launcher.DeviceSlot;
import lguest.launcher.Guest;
import lguest.launcher.GuestEnd;
import lguest.launcher.GuestSpec.DeviceSpec;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.osgi.framework.BundleContext;
import org.osgi.framework.FrameworkUtil;
import org.osgi.framework.ServiceRegistration;

/** The demo guest's shell talks to a device of a type that neither it nor the platform has ever heard of. */
@Timeout(300)
class AnyDeviceTest {
  private static final BundleContext BUNDLES = FrameworkUtil.getBundle(AnyDeviceTest.class).getBundleContext();

  /** Answers in capitals on the channel it was asked on; its page says how often. */
  private record Loud() implements DeviceProvider {
    @Override public String type() { return "loud"; }

    @Override public Device open(DeviceConfig config, DeviceContext context) throws DeviceException {
      context.describe(4711, 0x21, 1, 3);
      return new Device() {
        private String answer;
        private int channel;

        @Override public void request(Request request) {
          StringBuilder text = new StringBuilder();
          for (MemorySegment part : request.parts()) text.append(new String(part.toArray(ValueLayout.JAVA_BYTE)));
          answer = text.toString().toUpperCase(Locale.ROOT);
          channel = request.channel();
          context.page(0).set(ValueLayout.JAVA_INT, 8, context.page(0).get(ValueLayout.JAVA_INT, 8) + 1);
          request.complete(request.length());
          service();
        }

        @Override public void service() {
          if (answer == null) return;
          Optional<Request> buffer = context.offered(channel);
          if (buffer.isEmpty()) {
            context.retry();
            return;
          }
          MemorySegment.copy(answer.getBytes(), 0, buffer.get().parts().getFirst(), ValueLayout.JAVA_BYTE, 0, answer.length());
          buffer.get().complete(answer.length());
          answer = null;
        }

        @Override public void close() {}
      };
    }
  }

  private static ServiceRegistration<DeviceProvider> register() {
    return BUNDLES.registerService(DeviceProvider.class, new Loud(), new Hashtable<>(Map.of("lguest.device.type", "loud")));
  }

  private static void expect(Screen screen, String command, String answer) throws InterruptedException {
    int from = screen.text().length();
    screen.type(command + "\n");
    int typed = screen.await(command, from);
    screen.await("demo# ", screen.await(answer, typed));
  }

  @Test void sendsReceivesAndSharesAPage() throws Exception {
    ServiceRegistration<DeviceProvider> provider = register();
    try (Guest guest = Platform.boot("loud", new DeviceSpec("loud", "")); Screen screen = new Screen(guest)) {
      screen.await("demo# ", 0);
      expect(screen, "device", "   0   1 unknown    0x0021      1     1");
      expect(screen, "device 0 ask hello there", "device 0: sent 11 bytes, 11 taken\r\ndevice 0: received 11 bytes: \"HELLO THERE\"");
      expect(screen, "device 0 .2 ask on two", "received 6 bytes: \"ON TWO\"");
      expect(screen, "device 0 send later", "device 0: sent 5 bytes, 5 taken");
      expect(screen, "device 0 receive", "received 5 bytes: \"LATER\"");
      expect(screen, "device 0 receive 1", "nothing came in 1 s");
      expect(screen, "device 0 .1 send nobody listens", "sent 14 bytes, 14 taken");
      expect(screen, "device 0 read 0 16", "00000000  00 00 00 00 00 00 00 00 04 00 00 00 00 00 00 00");
      expect(screen, "device 0 write 0x10 hi 0x04030201", "wrote 6 bytes");
      expect(screen, "device 0 read 0x10 8", "00000010  68 69 01 02 03 04 00 00");
      expect(screen, "device 0 read 4096", "device 0 has 1 pages: no byte 0x1000");
      expect(screen, "device 1 ask me", "device 1 has a driver, console");
      expect(screen, "device 5 ask me", "there is no device 5");
      expect(screen, "device 0 sing", "usage: device");
      expect(screen, "device", "   0   1 unknown    0x0021      7     1");
      screen.type("poweroff\n");
      assertEquals(GuestEnd.Kind.POWER_OFF, guest.await().kind());
    } finally {
      provider.unregister();
    }
  }

  @Test void findsADeviceWhoseProviderComesLate() throws Exception {
    try (Guest guest = Platform.boot("late", new DeviceSpec("loud", "")); Screen screen = new Screen(guest)) {
      screen.await("demo# ", 0);
      expect(screen, "device 0 ask", "there is no device 0");
      ServiceRegistration<DeviceProvider> provider = register();
      try {
        Platform.await(guest.slots().getFirst(), DeviceSlot.State.ACTIVE);
        expect(screen, "device", "   0   1 unknown    0x0021      1     1");
        expect(screen, "device 0 ask are you there", "received 13 bytes: \"ARE YOU THERE\"");
        // Its provider leaves: the guest waits, and another one answers.
        provider.unregister();
        Platform.await(guest.slots().getFirst(), DeviceSlot.State.PARKED);
        int from = screen.text().length();
        screen.type("device 0 ask again\n");
        screen.await("device 0 ask again", from);
        provider = register();
        screen.await("received 5 bytes: \"AGAIN\"", from);
      } finally {
        provider.unregister();
      }
      screen.type("poweroff\n");
      assertEquals(GuestEnd.Kind.POWER_OFF, guest.await().kind());
    }
  }
}
