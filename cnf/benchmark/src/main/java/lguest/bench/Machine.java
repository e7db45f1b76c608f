package lguest.bench;

import java.io.UncheckedIOException;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;

/** Something that runs the demo guest's programs, compiled from the same sources. */
sealed interface Machine permits Lguest, Machine.Qemu, Machine.Native {
  /** One word, for columns. */
  String name();

  /** Why it cannot be measured here, and what to do about it. */
  Optional<String> lacking();

  /** Does it all again if need be: nothing of it is to be measured. */
  void prepare(Commands commands);

  /** Does it run at all, once prepared? */
  default boolean works(Commands commands) { return true; }

  /** Starts the machine, runs one benchmark there, and ends it. */
  List<String> benchmark(String name, int scale);

  /** Builds one of the demo guest's other forms from its sources. */
  private static void build(Commands commands, Path root, String machine, Path image) {
    Commands.Run run = commands.run(List.of(root.resolve("guest.demo/build").toString(), machine, image.toString()));
    if (!run.out().isEmpty() || !image.toFile().exists()) throw new Failure("guest.demo/build " + machine + " failed:\n" + run.out());
  }

  private static Optional<String> lackingCompiler() {
    if (!Commands.has("gcc") || !Commands.has("ld")) return Optional.of("gcc and binutils are not installed (apt install gcc binutils)");
    return Optional.empty();
  }

  /** The peer: the demo kernel on a bare PC, emulated by translation (TCG). Without default devices, and with no clock that ticks by itself. */
  record Qemu(Path root, Path image) implements Machine {
    private static final String PROGRAM = "qemu-system-i386";

    @Override public String name() { return "qemu"; }

    @Override public Optional<String> lacking() {
      if (!Commands.has(PROGRAM)) return Optional.of(PROGRAM + " is not installed (apt install qemu-system-x86)");
      return lackingCompiler();
    }

    @Override public void prepare(Commands commands) { build(commands, root, "pc", image); }

    @Override public List<String> benchmark(String name, int scale) { return demo(List.of(), "bench " + name + " " + scale + ";poweroff"); }

    /** Boots the demo kernel and runs shell commands there. */
    List<String> demo(List<String> options, String commands) {
      List<String> words = new ArrayList<>(List.of(PROGRAM, "-accel", "tcg", "-machine", "pc,hpet=off", "-m", "64", "-nodefaults", "-no-user-config", "-display", "none",
          "-debugcon", "stdio", "-device", "isa-debug-exit,iobase=0xf4", "-kernel", image.toString(), "-append", "quiet run=" + commands));
      words.addAll(options);
      return words;
    }
  }

  /** The processor itself, under the host's own kernel. */
  record Native(Path root, Path image) implements Machine {
    @Override public String name() { return "native"; }

    @Override public Optional<String> lacking() {
      if (!List.of("amd64", "x86_64", "i386").contains(System.getProperty("os.arch"))) return Optional.of("this machine's processor is no x86");
      return lackingCompiler();
    }

    @Override public void prepare(Commands commands) { build(commands, root, "linux", image); }

    /** Not every 64-bit kernel runs 32-bit programs; asked after {@link #prepare}. */
    @Override public boolean works(Commands commands) {
      try {
        return commands.run(benchmark("empty", 1)).out().contains("checksum");
      } catch (UncheckedIOException e) {
        return false;
      }
    }

    @Override public List<String> benchmark(String name, int scale) { return List.of(image.toString(), "bench", name, "" + scale); }
  }
}
