package lguest.it;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import lguest.launcher.DeviceSlot;
import lguest.launcher.Guest;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.osgi.framework.Bundle;

/** The console's bundle is updated, stopped and started under a guest that is busy with it. */
@Timeout(600)
class ExchangeTest {
  private static final int BYTES = 6_000_000;

  @AfterEach void leaveItRunning() throws Exception { Platform.bundle("lguest.device.console").start(); }

  @Test void everyByteArrivesOnceAndInOrder() throws Exception {
    Bundle bundle = Platform.bundle("lguest.device.console");
    try (Guest guest = Platform.boot("flooding"); Screen screen = new Screen(guest)) {
      int prompt = screen.await("demo# ", 0);
      DeviceSlot console = guest.slots().getLast();
      screen.type("flood " + BYTES + "\n");
      int start = screen.await("flood " + BYTES, prompt);
      int exchanges = 0;
      while (screen.text().indexOf("flood: ", start) < 0 && exchanges < 20) {
        // What a new jar, saved, does: here the same one, which makes new classes, a new component and a new device all the same.
        bundle.update();
        // Now and then the next comes while the slot is still busy with the last.
        if (++exchanges % 3 != 0) Platform.await(console, DeviceSlot.State.ACTIVE);
      }
      assertTrue(exchanges > 1, "the flood was over before anything was exchanged");
      int end = screen.await(" s\r\n", screen.await("flood: ", start));
      FloodText.check(screen.text().substring(start, end), BYTES);
      screen.type("poweroff\n");
      assertEquals(0, guest.await().status());
      assertEquals(DeviceSlot.State.GONE, console.state());
    }
  }

  @Test void whatIsTypedWhileThereIsNoConsoleWaits() throws Exception {
    Bundle bundle = Platform.bundle("lguest.device.console");
    try (Guest guest = Platform.boot("waiting"); Screen screen = new Screen(guest)) {
      int prompt = screen.await("demo# ", 0);
      bundle.stop();
      DeviceSlot console = guest.slots().getLast();
      Platform.await(console, DeviceSlot.State.PARKED);
      assertTrue(console.reason().isPresent(), "it says why");
      Thread typist = Thread.ofVirtual().start(() -> {
        try {
          screen.type("echo patience\n");
        } catch (InterruptedException e) {
          throw new AssertionError(e);
        }
      });
      bundle.start();
      screen.await("patience", screen.await("patience", prompt));
      typist.join();
      screen.type("poweroff\n");
      assertEquals(0, guest.await().status());
    }
  }
}
