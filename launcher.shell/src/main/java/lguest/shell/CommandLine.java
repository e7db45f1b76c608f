package lguest.shell;

import java.nio.file.InvalidPathException;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
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
 * @param devices in the order of their options, without the console
 * @param words what stands behind the options
 */
record CommandLine(boolean verbose, boolean stats, String name, Optional<Path> initrd, List<DeviceSpec> devices, List<String> words) {
  /** The one device every guest gets. A name known here only: to the Launcher it is a type like any other. */
  static final String CONSOLE = "console";
  /** In place of memory and image. */
  static final String DEMO = "demo";
  private static final long DEMO_MEMORY = 64L << 20;
  private static final String INITRD = "initrd";
  private static final String NAME = "name";

  /** Reads the options; they end at the first word that is not one, or at {@code --}. */
  static CommandLine parse(List<String> arguments, List<DeviceOption> offered) throws UserError {
    boolean verbose = false;
    boolean stats = false;
    String name = "";
    Optional<Path> initrd = Optional.empty();
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
      if (option.equals("--verbose") || option.equals("-v")) {
        if (equals >= 0) throw UserError.withUsage("option " + option + " takes no value");
        verbose = true;
        continue;
      }
      if (option.equals("--stats")) {
        if (equals >= 0) throw UserError.withUsage("option " + option + " takes no value");
        stats = true;
        continue;
      }
      Optional<DeviceOption> device = offered.stream().filter(candidate -> ("--" + candidate.name()).equals(option)).findFirst();
      boolean known = device.isPresent() || option.equals("--" + INITRD) || option.equals("--" + NAME);
      if (!known)
        throw UserError.withUsage("unknown option " + option + ": it is none of lguest's own, and no installed device bundle offers it");
      if (device.isPresent() && !device.get().takesValue()) {
        if (equals >= 0) throw UserError.withUsage("option " + option + " takes no value");
        devices.add(new DeviceSpec(device.get().type(), ""));
        continue;
      }
      String value = equals >= 0 ? argument.substring(equals + 1) : next < arguments.size() ? arguments.get(next++) : "";
      if (value.isEmpty()) throw UserError.withUsage("option " + option + " needs a value");
      if (device.isPresent()) devices.add(new DeviceSpec(device.get().type(), value));
      else if (option.equals("--" + NAME)) name = value;
      else initrd = Optional.of(path(value));
    }
    words.addAll(arguments.subList(next, arguments.size()));
    return new CommandLine(verbose, stats, name, initrd, List.copyOf(devices), List.copyOf(words));
  }

  /** The guest wanted: the words are memory, image and kernel arguments. */
  GuestSpec guest() throws UserError {
    if (words.isEmpty()) throw UserError.withUsage("no memory size and no image given");
    long memory = MemorySize.parse(words.get(0));
    if (words.size() < 2) throw UserError.withUsage("no image given after the memory size");
    return guest(memory, path(words.get(1)), words.subList(2, words.size()));
  }

  private GuestSpec guest(long memory, Path image, List<String> kernelArguments) {
    List<DeviceSpec> bus = new ArrayList<>(devices);
    bus.add(new DeviceSpec(CONSOLE, ""));
    return new GuestSpec(name, memory, image, initrd, bus, String.join(" ", kernelArguments));
  }

  /** Whether our own guest is asked for. */
  boolean isDemo() { return !words.isEmpty() && words.getFirst().equals(DEMO); }

  /** Our own guest, its image in this file. */
  GuestSpec demo(Path image) { return guest(DEMO_MEMORY, image, words.subList(1, words.size())); }

  /** A usage error prints this (L1). */
  static String usage(List<DeviceOption> offered) {
    StringBuilder options = new StringBuilder("[--verbose|-v] [--stats] [");
    for (DeviceOption option : offered) options.append(option.form()).append('|');
    options.append("--").append(INITRD).append("=<filename>]...");
    return """
        usage: lguest %s <mem> <image> [kernel arguments]
               lguest [options] demo [kernel arguments]
               lguest shell
               lguest help | version
        """.formatted(options);
  }

  /** {@code -1} is somebody's idea of a memory size rather than of an option. */
  private static boolean negative(String argument) { return argument.length() > 1 && Character.isDigit(argument.charAt(1)); }

  private static Path path(String text) throws UserError {
    try {
      return Path.of(text);
    } catch (InvalidPathException e) {
      throw UserError.of("'" + text.replaceAll("\\p{Cntrl}", "?") + "' cannot be a file name: " + e.getReason());
    }
  }
}
