package lguest.bench;

import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;

/** {@code ./lguest} of this repository. */
record Lguest(Path root) {
  private String script() { return root.resolve("lguest").toString(); }

  /** Boots the demo guest, runs shell commands there and tells the statistics. */
  List<String> demo(List<String> options, String commands) {
    List<String> words = new ArrayList<>(List.of(script(), "--stats"));
    words.addAll(options);
    words.addAll(List.of("demo", "quiet run=" + commands));
    return words;
  }

  /** The prompt, for several guests in one process. */
  List<String> shell() { return List.of(script(), "shell"); }

  /** Builds, if need be, so that it is not measured. */
  void prepare(Commands commands) {
    String said = commands.run(List.of(script(), "version")).out();
    if (!said.contains("lguest ")) throw new Failure(said);
  }
}
