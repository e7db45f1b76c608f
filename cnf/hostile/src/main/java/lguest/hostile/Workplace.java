package lguest.hostile;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Arrays;
import java.util.Comparator;
import java.util.List;
import java.util.Random;
import java.util.Set;
import java.util.TreeSet;
import java.util.stream.Stream;

/** A folder in which guests' files lie, between others that no guest may touch. */
final class Workplace implements AutoCloseable {
  private static final int CANARY = 8192;
  private final Path folder;
  private final List<Path> canaries;

  /** A new folder in {@code parent}. */
  Workplace(Path parent) throws IOException {
    folder = Files.createTempDirectory(parent, "lguest-fuzz");
    canaries = List.of(folder.resolve("aaa-not-a-guests"), folder.resolve("zzz-not-a-guests"));
    for (Path canary : canaries) Files.write(canary, song(canary));
  }

  private static byte[] song(Path canary) {
    byte[] bytes = new byte[CANARY];
    new Random(canary.getFileName().hashCode()).nextBytes(bytes);
    return bytes;
  }

  Path file(String name) { return folder.resolve(name); }

  /** Whether the canaries live, and there is nothing in the folder but them and {@code expected}. */
  void check(String... expected) throws IOException {
    for (Path canary : canaries)
      if (!Files.exists(canary) || !Arrays.equals(song(canary), Files.readAllBytes(canary))) throw new Finding("a file that is no guest's has changed: " + canary.getFileName());
    Set<String> names = new TreeSet<>();
    try (Stream<Path> files = Files.list(folder)) {
      files.forEach(file -> names.add(file.getFileName().toString()));
    }
    for (Path canary : canaries) names.remove(canary.getFileName().toString());
    List.of(expected).forEach(names::remove);
    if (!names.isEmpty()) throw new Finding("files have appeared: " + names);
  }

  @Override public void close() throws IOException {
    try (Stream<Path> files = Files.walk(folder)) {
      for (Path file : files.sorted(Comparator.reverseOrder()).toList()) Files.delete(file);
    }
  }
}
