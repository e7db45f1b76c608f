package lguest.device.fake;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.lang.foreign.MemorySegment;
import java.time.Duration;
import java.util.List;
import java.util.Optional;
import lguest.device.Device;
import lguest.device.DeviceException;
import lguest.device.Request;
import org.junit.jupiter.api.Test;

class FakeContextTest {
  private final FakeContext guest = new FakeContext();

  /** Answers what is sent on channel 0 by the same bytes in the next buffer offered on channel 1. */
  private final Device echo = new Device() {
    private byte[] waiting;

    @Override public void request(Request request) {
      waiting = request.parts().get(0).toArray(java.lang.foreign.ValueLayout.JAVA_BYTE);
      request.complete(request.length());
      guest.wake();
    }

    @Override public void service() {
      Optional<Request> buffer = guest.offered(1);
      if (buffer.isEmpty()) {
        guest.retry();
        return;
      }
      buffer.get().parts().get(0).copyFrom(MemorySegment.ofArray(waiting));
      buffer.get().complete(waiting.length);
    }

    @Override public void close() {}
  };

  @Test void playsAGuestForADevice() throws Exception {
    FakeRequest sent = guest.send(0, "abc".getBytes());
    assertFalse(guest.serve(echo));
    echo.request(sent);
    assertEquals(3, sent.completedLength());

    assertTrue(guest.serve(echo), "the device asked");
    assertEquals(1, guest.retries(), "there was no buffer");
    guest.offer(0, 10);
    FakeRequest buffer = guest.offer(1, 10);
    guest.awaitAndServe(echo, Duration.ofSeconds(10));
    assertArrayEquals("abc".getBytes(), buffer.received());
    assertEquals(1, guest.interrupts());
    assertFalse(guest.serve(echo));
  }

  @Test void holdsADeviceToTheRules() throws Exception {
    FakeRequest request = guest.send(0, new byte[3], new byte[4]);
    assertThrows(IllegalArgumentException.class, () -> request.complete(8));
    request.complete(7);
    assertThrows(IllegalStateException.class, () -> request.complete(7));

    assertThrows(AssertionError.class, guest::type);
    guest.describe(3, 0x8000, 1);
    assertEquals(List.of(3, 0x8000, 1, 1), List.of(guest.type(), guest.features(), guest.pages(), guest.channels()));
    assertThrows(DeviceException.class, () -> guest.describe(3, 0, 1));
    assertThrows(IllegalArgumentException.class, () -> new FakeContext().describe(0, 0, 0));
    assertEquals(4096, guest.page(0).byteSize());
  }
}
