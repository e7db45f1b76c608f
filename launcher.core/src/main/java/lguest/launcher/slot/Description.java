package lguest.launcher.slot;

import lguest.device.DeviceException;

/** What {@link lguest.device.DeviceContext#describe} said: the part of a descriptor the Launcher writes (ABI §3.2), and the channels served. */
public record Description(int type, int features, int pages, int channels) {
  public static final int MAX_PAGES = 16, MAX_CHANNELS = 1024;

  public Description {
    check("type", type, 1, 0xFFFF);
    check("features", features, 0, 0xFFFF);
    check("pages", pages, 0, MAX_PAGES);
    check("channels", channels, 1, MAX_CHANNELS);
  }

  private static void check(String what, int value, int low, int high) {
    if (value < low || value > high)
      throw new IllegalArgumentException("a device described itself with %d as its %s; %d to %d is possible".formatted(value, what, low, high));
  }

  /** The first description of a slot stays, for the guest has read it. */
  public static Description settle(Description earlier, Description now) throws DeviceException {
    if (earlier != null && !earlier.equals(now))
      throw new DeviceException("this implementation describes its slot as %s, but the guest has already read %s; it can only serve guests started after it came".formatted(now, earlier));
    return now;
  }

  @Override public String toString() {
    return "type %d, features %#x, %d pages, %d channels".formatted(type, features, pages, channels);
  }
}
