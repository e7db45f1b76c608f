package lguest.device.console;

import static java.nio.charset.StandardCharsets.ISO_8859_1;
import static org.junit.jupiter.api.Assertions.assertEquals;

import java.io.ByteArrayOutputStream;
import java.util.List;
import java.util.Map;
import java.util.WeakHashMap;
import lguest.device.DeviceProvider;
import lguest.device.testkit.DeviceTestKit;
import lguest.device.testkit.TestGuest;

/** The console under the test kit: what the guest prints reaches the terminal once and in order, and what is typed reaches the guest. */
class ConsoleKitTest extends DeviceTestKit {
  /** Somebody at the guest's console, and what they have seen. */
  private record Terminal(TestGuest.Party party, ByteArrayOutputStream seen) {}

  private final Map<TestGuest, Terminal> terminals = new WeakHashMap<>();

  @Override protected DeviceProvider provider() { return new ConsoleProvider(); }

  @Override protected List<String> wrongArguments() { return List.of("anything"); }

  private Terminal terminal(TestGuest guest) throws InterruptedException {
    Terminal known = terminals.get(guest);
    if (known != null) return known;
    ByteArrayOutputStream seen = new ByteArrayOutputStream();
    Terminal made = new Terminal(guest.attach(data -> {
      byte[] bytes = new byte[data.remaining()];
      data.get(bytes);
      seen.writeBytes(bytes);
    }), seen);
    terminals.put(guest, made);
    return made;
  }

  @Override protected void converse(TestGuest guest, int number) throws Exception {
    Terminal terminal = terminal(guest);
    String line = "line " + number + "\r\n";
    assertEquals(line.length(), guest.send(0, line.substring(0, 3).getBytes(), line.substring(3).getBytes()));
    guest.await("'" + line + "' on the terminal", () -> terminal.seen.size() >= line.length());
    assertEquals(line, terminal.seen.toString(ISO_8859_1));
    terminal.seen.reset();

    String typed = "typed " + number;
    Thread typist = Thread.ofVirtual().start(() -> {
      try {
        terminal.party.input(typed.getBytes());
      } catch (InterruptedException e) {
        throw new AssertionError(e);
      }
    });
    StringBuilder read = new StringBuilder();
    while (read.length() < typed.length()) read.append(new String(guest.await(guest.lend(0, 3)), ISO_8859_1));
    assertEquals(typed, read.toString());
    typist.join();
  }
}
