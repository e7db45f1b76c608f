package ${package};

import static org.junit.jupiter.api.Assertions.assertEquals;

import java.lang.foreign.ValueLayout;
import lguest.device.Device;
import lguest.device.fake.FakeContext;
import lguest.device.fake.FakeRequest;
import org.junit.jupiter.api.Test;

/** One step after the other, with a machine that is not there. */
class ${Name}DeviceTest {
  @Test void answersInCapitalsAndCounts() throws Exception {
    try (FakeContext guest = new FakeContext(); Device device = new ${Name}Provider().open(FakeContext.config(""), guest)) {
      FakeRequest hello = guest.send(0, "hel".getBytes(), "lo".getBytes());
      device.request(hello);
      assertEquals(5, hello.completedLength());
      assertEquals(1, guest.page(0).get(ValueLayout.JAVA_LONG, 0));

      FakeRequest buffer = guest.offer(0, 10, 90);
      guest.serve(device);
      assertEquals("${artifactId} says HELLO", new String(buffer.received()));
      assertEquals(1, guest.interrupts());
    }
  }
}
