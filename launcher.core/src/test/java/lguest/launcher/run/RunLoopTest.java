package lguest.launcher.run;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.util.List;
import lguest.launcher.Guest;
import lguest.launcher.GuestEnd;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;

@Timeout(60)
class RunLoopTest {
  private static final long DMA = 0x2000, DATA = 0x3000;

  private final GuestFixture fixture = new GuestFixture();
  private final TestDevice device = new TestDevice("test");

  @AfterEach void close() throws Exception { fixture.close(); }

  private Guest guest() throws Exception {
    fixture.add(device);
    return fixture.create("test");
  }

  @Test void handsARequestToItsDeviceAndTellsTheGuestWhatItTook() throws Exception {
    Guest guest = guest();
    fixture.write(DATA, "hello, world");
    fixture.host().send(DMA, 0, DATA, 5, DATA + 7, 5);
    fixture.host().die("CRASH: Power down");
    assertEquals(Guest.State.READY, guest.state());
    guest.start();
    assertEquals(new GuestEnd(GuestEnd.Kind.POWER_OFF, "Power down", 0), guest.await());
    assertEquals(Guest.State.ENDED, guest.state());
    assertTrue(fixture.host().closed);
    assertEquals(List.of("open argument", "request 0 helloworld", "close"), device.events);
  }
}
