package lguest.hostile;

import java.nio.file.Path;
import java.util.List;

/** Lives kept in files: the target's name in the first line, then a step a line; {@code #} begins a comment. */
final class Cases {
  private Cases() {}

  private static List<String> meant(List<String> lines) { return lines.stream().map(line -> line.replaceFirst("#.*", "").strip()).filter(line -> !line.isEmpty()).toList(); }

  static Targets target(Path file, List<String> lines) {
    List<String> meant = meant(lines);
    if (meant.isEmpty()) throw new IllegalArgumentException(file + " is empty; its first line is to be a target, then a step a line");
    return Targets.named(meant.getFirst());
  }

  static List<Step> steps(List<String> lines) { return meant(lines).stream().skip(1).map(Step::parse).toList(); }
}
