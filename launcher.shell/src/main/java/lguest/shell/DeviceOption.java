package lguest.shell;

/**
 * A command-line option that asks for a device, as a device bundle announced it ({@link lguest.device.DeviceType#option}).
 *
 * @param name without dashes, such as {@code block}
 * @param value what usage shows for the value, such as {@code <filename>}; empty when it takes none
 * @param type the device type it asks for
 */
record DeviceOption(String name, String value, String type) {
  static DeviceOption of(String announced, String type) {
    int equals = announced.indexOf('=');
    return equals < 0 ? new DeviceOption(announced, "", type)
        : new DeviceOption(announced.substring(0, equals), announced.substring(equals + 1), type);
  }

  boolean takesValue() { return !value.isEmpty(); }

  /** As usage shows it. */
  String form() { return "--" + name + (takesValue() ? "=" + value : ""); }
}
