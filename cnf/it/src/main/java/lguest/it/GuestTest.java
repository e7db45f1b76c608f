package lguest.it;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.util.Arrays;
import java.util.List;
import lguest.device.DeviceProvider;
import lguest.launcher.Guest;
import lguest.launcher.GuestEnd;
import lguest.launcher.Launcher;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.osgi.framework.Bundle;
import org.osgi.framework.Constants;

@Timeout(300)
class GuestTest {
  @Test void everyBundleIsActive() {
    List<String> others = Arrays.stream(Platform.context().getBundles())
        .filter(bundle -> bundle.getState() != Bundle.ACTIVE && bundle.getHeaders().get(Constants.FRAGMENT_HOST) == null)
        // Such a one waits for the first who needs a class of it.
        .filter(bundle -> bundle.getState() != Bundle.STARTING || !Constants.ACTIVATION_LAZY.equals(bundle.getHeaders().get(Constants.BUNDLE_ACTIVATIONPOLICY)))
            .map(Bundle::toString).toList();
    assertEquals(List.of(), others);
  }

  @Test void noBundleImportsWhatAnotherKeepsToItself() {
    // Device bundles live on the device API alone; they can be shipped by anybody.
    for (Bundle bundle : Platform.context().getBundles()) {
      if (!bundle.getSymbolicName().startsWith("lguest.device.")) continue;
      for (String clause : bundle.getHeaders().get(Constants.IMPORT_PACKAGE).split(",(?=[a-z])"))
        assertTrue(!clause.startsWith("lguest.") || clause.startsWith("lguest.device;") || clause.equals("lguest.device"),
            bundle + " imports " + clause);
    }
  }

  @Test void aGuestBootsToItsPromptAndSwitchesItselfOff() throws Exception {
    Platform.service(DeviceProvider.class);
    try (Guest guest = Platform.boot("one"); Screen screen = new Screen(guest)) {
      int prompt = screen.await("demo# ", 0);
      assertEquals(Guest.State.RUNNING, guest.state());
      screen.type("echo it is alive\n");
      screen.await("it is alive", screen.await("it is alive", prompt));
      screen.type("poweroff\n");
      assertEquals(new GuestEnd(GuestEnd.Kind.POWER_OFF, guest.await().reason(), 0), guest.await());
      assertTrue(guest.instructions() > 0);
    }
    assertTrue(Platform.service(Launcher.class).find("one").isEmpty(), "a closed guest is forgotten");
  }

  @Test void oneGuestsDeathIsNotAnothers() throws Exception {
    try (Guest doomed = Platform.boot("doomed"); Guest other = Platform.boot("other"); Screen screen = new Screen(doomed); Screen view = new Screen(other)) {
      screen.await("demo# ", 0);
      int prompt = view.await("demo# ", 0);
      screen.type("die badcall\n");
      GuestEnd end = doomed.await();
      assertEquals(GuestEnd.Kind.DIED, end.kind());
      assertEquals(1, end.status());
      assertTrue(end.reason().contains("99"), "the reason names the hypercall: " + end.reason());
      view.type("echo still here\n");
      view.await("still here", view.await("still here", prompt));
      assertEquals(Guest.State.RUNNING, other.state());
    }
  }
}
