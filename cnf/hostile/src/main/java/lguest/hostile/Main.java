package lguest.hostile;

import java.io.PrintWriter;
import java.io.StringWriter;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Optional;

/** {@code cnf/fuzz}. */
public final class Main {
  private static final int WRONG = 1, USAGE = 64;
  private long seed = System.nanoTime() & 0x7FFF_FFFF, cases = 10_000_000, life = -1;
  private Optional<Path> replay = Optional.empty();
  private Path work = Workplaces.quick();
  private final List<Targets> targets = new ArrayList<>();

  private Main() {}

  public static void main(String[] arguments) throws Exception {
    Main main = new Main();
    int status;
    try {
      main.read(arguments);
      status = main.run();
    } catch (IllegalArgumentException e) {
      System.err.println("cnf/fuzz: " + e.getMessage());
      status = USAGE;
    }
    System.out.flush();
    // Guests that went wrong may have left threads behind.
    Runtime.getRuntime().halt(status);
  }

  private void read(String[] arguments) {
    for (int i = 0; i < arguments.length; i++) {
      String option = arguments[i];
      if (++i == arguments.length) throw new IllegalArgumentException(option + " needs a value; cnf/fuzz --help explains");
      switch (option) {
        case "--seed" -> seed = number(option, arguments[i]);
        case "--cases" -> cases = number(option, arguments[i]);
        case "--life" -> life = number(option, arguments[i]);
        case "--target" -> targets.add(Targets.named(arguments[i]));
        case "--replay" -> replay = Optional.of(Path.of(arguments[i]));
        case "--work" -> work = Path.of(arguments[i]);
        default -> throw new IllegalArgumentException("there is no option " + option + "; cnf/fuzz --help explains those there are");
      }
    }
    if (targets.isEmpty()) targets.addAll(Arrays.asList(Targets.values()));
    if (life >= 0 && targets.size() != 1) throw new IllegalArgumentException("--life needs one --target");
    if (!Files.isDirectory(work)) throw new IllegalArgumentException("--work " + work + " is not a folder; name one");
  }

  private static long number(String option, String value) {
    try {
      long number = Long.decode(value);
      if (number >= 0) return number;
    } catch (NumberFormatException e) {
      // Said below.
    }
    throw new IllegalArgumentException(option + " " + value + " is not a number");
  }

  private int run() throws Exception {
    if (replay.isPresent()) return replay(replay.get());
    if (life >= 0) return show(targets.getFirst());
    int shares = targets.stream().mapToInt(Targets::share).sum(), status = 0;
    long done = 0;
    say("%,d cases, seed %d".formatted(cases, seed));
    for (Targets kind : targets) {
      Optional<String> obstacle = kind.obstacle();
      if (obstacle.isPresent()) {
        say("%s: SKIPPED, %s".formatted(kind.word(), obstacle.get()));
        continue;
      }
      long share = cases * kind.share() / shares;
      if (kind.isElsewhere()) {
        int there = Namespace.main(List.of("--seed", "" + seed, "--cases", "" + share, "--target", kind.word()), System.out::println);
        status = Math.max(status, there);
        done += there == 0 ? share : 0;
        continue;
      }
      Fuzzer fuzzer = new Fuzzer(kind, seed, work, Main::say);
      Fuzzer.Result result = fuzzer.run(share);
      done += result.cases();
      say(fuzzer.summary(result));
      if (result.failure().isEmpty()) continue;
      status = WRONG;
      tell(kind, result.failure().get());
    }
    say("%,d cases, seed %d: %s".formatted(done, seed, status == 0 ? "all is well" : "there are FAILURES, see above"));
    return status;
  }

  /** A failure as its finder wants it: what, how to have it again, and the least that makes it happen. */
  private void tell(Targets kind, Fuzzer.Failure failure) {
    StringWriter stack = new StringWriter();
    failure.finding().printStackTrace(new PrintWriter(stack));
    System.out.print(stack);
    say("again, whole: cnf/fuzz --seed %d --target %s --life %d".formatted(seed, kind.word(), failure.life()));
    if (failure.whole().isEmpty()) return;
    List<Step> steps = failure.least().orElse(failure.whole());
    say(failure.least().isPresent() ? "%d steps of %d are enough. To keep them as a test, save them in cnf/hostile/cases:".formatted(steps.size(), failure.whole().size())
      : "it did not happen a second time, so it is a matter of time, too. The whole life was:");
    System.out.println(kind.word());
    steps.forEach(System.out::println);
  }

  /** Lives one life, told step by step. */
  private int show(Targets kind) throws Exception {
    if (kind.isElsewhere()) return Namespace.main(List.of("--seed", "" + seed, "--target", kind.word(), "--life", "" + life), System.out::println);
    try (Keeper keeper = new Keeper(kind, work)) {
      List<Step> steps = new Fuzzer(kind, seed, work, Main::say).life(keeper.target(), life);
      System.out.println(kind.word());
      steps.forEach(System.out::println);
      return live(keeper, steps);
    }
  }

  private int replay(Path file) throws Exception {
    List<String> lines = Files.readAllLines(file);
    Targets kind = Cases.target(file, lines);
    if (kind.isElsewhere()) return Namespace.main(List.of("--replay", file.toString()), System.out::println);
    try (Keeper keeper = new Keeper(kind, work)) {
      return live(keeper, Cases.steps(lines));
    }
  }

  private static int live(Keeper keeper, List<Step> steps) throws Exception {
    try {
      Target.Life life = keeper.live(steps, 60_000);
      keeper.inspect(60_000);
      say("all is well: %d cases, ended by %s".formatted(life.cases(), life.end()));
      return 0;
    } catch (Finding finding) {
      finding.printStackTrace(System.out);
      return WRONG;
    }
  }

  private static void say(String line) {
    System.out.println("fuzz: " + line);
    System.out.flush();
  }

  /** Where guests' files are best. */
  private static final class Workplaces {
    /** In memory where there is such a file system: a disk that is synchronised after each life is a slow one. */
    static Path quick() {
      Path memory = Path.of("/dev/shm");
      return Files.isWritable(memory) ? memory : Path.of(System.getProperty("java.io.tmpdir"));
    }
  }
}
