package lguest.launcher;

import java.util.List;

/**
 * A provider of devices that is there.
 *
 * @param type the type of its devices
 * @param options the command-line options that ask for one, as {@link lguest.device.DeviceType#option} has them
 * @param about one line about it, or empty
 * @param bundle its bundle's symbolic name
 * @param version its bundle's version
 * @param ranking its service ranking: the highest serves, of equals the one that came first
 * @param best whether it is the one that serves new slots of the type
 */
public record ProviderInfo(String type, List<String> options, String about, String bundle, String version, int ranking, boolean best) {
  public ProviderInfo { options = List.copyOf(options); }

  /** Symbolic name and version: the name {@link DeviceSlot#provider} has for it. */
  public String label() { return bundle + " " + version; }
}
