package lguest.hostile;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.fail;
import static org.junit.jupiter.api.Assumptions.assumeTrue;

import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Arrays;
import java.util.List;
import java.util.stream.Collectors;
import java.util.stream.Stream;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.EnumSource;
import org.junit.jupiter.params.provider.MethodSource;

/** A taste of what {@code cnf/fuzz} does for longer, and the cases it has found. {@code -Dlguest.fuzz=} cases, {@code -Dlguest.seed=} for others. */
class FuzzTest {
  private static final Path CASES = Path.of(System.getProperty("lguest.root"), "cnf/hostile/cases");
  @TempDir Path folder;

  @ParameterizedTest
  @EnumSource(Targets.class)
  void guestsHurtNobodyButThemselves(Targets kind) throws Exception {
    assumeTrue(kind.obstacle().isEmpty(), () -> kind.obstacle().get());
    long seed = Long.getLong("lguest.seed", 2623), cases = Long.getLong("lguest.fuzz", 300_000) * kind.share() / Arrays.stream(Targets.values()).mapToInt(Targets::share).sum();
    if (kind.isElsewhere()) {
      assertEquals(0, Namespace.main(List.of("--seed", "" + seed, "--cases", "" + cases, "--target", kind.word()), System.out::println), "it has told above what is wrong");
      return;
    }
    Fuzzer fuzzer = new Fuzzer(kind, seed, folder, System.out::println);
    Fuzzer.Result result = fuzzer.run(cases);
    System.out.println(fuzzer.summary(result));
    if (result.failure().isEmpty()) return;
    Fuzzer.Failure failure = result.failure().get();
    List<Step> steps = failure.least().orElse(failure.whole());
    fail(fuzzer.summary(result) + ", life " + failure.life() + "; the case, for a file in cnf/hostile/cases:\n" + kind.word() + "\n" + steps.stream().map(Step::toString).collect(Collectors.joining("\n")), failure.finding());
  }

  static Stream<Path> cases() throws Exception {
    try (Stream<Path> files = Files.list(CASES)) {
      return files.sorted().toList().stream();
    }
  }

  @ParameterizedTest
  @MethodSource("cases")
  void whatWasFoundOnceStaysMended(Path file) throws Exception {
    List<String> lines = Files.readAllLines(file);
    Targets kind = Cases.target(file, lines);
    assumeTrue(kind.obstacle().isEmpty(), () -> kind.obstacle().get());
    if (kind.isElsewhere()) {
      assertEquals(0, Namespace.main(List.of("--replay", file.toString()), System.out::println), "it has told above what is wrong");
      return;
    }
    try (Keeper keeper = new Keeper(kind, folder)) {
      for (int i = 0; i < 5; i++) keeper.live(Cases.steps(lines), 60_000);
      keeper.inspect(60_000);
    }
  }
}
