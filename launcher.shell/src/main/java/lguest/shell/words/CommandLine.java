package lguest.shell.words;

import java.nio.file.InvalidPathException;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.TreeMap;
import lguest.launcher.GuestSpec;
import lguest.launcher.GuestSpec.DeviceSpec;

/**
 * Tour 1.3: The order of the words
 *
 * <p>The original's command line (L1 to L6): options, then memory, then image, and all that follows is the guest's. Devices get
 * their place on the bus in the order of their options, and the console, which nobody asks for because everybody needs it,
 * comes last. Which options there are is not written here: each device bundle announces its own.
 *
 * @param verbose whether details are wanted (L5)
 * @param stats whether figures are wanted at the end
 * @param name the guest's name, empty to have one made up
 * @param initrd an initial RAM disk, if any
 * @param host options for the Host, by name
 * @param devices in the order of their options, without the console
 * @param words what stands behind the options
 */
public record CommandLine(boolean verbose, boolean stats, String name, Optional<Path> initrd, Map<String, String> host, List<DeviceSpec> devices,
    List<String> words) {
  /** The one device every guest gets. A name known here only: to the Launcher it is a type like any other. */
  public static final String CONSOLE = "console";
  /** In place of memory and image. */
  public static final String DEMO = "demo";
  public static final long DEMO_MEMORY = 64L << 20;
  /** Options with a value, other than those of devices. */
  private static final String INITRD = "--initrd", NAME = "--name", CPU = "--cpu";

  /** Reads the options; they end at the first word that is not one, or at {@code --}. */
  public static CommandLine parse(List<String> arguments, List<DeviceOption> offered) throws UserError {
    boolean verbose = false;
    boolean stats = false;
    String name = "";
    Optional<Path> initrd = Optional.empty();
    Map<String, String> host = new TreeMap<>();
    List<DeviceSpec> devices = new ArrayList<>();
    List<String> words = new ArrayList<>();
    int next = 0;
    // Options may also stand between memory and image, as getopt allowed; behind the image never (L3).
    while (next < arguments.size() && words.size() < 2) {
      String argument = arguments.get(next++);
      if (argument.equals("--")) break;
      if (!argument.startsWith("-") || negative(argument)) {
        words.add(argument);
        if (words.size() == 1 && argument.equals(DEMO)) break;
        continue;
      }
      int equals = argument.indexOf('=');
      String option = equals < 0 ? argument : argument.substring(0, equals);
      Optional<DeviceOption> device = option.startsWith("--") ? DeviceOption.find(option.substring(2), offered) : Optional.empty();
      boolean bare = switch (option) {
        case "--verbose", "-v", "--stats" -> true;
        case INITRD, NAME, CPU -> false;
        default -> !device.orElseThrow(() -> UserError.withUsage("unknown option " + option
            + ": it is none of lguest's own, and no installed device bundle offers it")).takesValue();
      };
      if (bare && equals >= 0) throw UserError.withUsage("option " + option + " takes no value");
      String value = bare ? "" : equals >= 0 ? argument.substring(equals + 1) : next < arguments.size() ? arguments.get(next++) : "";
      if (!bare && value.isEmpty()) throw UserError.withUsage("option " + option + " needs a value");
      switch (option) {
        case "--verbose", "-v" -> verbose = true;
        case "--stats" -> stats = true;
        case INITRD -> initrd = Optional.of(path(value));
        case NAME -> name = name(value);
        case CPU -> host.put("cpu", value);
        default -> devices.add(device.get().spec(value));
      }
    }
    words.addAll(arguments.subList(next, arguments.size()));
    return new CommandLine(verbose, stats, name, initrd, Map.copyOf(host), List.copyOf(devices), List.copyOf(words));
  }

  /** The guest wanted: the words are memory, image and kernel arguments. */
  public GuestSpec guest() throws UserError {
    if (words.isEmpty()) throw UserError.withUsage("no memory size and no image given");
    long memory = MemorySize.parse(words.get(0));
    if (words.size() < 2) throw UserError.withUsage("no image given after the memory size");
    return guest(memory, path(words.get(1)), words.subList(2, words.size()));
  }

  private GuestSpec guest(long memory, Path image, List<String> kernelArguments) {
    List<DeviceSpec> bus = new ArrayList<>(devices);
    bus.add(new DeviceSpec(CONSOLE, ""));
    return new GuestSpec(name, memory, image, initrd, bus, String.join(" ", kernelArguments), host);
  }

  /** Whether our own guest is asked for. */
  public boolean isDemo() { return !words.isEmpty() && words.getFirst().equals(DEMO); }

  /** Our own guest, its image in this file. */
  public GuestSpec demo(Path image) { return guest(DEMO_MEMORY, image, words.subList(1, words.size())); }

  /** For who has typed nothing at all. */
  public static String shortUsage() {
    return """
        usage: lguest [options] <mem> <image> [kernel arguments]
               lguest [options] demo [kernel arguments]
               lguest shell | serve | version
        'lguest demo' boots our own small guest on this terminal; 'lguest help' tells the rest.
        """;
  }

  /** A usage error prints this (L1). */
  public static String usage(List<DeviceOption> offered) {
    StringBuilder options = new StringBuilder("[--verbose|-v] [--stats] [--cpu=<engine>] [");
    for (DeviceOption option : offered) options.append("--").append(option.form()).append('|');
    options.append("--").append(DeviceOption.ANY.form()).append('|').append(INITRD).append("=<filename>]...");
    return """
        usage: lguest %s <mem> <image> [kernel arguments]
               lguest [options] demo [kernel arguments]
               lguest shell [--conf=<directory>] [-c <commands>]
               lguest serve [--conf=<directory>]
               lguest dev | new-device <name> <package>
               lguest help [<command>] | version
        """.formatted(options);
  }

  /** {@code -1} is somebody's idea of a memory size rather than of an option. */
  private static boolean negative(String argument) { return argument.length() > 1 && Character.isDigit(argument.charAt(1)); }

  /** A guest's name: what can be typed without quoting, and told from a device ({@code guest/slot}). */
  public static String name(String text) throws UserError {
    if (!text.matches("[A-Za-z0-9_][A-Za-z0-9._-]*"))
      throw UserError.of("'" + printable(text) + "' cannot be a guest's name: letters, digits and . _ - only, and neither . nor - in front");
    return text;
  }

  public static Path path(String text) throws UserError {
    try {
      return Path.of(text);
    } catch (InvalidPathException e) {
      throw UserError.of("'" + printable(text) + "' cannot be a file name: " + e.getReason());
    }
  }

  private static String printable(String text) { return text.replaceAll("\\p{Cntrl}", "?"); }
}
