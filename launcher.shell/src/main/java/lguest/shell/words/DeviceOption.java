package lguest.shell.words;

import java.util.List;
import java.util.Optional;
import lguest.launcher.GuestSpec.DeviceSpec;

/**
 * A command-line option that asks for a device, as a device bundle announced it ({@link lguest.device.DeviceType#option}).
 *
 * @param name without dashes, such as {@code block}
 * @param value what usage shows for the value, such as {@code <filename>}; empty when it takes none
 * @param type the device type it asks for
 */
public record DeviceOption(String name, String value, String type) {
  /** Asks for a device of any type, also of one that nobody provides yet. */
  public static final DeviceOption ANY = new DeviceOption("device", "<type>[:<options>]", "");

  public static DeviceOption of(String announced, String type) {
    int equals = announced.indexOf('=');
    return equals < 0 ? new DeviceOption(announced, "", type)
        : new DeviceOption(announced.substring(0, equals), announced.substring(equals + 1), type);
  }

  /** The option of this name, without dashes. */
  static Optional<DeviceOption> find(String name, List<DeviceOption> offered) {
    return offered.stream().filter(option -> option.name().equals(name)).findFirst().or(() -> Optional.of(ANY).filter(any -> any.name().equals(name)));
  }

  /** The device that an option asks for, written as on the command line but without dashes, such as {@code block=disk.img}. */
  public static DeviceSpec parse(String word, List<DeviceOption> offered) throws UserError {
    int equals = word.indexOf('=');
    String name = equals < 0 ? word : word.substring(0, equals);
    DeviceOption option = find(name, offered).orElseThrow(() -> UserError.of("'" + name + "' asks for no device; there are: "
        + String.join(", ", offered.stream().map(DeviceOption::name).toList()) + ", and " + ANY.name() + "=" + ANY.value()));
    if (option.takesValue() != equals >= 0 || word.endsWith("=") && option.takesValue())
      throw UserError.of("'" + name + (option.takesValue() ? "' needs a value: " + name + "=" + option.value() : "' takes no value"));
    return option.spec(equals < 0 ? "" : word.substring(equals + 1));
  }

  public boolean takesValue() { return !value.isEmpty(); }

  /** The device asked for with this value. */
  DeviceSpec spec(String value) throws UserError {
    if (this != ANY) return new DeviceSpec(type, value);
    int colon = value.indexOf(':');
    String type = colon < 0 ? value : value.substring(0, colon);
    if (!type.matches("[a-z0-9._-]+"))
      throw UserError.of("'" + type + "' is no device type: --" + form() + ", and types are in lower case; 'lguest shell -c types' lists those there are");
    return new DeviceSpec(type, colon < 0 ? "" : value.substring(colon + 1));
  }

  /** As usage shows it. */
  public String form() { return name + (takesValue() ? "=" + value : ""); }
}
