package lguest.device.tun;

import java.util.OptionalInt;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import lguest.device.DeviceException;

/** What the user wrote after {@code tunnet=}. */
sealed interface TunOptions {
  String USAGE = "tunnet=<ipaddr>|bridge:<name>|tap:<name>";

  /** A new tap, and the host's address on it. Without a prefix length the kernel takes the address's class, as ever. */
  record Address(byte[] address, OptionalInt prefix) implements TunOptions {
    @Override public String toString() {
      return "%d.%d.%d.%d".formatted(address[0] & 0xFF, address[1] & 0xFF, address[2] & 0xFF, address[3] & 0xFF)
        + (prefix.isPresent() ? "/" + prefix.getAsInt() : "");
    }
  }

  /** A new tap, made a port of that bridge. */
  record Bridge(String name) implements TunOptions {}

  /** A tap that is there already. */
  record Existing(String name) implements TunOptions {}

  Pattern ADDRESS = Pattern.compile("(\\d{1,3})\\.(\\d{1,3})\\.(\\d{1,3})\\.(\\d{1,3})(?:/(\\d{1,2}))?");

  static TunOptions parse(String argument) throws DeviceException {
    if (argument.startsWith("bridge:")) return new Bridge(name("bridge", argument.substring("bridge:".length())));
    if (argument.startsWith("tap:")) return new Existing(name("tap", argument.substring("tap:".length())));
    Matcher matcher = ADDRESS.matcher(argument);
    if (!matcher.matches()) throw new DeviceException("'" + argument + "' is no IP address and neither bridge:<name> nor tap:<name>: " + USAGE);
    byte[] address = new byte[4];
    for (int i = 0; i < 4; i++) {
      int part = Integer.parseInt(matcher.group(i + 1));
      if (part > 255) throw new DeviceException("'" + argument + "' is no IP address: " + part + " is more than 255");
      address[i] = (byte) part;
    }
    int first = address[0] & 0xFF;
    if (first == 0 || first == 127 || first >= 224) throw new DeviceException("'" + argument + "' is no address an interface can have; take one of a private network, such as 192.168.19.1");
    if (matcher.group(5) == null) return new Address(address, OptionalInt.empty());
    int prefix = Integer.parseInt(matcher.group(5));
    if (prefix < 1 || prefix > 32) throw new DeviceException("'" + argument + "' has a prefix length of " + prefix + "; 1 to 32 is possible");
    return new Address(address, OptionalInt.of(prefix));
  }

  private static String name(String what, String name) throws DeviceException {
    if (!name.matches("[!-~&&[^/:%]]{1,15}") || name.equals(".") || name.equals(".."))
      throw new DeviceException("'" + name + "' cannot be the name of a " + what + ": it takes 1 to 15 characters without blanks, slashes, colons and percent signs");
    return name;
  }
}
