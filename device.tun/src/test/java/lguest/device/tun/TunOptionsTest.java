package lguest.device.tun;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.util.Map;
import java.util.Optional;
import lguest.device.DeviceConfig;
import lguest.device.DeviceException;
import lguest.device.DeviceState;
import lguest.device.fake.FakeContext;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

class TunOptionsTest {
  @Test void readsTheThreeKinds() throws Exception {
    assertEquals("192.168.19.1", TunOptions.parse("192.168.19.1").toString());
    assertEquals("10.0.0.254/30", TunOptions.parse("10.0.0.254/30").toString());
    assertEquals(new TunOptions.Bridge("br0"), TunOptions.parse("bridge:br0"));
    assertEquals(new TunOptions.Existing("lg-tap.1"), TunOptions.parse("tap:lg-tap.1"));
  }

  @ParameterizedTest
  @CsvSource(delimiter = '|', quoteCharacter = '"', value = {
    "\"\"|'' is no IP address and neither bridge:<name> nor tap:<name>: tunnet=<ipaddr>|bridge:<name>|tap:<name>",
    "eth0|'eth0' is no IP address and neither",
    "1.2.3|'1.2.3' is no IP address and neither",
    "192.168.19.1x|'192.168.19.1x' is no IP address and neither",
    "::1|'::1' is no IP address and neither",
    "192.168.256.1|'192.168.256.1' is no IP address: 256 is more than 255",
    "0.0.0.0|'0.0.0.0' is no address an interface can have; take one of a private network, such as 192.168.19.1",
    "127.0.0.1|'127.0.0.1' is no address an interface can have",
    "224.0.0.1|'224.0.0.1' is no address an interface can have",
    "255.255.255.255|'255.255.255.255' is no address an interface can have",
    "10.0.0.1/0|'10.0.0.1/0' has a prefix length of 0; 1 to 32 is possible",
    "10.0.0.1/33|'10.0.0.1/33' has a prefix length of 33",
    "bridge:|'' cannot be the name of a bridge: it takes 1 to 15 characters without blanks, slashes, colons and percent signs",
    "bridge:a b|'a b' cannot be the name of a bridge",
    "tap:..|'..' cannot be the name of a tap",
    "tap:tap%d|'tap%d' cannot be the name of a tap",
    "tap:sixteen-letters-|'sixteen-letters-' cannot be the name of a tap",
  })
  void refusesWithAClearLine(String argument, String message) {
    try (FakeContext guest = new FakeContext()) {
      String said = assertThrows(DeviceException.class, () -> new TunProvider().open(FakeContext.config(argument), guest)).getMessage();
      assertTrue(said.startsWith(message.split("\\|tap")[0]), said);
    }
  }

  @Test void refusesTheStateOfAnotherVersion() {
    try (FakeContext guest = new FakeContext()) {
      String said = assertThrows(DeviceException.class,
        () -> new TunProvider().open(new DeviceConfig("10.1.1.1", Optional.of(new DeviceState(7, Map.of()))), guest)).getMessage();
      assertEquals("this version of the tap network does not know what version 7 has left; install that one again", said);
    }
  }
}
