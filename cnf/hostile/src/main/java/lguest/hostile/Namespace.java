package lguest.hostile;

import java.io.BufferedReader;
import java.io.File;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import java.util.function.Consumer;

/** A network of its own for what makes interfaces: a process of ours inside a Linux network namespace. */
final class Namespace {
  private static final String INSIDE = "lguest.namespace";
  private static final List<List<String>> WAYS = List.of(List.of("unshare", "-n"), List.of("unshare", "-r", "-n"));

  private Namespace() {}

  /** Whether this process is in one. */
  static boolean isInside() { return System.getProperty(INSIDE) != null; }

  /** Why none can be made here. */
  static Optional<String> obstacle() {
    if (!Files.exists(Path.of("/dev/net/tun"))) return Optional.of("there is no /dev/net/tun here");
    try {
      return way().isPresent() ? Optional.empty() : Optional.of("network namespaces with taps are not permitted here");
    } catch (IOException e) {
      return Optional.of("they cannot be made here: " + e.getMessage());
    }
  }

  private static Optional<List<String>> way() throws IOException {
    for (List<String> way : WAYS) if (run(way, "ip link set lo up && ip tuntap add dev probe mode tap", List.of(), line -> {}) == 0) return Optional.of(way);
    return Optional.empty();
  }

  /** {@link Main} with these arguments, inside; its exit status. */
  static int main(List<String> arguments, Consumer<String> say) throws IOException {
    List<String> java = new ArrayList<>(List.of(ProcessHandle.current().info().command().orElseThrow(), "--enable-native-access=ALL-UNNAMED", "--sun-misc-unsafe-memory-access=allow",
      "-XX:+UseSerialGC", "-D" + INSIDE + "=own", "-cp", System.getProperty("java.class.path"), Main.class.getName()));
    java.addAll(arguments);
    List<String> way = way().orElseThrow(() -> new IOException("network namespaces with taps are not permitted here"));
    return run(way, "ip link set lo up; exec \"$@\"", java, say);
  }

  private static int run(List<String> way, String script, List<String> arguments, Consumer<String> say) throws IOException {
    List<String> command = new ArrayList<>(way);
    command.addAll(List.of("sh", "-c", script, "sh"));
    command.addAll(arguments);
    Process process = new ProcessBuilder(command).redirectInput(new File("/dev/null")).redirectErrorStream(true).start();
    try (BufferedReader said = process.inputReader()) {
      said.lines().forEach(say);
      return process.waitFor();
    } catch (InterruptedException e) {
      Thread.currentThread().interrupt();
      throw new IOException(e);
    }
  }
}
