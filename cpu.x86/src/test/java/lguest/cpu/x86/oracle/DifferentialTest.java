package lguest.cpu.x86.oracle;

import static org.junit.jupiter.api.Assertions.assertTrue;
import static org.junit.jupiter.api.Assertions.fail;

import java.lang.foreign.Arena;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.Random;
import java.util.TreeMap;
import lguest.cpu.x86.Engine;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.EnumSource;

/*
 * Tour 7.3: A test that does not trust us
 *
 * Whoever writes a processor and its tests from the same manual makes the same mistake in both. So here nothing is expected: random
 * programs are run by the real processor under our feet, in its 32-bit mode, and by ours, and whatever a program could notice must be the
 * same. Read Generator for how programs come about, processor.c for how a 64-bit process gets them run, Comparison for what the
 * architecture leaves open, and Reducer for what you will be shown when something differs.
 */

/** Random programs on the host's own processor and on ours: registers, flags, memory and faults must be the same. */
class DifferentialTest {
  private static final int CASES = Integer.getInteger("lguest.cpu.cases",
      Integer.parseInt(System.getenv().getOrDefault("LGUEST_CPU_CASES", "150000")));
  private static final int BATCH = 10_000;
  /** Of the programs that differ, so many are reduced, and so many kinds told in full. */
  private static final int REDUCED = Integer.getInteger("lguest.cpu.reduced", 40),
      REPORTED = Integer.getInteger("lguest.cpu.reported", 12);

  @TempDir
  Path directory;

  @ParameterizedTest
  @EnumSource(names = {"INTERPRET", "TRANSLATE"})
  void randomProgramsBehaveAsOnTheHost(Engine engine) throws Exception {
    String given = System.getProperty("lguest.cpu.seed", System.getenv("LGUEST_CPU_SEED"));
    long seed = given == null ? System.nanoTime() : Long.parseLong(given);
    System.out.println("instruction test, " + engine + ": " + CASES + " programs, seed " + seed + " (-Dlguest.cpu.seed, -Dlguest.cpu.cases)");
    HostProcessor host = HostProcessor.orSkip(directory);
    Random random = new Random(seed);
    Generator generator = new Generator(random);
    Map<String, Integer> failures = new TreeMap<>();
    List<String> reports = new ArrayList<>();
    Map<Integer, Integer> endings = new TreeMap<>();
    int different = 0, notComparable = 0, flickering = 0;
    for (int done = 0; done < CASES; done += BATCH) {
      byte[] image = Area.image(random);
      List<Program> programs = new ArrayList<>();
      for (int i = 0; i < BATCH; i++) programs.add(generator.next());
      List<Outcome> theirs = host.run(image, programs);
      try (Arena arena = Arena.ofConfined(); OurProcessor ours = new OurProcessor(arena, image, host.segments, engine)) {
        Comparison comparison = new Comparison(host, ours);
        Reducer reducer = new Reducer(host, ours, comparison, image);
        for (int i = 0; i < BATCH; i++) {
          Program p = programs.get(i);
          Outcome t = theirs.get(i), o = ours.run(p);
          endings.merge(t.vector, 1, Integer::sum);
          String difference = comparison.difference(p, t, o);
          if (difference == null && i % 4 == 0) {
            // Where a run is interrupted must not be noticed.
            Outcome pieces = ours.runInPieces(p, random);
            String unlike = comparison.unlike(p, o, pieces);
            if (unlike != null) fail(unlike + ", seed " + seed + "\n" + p + "whole: " + o + "in pieces: " + pieces);
          }
          if (difference == null) continue;
          if (difference.equals(Comparison.NOT_COMPARABLE)) {
            notComparable++;
            continue;
          }
          if (reducer.flickers(p)) {
            flickering++;
            continue;
          }
          if (different++ >= REDUCED) continue;
          Program least = reducer.reduce(p);
          String key = comparison.route(least).mnemonics() + ": " + reducer.difference(least);
          if (failures.merge(key, 1, Integer::sum) == 1 && failures.size() <= REPORTED) reports.add("--- " + key + "\n" + reducer.report(least));
        }
      }
    }
    long unused = generator.used.values().stream().filter(n -> n == 0).count();
    System.out.println("instruction test: ends by vector " + endings + ", not comparable " + notComparable + ", encodings unused " + unused);
    assertTrue(unused == 0 || CASES < 50_000, "encodings that no program used: "
        + generator.used.entrySet().stream().filter(e -> e.getValue() == 0).map(e -> e.getKey().toString()).toList());
    assertTrue(flickering <= 2 + CASES / 20_000, "programs that the host runs now so, now so: " + flickering);
    assertTrue(notComparable < CASES / 20, "too many programs that cannot be compared: " + notComparable);
    if (different > 0) {
      StringBuilder s = new StringBuilder(different + " of " + CASES + " programs differ, seed " + seed + "\n");
      failures.forEach((key, times) -> s.append(times).append(" x ").append(key).append('\n'));
      s.append(String.join("\n", reports));
      fail(s.toString());
    }
  }
}
