package lguest.bench;

import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;

/** {@code ./lguest} of this repository. */
record Lguest(Path root) implements Machine {
  private String script() { return root.resolve("lguest").toString(); }

  @Override public String name() { return "lguest"; }

  @Override public Optional<String> lacking() { return Optional.empty(); }

  @Override public void prepare(Commands commands) {
    String said = commands.run(List.of(script(), "version")).out();
    if (!said.contains("lguest ")) throw new Failure(said);
  }

  @Override public List<String> benchmark(String name, int scale) { return demo(List.of(), "bench " + name + " " + scale + ";poweroff"); }

  /** Boots the demo guest, runs shell commands there and tells the statistics. */
  List<String> demo(List<String> options, String commands) {
    List<String> words = new ArrayList<>(List.of(script(), "--stats"));
    words.addAll(options);
    words.addAll(List.of("demo", "quiet run=" + commands));
    return words;
  }

  /** The prompt, for several guests in one process. */
  List<String> shell() { return List.of(script(), "shell"); }
}
