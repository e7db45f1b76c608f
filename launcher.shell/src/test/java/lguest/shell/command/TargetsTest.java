package lguest.shell.command;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;

import java.util.List;
import lguest.shell.words.UserError;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.function.Executable;

class TargetsTest {
  private final Targets several = new Targets(List.of(Fakes.guest("web", "block", "block", "console"), Fakes.guest("web2", "net"), Fakes.guest("db", "console")));
  private final Targets one = new Targets(List.of(Fakes.guest("web", "block", "block", "console")));
  private final Targets none = new Targets(List.of());

  private static void refused(String message, Executable what) { assertEquals(message, assertThrows(UserError.class, what).getMessage()); }

  @Test void aGuestByItsNameOrABeginningThatOnlyItHas() throws Exception {
    assertEquals("web", several.guest("web").name());
    assertEquals("db", several.guest("d").name());
    assertEquals("web2", several.guest("web2").name());
    refused("'we' may be web or web2", () -> several.guest("we"));
    refused("there is no guest 'x'; there are: web, web2, db", () -> several.guest("x"));
    refused("there is no guest ''; there are: web, web2, db", () -> several.guest(""));
    refused("there is no guest: run one first", () -> none.guest("web"));
  }

  @Test void theOnlyGuestNeedsNoName() throws Exception {
    assertEquals("web", one.onlyGuest().name());
    refused("which guest? There are: web, web2, db", several::onlyGuest);
    refused("there is no guest: run one first", none::onlyGuest);
  }

  @Test void aDeviceByNumberOrType() throws Exception {
    assertEquals("web/1", several.device("web/1").name());
    assertEquals("web/2", several.device("web/console").name());
    assertEquals("db/0", several.device("d/con").name());
    assertEquals("web/2", one.device("console").name());
    assertEquals("web/0", one.device("0").name());
    refused("'block' may be web/0 (block) or web/1 (block)", () -> one.device("web/block"));
    refused("guest 'web' has no device 'gpu'; it has: web/0 (block), web/1 (block), web/2 (console)", () -> one.device("web/gpu"));
    refused("guest 'web' has no device '3'; it has: web/0 (block), web/1 (block), web/2 (console)", () -> one.device("web/3"));
    refused("guest 'web' has no device ''; it has: web/0 (block), web/1 (block), web/2 (console)", () -> one.device("web/"));
    refused("which guest? There are: web, web2, db", () -> several.device("console"));
  }

  @Test void aGuestStandsForAllItsDevices() throws Exception {
    assertEquals(List.of("web/0", "web/1", "web/2"), several.devices("web").stream().map(Targets.Device::name).toList());
    assertEquals(List.of("web/1"), several.devices("web/1").stream().map(Targets.Device::name).toList());
    assertEquals(List.of("web/2"), one.devices("console").stream().map(Targets.Device::name).toList());
    refused("there is no guest 'console'; there are: web, web2, db", () -> several.devices("console"));
  }
}
