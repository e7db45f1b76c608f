package lguest.hostile;

import java.lang.management.ManagementFactory;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Random;
import java.util.SortedMap;
import java.util.TreeMap;
import java.util.concurrent.TimeUnit;
import java.util.function.Consumer;
import java.util.function.Predicate;
import java.util.stream.Stream;

/**
 * Tour 7.5: A guest that means no good
 *
 * <p>A guest may do whatever it likes, and only it may suffer. To see whether that is so, guests are made up that do their worst, one life after the other: nearly right, for what is plainly
 * wrong ends a guest before it has come anywhere. When something happens that must not, what led to it is lived again with ever more left out, until only what matters is left; that is
 * kept, and lived in each build from then on.
 *
 * <p>A life follows from the seed, the target and its number alone; a case is one step of a life that was taken.
 *
 * @param work where the guests' files are made
 * @param say takes lines for people
 */
record Fuzzer(Targets kind, long seed, Path work, Consumer<String> say) {
  /** A life may take so long, on a machine that is busy; one that is lived again to be made smaller, so long. */
  private static final long LIFE_MILLIS = 60_000, AGAIN_MILLIS = 10_000;
  private static final long REDUCTION_NANOS = TimeUnit.MINUTES.toNanos(2), NEWS_NANOS = TimeUnit.SECONDS.toNanos(15);
  private static final int REDUCTION_TRIES = 3000, INSPECTED = 64, WARM_UP = 3 * INSPECTED;
  /** What there may be more of than at the beginning: threads and descriptors that are just being given back, and the heap, which grows as it likes to. */
  private static final int SPARE_THREADS = 24, SPARE_DESCRIPTORS = 48, SPARE_KILOBYTES = 1536 << 10;

  /** A life that went wrong. {@code least} is empty when it did not go wrong again. */
  record Failure(Finding finding, long life, List<Step> whole, Optional<List<Step>> least) {}

  /** What came of it. {@code ends}: how lives ended, numbers left out. */
  record Result(long cases, long lives, long nanos, SortedMap<String, Long> ends, Optional<Failure> failure) {}

  List<Step> life(Target target, long number) { return target.invent(random(number)); }

  private Random random(long number) {
    long mixed = (seed * 31 + kind.word().hashCode()) * 0x9E3779B97F4A7C15L + number * 0xD1342543DE82EF95L;
    return new Random(mixed ^ mixed >>> 29);
  }

  /** Until so many cases, or the first that went wrong. */
  Result run(long cases) throws Exception {
    SortedMap<String, Long> ends = new TreeMap<>();
    long done = 0, life = 0, begun = System.nanoTime(), news = begun + NEWS_NANOS;
    Footprint footprint = null;
    List<Step> steps = List.of();
    try (Keeper keeper = new Keeper(kind, work)) {
      try {
        for (; done < cases; life++) {
          steps = life(keeper.target(), life);
          Target.Life lived = keeper.live(steps, LIFE_MILLIS);
          done += lived.cases();
          ends.merge(withoutNumbers(lived.end()), 1L, Long::sum);
          if (life % INSPECTED == INSPECTED - 1) {
            steps = List.of();
            keeper.inspect(LIFE_MILLIS);
            if (life >= WARM_UP) {
              if (footprint == null) footprint = Footprint.now();
              footprint.check();
            }
          }
          if (System.nanoTime() > news) {
            say.accept("%s: %,d of %,d cases in %,d lives".formatted(kind.word(), done, cases, life + 1));
            news = System.nanoTime() + NEWS_NANOS;
          }
        }
        steps = List.of();
        keeper.inspect(LIFE_MILLIS);
      } catch (Finding finding) {
        Failure failure = new Failure(finding, life, steps, least(keeper, steps, finding));
        return new Result(done, life, System.nanoTime() - begun, ends, Optional.of(failure));
      }
    }
    return new Result(done, life, System.nanoTime() - begun, ends, Optional.empty());
  }

  private Optional<List<Step>> least(Keeper keeper, List<Step> whole, Finding finding) {
    Predicate<List<Step>> wrong = steps -> {
      try {
        keeper.live(steps, AGAIN_MILLIS);
        return false;
      } catch (Finding again) {
        return withoutNumbers(again.getMessage()).equals(withoutNumbers(finding.getMessage().replace(LIFE_MILLIS + " ms", AGAIN_MILLIS + " ms")));
      } catch (Exception e) {
        throw new IllegalStateException(e);
      }
    };
    if (whole.isEmpty() || !wrong.test(whole)) return Optional.empty();
    return Optional.of(new Reducer(wrong, REDUCTION_TRIES, REDUCTION_NANOS).reduce(whole));
  }

  static String withoutNumbers(String text) { return text.strip().replaceAll("0x[0-9a-f]+|-?\\d+", "#"); }

  /** Threads, open descriptors and resident memory of this process: lives come and go, but these stay. */
  private record Footprint(int threads, int descriptors, long kilobytes) {
    static Footprint now() throws java.io.IOException {
      try (Stream<Path> open = Files.list(Path.of("/proc/self/fd")); Stream<String> status = Files.lines(Path.of("/proc/self/status"))) {
        long resident = status.filter(line -> line.startsWith("VmRSS:")).mapToLong(line -> Long.parseLong(line.replaceAll("\\D", ""))).findFirst().orElseThrow();
        return new Footprint(ManagementFactory.getThreadMXBean().getThreadCount(), (int) open.count(), resident);
      }
    }

    void check() throws java.io.IOException, InterruptedException {
      Footprint now = now();
      for (int tries = 0; tries < 500 && !isWithin(now); tries++) {
        Thread.sleep(10);
        now = now();
      }
      Finding.unless(isWithin(now), "%d threads, %d open files and %d kB have become %d, %d and %d kB", threads, descriptors, kilobytes, now.threads, now.descriptors, now.kilobytes);
    }

    private boolean isWithin(Footprint now) {
      return now.threads <= threads + SPARE_THREADS && now.descriptors <= descriptors + SPARE_DESCRIPTORS && now.kilobytes <= kilobytes + SPARE_KILOBYTES;
    }
  }

  /** A line for people. */
  String summary(Result result) {
    StringBuilder line = new StringBuilder("%s: %,d cases in %,d lives, %d s, seed %d".formatted(kind.word(), result.cases, result.lives, result.nanos / 1_000_000_000, seed));
    if (result.failure.isPresent()) return line.append("; then: ").append(result.failure.get().finding.getMessage()).toString();
    line.append("; ended by");
    result.ends.entrySet().stream().sorted(Map.Entry.<String, Long>comparingByValue().reversed()).limit(6)
      .forEach(end -> line.append(' ').append(end.getKey()).append(" (").append(end.getValue()).append("),"));
    return line.deleteCharAt(line.length() - 1).append(result.ends.size() > 6 ? " and " + (result.ends.size() - 6) + " other ways" : "").toString();
  }
}
