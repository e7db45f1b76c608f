package ${package};

import static org.junit.jupiter.api.Assertions.assertEquals;

import java.util.List;
import java.util.Locale;
import lguest.device.DeviceProvider;
import lguest.device.testkit.DeviceTestKit;
import lguest.device.testkit.TestGuest;

/** What is asked of every device: a thousand openings, exchanges under load, malformed requests, nothing left behind. */
class ${Name}KitTest extends DeviceTestKit {
  @Override protected DeviceProvider provider() { return new ${Name}Provider(); }

  @Override protected List<String> wrongArguments() { return List.of("anything"); }

  @Override protected void converse(TestGuest guest, int number) {
    String text = "word " + number;
    TestGuest.Buffer answer = guest.lend(0, 10, 90);
    assertEquals(text.length(), guest.send(0, text.getBytes()));
    assertEquals("${artifactId} says " + text.toUpperCase(Locale.ROOT), new String(guest.await(answer)));
  }
}
