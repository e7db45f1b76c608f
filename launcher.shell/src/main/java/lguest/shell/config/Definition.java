package lguest.shell.config;

import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.Collection;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.Optional;
import java.util.Set;
import java.util.TreeSet;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import lguest.launcher.GuestSpec;
import lguest.launcher.GuestSpec.DeviceSpec;
import lguest.shell.words.CommandLine;
import lguest.shell.words.DeviceOption;
import lguest.shell.words.MemorySize;
import lguest.shell.words.UserError;

/**
 * A guest as a configuration defines it.
 *
 * @param spec the guest
 * @param start whether it is started at once
 * @param restart what comes after its end
 */
record Definition(GuestSpec spec, boolean start, Restart restart) {
  /** Where the demo guest's image can be had. */
  interface Demo {
    Path image() throws UserError;
  }

  private static final String NAME = "name", MEMORY = "memory", IMAGE = "image", INITRD = "initrd", ARGUMENTS = "arguments", DEVICES = "devices",
      CPU = "cpu", START = "start", RESTART = "restart";
  static final List<String> KEYS = List.of(NAME, MEMORY, IMAGE, INITRD, ARGUMENTS, DEVICES, CPU, START, RESTART);
  /** A word, or several in quotes; quotes may begin within a word, as in {@code block="my disk.img"}. */
  private static final Pattern WORD = Pattern.compile("(?:[^\\s\"]|\"[^\"]*\")+");

  /**
   * Reads a configuration.
   *
   * @param name the guest's, where it says none
   * @param properties as Configuration Admin has them; what it and others add is passed over
   * @throws UserError the first thing wrong, beginning with its key
   */
  static Definition parse(String name, Map<String, ?> properties, List<DeviceOption> offered, Demo demo) throws UserError {
    for (String key : new TreeSet<>(properties.keySet()))
      if (!KEYS.contains(key) && !isTheirs(key)) throw UserError.of(key + ": there is no such key; there are: " + String.join(", ", KEYS));
    Values values = new Values(properties);
    String image = values.one(IMAGE).orElseThrow(() -> UserError.of(IMAGE + ": is missing; it names a vmlinux or bzImage, or is demo"));
    boolean isDemo = image.equals(CommandLine.DEMO);
    String memory = values.one(MEMORY).or(() -> Optional.of(MemorySize.format(CommandLine.DEMO_MEMORY)).filter(size -> isDemo))
        .orElseThrow(() -> UserError.of(MEMORY + ": is missing; it is megabytes such as 64, or 512K, 64M, 1G"));
    List<DeviceSpec> devices = new ArrayList<>();
    for (String word : values.several(DEVICES)) devices.add(at(DEVICES, () -> DeviceOption.parse(word, offered)));
    if (devices.stream().noneMatch(device -> device.type().equals(CommandLine.CONSOLE))) devices.add(new DeviceSpec(CommandLine.CONSOLE, ""));
    Optional<String> initrd = values.one(INITRD);
    GuestSpec spec = new GuestSpec(
        at(NAME, () -> CommandLine.name(values.one(NAME).orElse(name))),
        at(MEMORY, () -> MemorySize.parse(memory)),
        at(IMAGE, () -> isDemo ? demo.image() : file(image)),
        initrd.isEmpty() ? Optional.empty() : Optional.of(at(INITRD, () -> file(initrd.get()))),
        devices,
        values.one(ARGUMENTS).orElse(""),
        values.one(CPU).map(cpu -> Map.of("cpu", cpu)).orElse(Map.of()));
    return new Definition(spec, values.choice(START, "true", "true", "false").equals("true"),
        Restart.valueOf(values.choice(RESTART, Restart.NO.word(), Arrays.stream(Restart.values()).map(Restart::word).toArray(String[]::new))
            .toUpperCase().replace('-', '_')));
  }

  /** What the framework, Configuration Admin and File Install put beside the user's keys. */
  private static boolean isTheirs(String key) {
    return key.startsWith(".") || Set.of("service.", "felix.", "component.", "osgi.", "org.").stream().anyMatch(key::startsWith);
  }

  private interface Read<T> {
    T get() throws UserError;
  }

  /** What is wrong is wrong with this key. */
  private static <T> T at(String key, Read<T> read) throws UserError {
    try {
      return read.get();
    } catch (UserError e) {
      throw UserError.of(key + ": " + e.getMessage());
    }
  }

  private static Path file(String name) throws UserError {
    Path file = CommandLine.path(name);
    if (!Files.exists(file)) throw UserError.of("there is no file " + file.toAbsolutePath());
    if (!Files.isReadable(file)) throw UserError.of("the file " + file.toAbsolutePath() + " may not be read");
    return file.toAbsolutePath();
  }

  /** The values, which may be of any type Configuration Admin knows. */
  private record Values(Map<String, ?> properties) {
    Optional<String> one(String key) throws UserError {
      Object value = properties.get(key);
      if (value instanceof Collection<?> || value != null && value.getClass().isArray()) throw UserError.of(key + ": takes one value, not a list");
      return Optional.ofNullable(value).map(Object::toString).map(String::strip).filter(text -> !text.isEmpty());
    }

    /** A list as it is, a text by its words. */
    List<String> several(String key) throws UserError {
      Object value = properties.get(key);
      if (value instanceof Object[] list) return Arrays.stream(list).map(Object::toString).toList();
      if (value instanceof Collection<?> list) return list.stream().map(Object::toString).toList();
      List<String> words = new ArrayList<>();
      String text = one(key).orElse("");
      if (text.chars().filter(c -> c == '"').count() % 2 != 0) throw UserError.of(key + ": a quotation mark is missing");
      for (Matcher word = WORD.matcher(text); word.find(); ) words.add(word.group().replace("\"", ""));
      return words;
    }

    String choice(String key, String otherwise, String... choices) throws UserError {
      String word = one(key).orElse(otherwise);
      if (!List.of(choices).contains(word)) throw UserError.of(key + ": '" + word + "' is none of " + String.join(", ", choices));
      return word;
    }
  }

  /** The keys in which two differ that matter to a guest that runs. */
  List<String> differences(Definition other) {
    List<String> keys = new ArrayList<>();
    GuestSpec a = spec, b = other.spec;
    if (!a.name().equals(b.name())) keys.add(NAME);
    if (a.memory() != b.memory()) keys.add(MEMORY);
    if (!a.image().equals(b.image())) keys.add(IMAGE);
    if (!a.initrd().equals(b.initrd())) keys.add(INITRD);
    if (!a.arguments().equals(b.arguments())) keys.add(ARGUMENTS);
    if (!asked(a).equals(asked(b))) keys.add(DEVICES);
    if (!Objects.equals(a.host(), b.host())) keys.add(CPU);
    return keys;
  }

  /** The devices that {@code later} has behind ours, where that is all that differs; else empty. */
  List<DeviceSpec> added(Definition later) {
    List<DeviceSpec> before = asked(spec), after = asked(later.spec);
    boolean more = differences(later).equals(List.of(DEVICES)) && after.size() > before.size() && after.subList(0, before.size()).equals(before);
    return more ? after.subList(before.size(), after.size()) : List.of();
  }

  /** Without the console, which everybody has. */
  private static List<DeviceSpec> asked(GuestSpec spec) {
    return spec.devices().stream().filter(device -> !device.equals(new DeviceSpec(CommandLine.CONSOLE, ""))).toList();
  }
}
