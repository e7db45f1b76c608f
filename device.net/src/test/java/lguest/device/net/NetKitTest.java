package lguest.device.net;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.nio.ByteBuffer;
import java.util.List;
import java.util.Random;
import lguest.device.Device;
import lguest.device.DeviceProvider;
import lguest.device.fake.FakeContext;
import lguest.device.fake.FakeRequest;
import lguest.device.testkit.DeviceTestKit;
import lguest.device.testkit.TestGuest;

/** The shared network under the test kit: frames to a neighbour and back, by the way between processes, none lost. */
class NetKitTest extends DeviceTestKit {
  @Override protected DeviceProvider provider() { return new NetProvider(); }

  @Override protected String argument() { return folder.resolve("net").toString(); }

  @Override protected List<String> wrongArguments() { return List.of("", folder.toString(), folder.resolve("no/such/folder").toString()); }

  @Override protected void converse(TestGuest guest, int number) throws Exception {
    byte[] frame = new byte[60 + number % 1000 & 0xFFF];
    new Random(number).nextBytes(frame);
    ByteBuffer.wrap(frame).putInt(number);
    int here = guest.machine().features() & 0xFFF;
    try (FakeContext machine = new FakeContext(); Device neighbour = new NetProvider().open(FakeContext.config(argument()), machine)) {
      int there = machine.features() & 0xFFF;
      FakeRequest buffer = machine.offer(there, 2048);
      assertEquals(frame.length, guest.send(there, frame));
      for (long end = System.nanoTime() + 20_000_000_000L; !buffer.isComplete(); Thread.sleep(1)) {
        assertTrue(System.nanoTime() < end, "the frame does not come to the neighbour");
        neighbour.service();
      }
      assertArrayEquals(frame, buffer.received());
      TestGuest.Buffer back = guest.lend(here, 1000, 1048);
      FakeRequest answer = machine.send(here, frame);
      neighbour.request(answer);
      assertEquals(frame.length, answer.completedLength());
      assertArrayEquals(frame, guest.await(back));
    }
  }
}
