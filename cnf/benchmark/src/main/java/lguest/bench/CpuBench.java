package lguest.bench;

import java.util.ArrayList;
import java.util.HashMap;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.TreeMap;
import java.util.function.Predicate;

/**
 * The processor against its peers: the same programs, from the same sources, on lguest, on a PC emulated by QEMU, and on the
 * processor itself, in turns. Every program's checksum must be the same everywhere.
 *
 * <p>What starting costs is measured by a program that does nothing, and taken off: net figures are of the work alone. For
 * lguest there are two: the guest's thread, which is the emulated processor, and the whole process with compiling and collecting
 * garbage. A peer's figure is always that of its whole process.
 */
class CpuBench {
  static final List<String> OPTIONS = List.of("json", "rounds", "interpret", "translate");

  enum Kind { EMPTY, INTEGER, X87, SSE2, COLD, SYSTEM }

  /** A program and how much of it. */
  record Program(String name, int scale, Kind kind) {
    String title() { return kind == Kind.COLD ? name + " x" + scale : name; }

    static Program parse(String words) {
      String[] parts = words.split(":", 2);
      Program known = ALL.stream().filter(p -> p.name().equals(parts[0])).findFirst()
          .orElseThrow(() -> new Failure("no benchmark " + parts[0] + "; there are " + String.join(", ", ALL.stream().map(Program::name).distinct().toList())));
      try {
        int scale = parts.length == 2 ? Integer.parseInt(parts[1]) : known.scale();
        if (scale > 0) return new Program(known.name(), scale, known.kind());
      } catch (NumberFormatException e) {
        // said below
      }
      throw new Failure("what stands behind " + parts[0] + ": is a number from 1 on");
    }
  }

  private static final Program EMPTY = new Program("empty", 1, Kind.EMPTY);

  /** As much of each as takes QEMU about a second (on a processor of 2024); of cold code as often as it says. */
  private static final List<Program> ALL = List.of(new Program("sieve", 192, Kind.INTEGER), new Program("sha256", 160, Kind.INTEGER), new Program("qsort", 20, Kind.INTEGER),
      new Program("crc32", 224, Kind.INTEGER), new Program("vm", 192, Kind.INTEGER), new Program("memcpy", 768, Kind.INTEGER), new Program("apart", 320, Kind.INTEGER),
      new Program("chase", 128, Kind.INTEGER), new Program("mandel-x87", 64, Kind.X87), new Program("mandel-sse2", 256, Kind.SSE2), new Program("cold", 1, Kind.COLD),
      new Program("cold", 10, Kind.COLD), new Program("cold", 100, Kind.COLD), new Program("cold", 1000, Kind.COLD), new Program("syscall", 24, Kind.SYSTEM),
      new Program("fault", 600, Kind.SYSTEM), new Program("switch", 10, Kind.SYSTEM), new Program("fork", 80, Kind.SYSTEM), new Program("exec", 160, Kind.SYSTEM));

  /** A bar is a geometric mean over some of the programs. */
  private record Bar(String name, String key, double least, Predicate<Kind> of) {}

  private static final List<Bar> BARS = List.of(new Bar("all programs", "all", 2, kind -> true), new Bar("integer", "integer", 2, kind -> kind == Kind.INTEGER),
      new Bar("x87", "x87", 8, kind -> kind == Kind.X87), new Bar("SSE2", "sse2", 3, kind -> kind == Kind.SSE2));
  private static final double LEAST_SINGLE = 0.9;

  /** Less than this is noise, seconds. */
  private static final double MEASURABLE = 0.002;

  private final List<Machine> machines;
  private final Commands commands;
  private final int rounds;
  private final List<Program> programs;
  private final Report report = new Report();

  /** All that was measured of one program, by what it is: "qemu.cpu", "lguest.thread". */
  private final Map<Program, Map<String, List<Double>>> measured = new LinkedHashMap<>();
  private final Map<Program, String> checksums = new HashMap<>();
  private final Map<Program, Long> instructions = new HashMap<>();
  private final Map<String, String> disagreements = new TreeMap<>();

  /** Machines that lack something are left out, and it is said. */
  CpuBench(List<Machine> machines, Commands commands, Options options) {
    this.machines = new ArrayList<>(machines);
    this.commands = commands;
    rounds = options.number("rounds", 5);
    programs = new ArrayList<>(List.of(EMPTY));
    programs.addAll(options.words().isEmpty() ? ALL : options.words().stream().map(Program::parse).toList());
    this.machines.removeIf(machine -> {
      machine.lacking().ifPresent(why -> report.remark(machine.name() + ": skipped, " + why));
      return machine.lacking().isPresent();
    });
  }

  Report run() {
    for (Machine machine : machines) machine.prepare(commands);
    machines.removeIf(machine -> {
      boolean works = machine.works(commands);
      if (!works) report.remark(machine.name() + ": skipped, this machine's kernel does not run its programs");
      return !works;
    });
    for (int round = 0; round < rounds; round++)
      for (Program program : programs) {
        System.err.printf("round %d of %d: %s%n", round + 1, rounds, program.title());
        for (Machine machine : machines) measure(program, machine);
      }
    for (Program program : programs) row(program);
    means();
    disagreements.forEach((where, what) -> report.remark(where + ": " + what));
    report.summary("checksumsAgree", disagreements.isEmpty());
    return report;
  }

  boolean checksumsAgree() { return disagreements.isEmpty(); }

  private void measure(Program program, Machine machine) {
    Commands.Run run = commands.run(machine.benchmark(program.name(), program.scale()));
    if (run.out().contains("bench " + program.name() + " skipped")) {
      String why = run.find("skipped: ", "\n");
      if (!report.remarks().contains(why)) report.remark(program.name() + " on " + machine.name() + ": skipped, " + why);
      return;
    }
    String checksum = checksum(run);
    String expected = checksums.putIfAbsent(program, checksum);
    if (expected != null && !expected.equals(checksum))
      disagreements.put(program.title() + " on " + machine.name(), "CHECKSUM " + checksum + " and not " + expected);
    add(program, machine.name() + ".cpu", run.cpu());
    add(program, machine.name() + ".wall", run.wall());
    if (machine instanceof Lguest) {
      GuestStatistics guest = GuestStatistics.of(run.out());
      add(program, "lguest.thread", guest.thread());
      instructions.put(program, guest.instructions());
    }
  }

  /** As the program printed it, and how much it did. */
  String checksum(Commands.Run run) { return run.find("checksum ", "time"); }

  private void add(Program program, String what, double value) {
    measured.computeIfAbsent(program, key -> new TreeMap<>()).computeIfAbsent(what, key -> new ArrayList<>()).add(value);
  }

  private Sample sample(Program program, String what) {
    return new Sample(measured.getOrDefault(program, Map.of()).getOrDefault(what, List.of()).stream().mapToDouble(Double::doubleValue).toArray());
  }

  /** Of the work alone; NaN when it is not more than noise. */
  private double net(Program program, String what) {
    double net = sample(program, what).median() - sample(EMPTY, what).median();
    return net >= MEASURABLE ? net : Double.NaN;
  }

  private void row(Program program) {
    Map<String, Object> row = report.row(program.title());
    row.put("scale", program.scale());
    row.put("kind", program.kind().name().toLowerCase(Locale.ROOT));
    row.put("checksum", checksums.getOrDefault(program, "-"));
    row.put("instructions", instructions.get(program));
    for (String what : List.of("lguest.thread", "lguest.cpu", "lguest.wall", "qemu.cpu", "qemu.wall", "native.cpu", "native.wall")) {
      Sample whole = sample(program, what);
      row.put(what + ".whole", whole);
      row.put(what + ".net", program == EMPTY ? whole : whole.minus(sample(EMPTY, what).median()));
    }
    if (program == EMPTY) return;
    row.put("millionPerSecond", instructions.containsKey(program)
        ? (instructions.get(program) - instructions.getOrDefault(EMPTY, 0L)) / 1e6 / net(program, "lguest.thread") : null);
    row.put("timesFaster", net(program, "qemu.cpu") / net(program, "lguest.thread"));
    row.put("timesFasterProcess", net(program, "qemu.cpu") / net(program, "lguest.cpu"));
    row.put("timesNative", net(program, "lguest.thread") / net(program, "native.cpu"));
  }

  private void means() {
    for (String ratio : List.of("timesFaster", "timesFasterProcess")) {
      String whose = ratio.equals("timesFaster") ? "guest's thread" : "whole process";
      for (Bar bar : BARS) {
        double[] ratios = report.rows().stream().filter(row -> !row.get("kind").equals("empty") && bar.of().test(Kind.valueOf(row.get("kind").toString().toUpperCase(Locale.ROOT))))
            .map(row -> row.get(ratio)).filter(r -> r instanceof Double d && !d.isNaN()).mapToDouble(r -> (Double) r).toArray();
        if (ratios.length == 0) continue;
        double mean = Sample.geometricMean(ratios);
        report.summary(ratio + "." + bar.key(), mean);
        report.remark(String.format(Locale.ROOT, "%s, %s: %.2f times faster than QEMU in the geometric mean of %d (bar %.1f: %s)", whose, bar.name(), mean, ratios.length,
            bar.least(), mean >= bar.least() ? "pass" : "FAIL"));
      }
      List<String> slow = report.rows().stream().filter(row -> row.get(ratio) instanceof Double d && d < LEAST_SINGLE).map(row -> row.get("name").toString()).toList();
      report.remark(whose + ", slower than " + LEAST_SINGLE + " of QEMU: " + (slow.isEmpty() ? "none" : String.join(", ", slow)));
    }
  }

  static List<Report.Column> columns() {
    List<Report.Column> columns = new ArrayList<>(List.of(Report.Column.text("program", "name"), Report.Column.text("checksum, count", "checksum")));
    columns.add(Report.Column.spread("lguest thread", "lguest.thread.net", "%.3f"));
    columns.add(Report.Column.spread("lguest process", "lguest.cpu.net", "%.3f"));
    columns.add(Report.Column.spread("qemu", "qemu.cpu.net", "%.3f"));
    columns.add(Report.Column.spread("native", "native.cpu.net", "%.3f"));
    columns.add(Report.Column.spread("wall: lguest", "lguest.wall.net", "%.2f"));
    columns.add(Report.Column.spread("qemu", "qemu.wall.net", "%.2f"));
    columns.add(Report.Column.number("M/s", "millionPerSecond", "%.0f"));
    columns.add(Report.Column.number("qemu/thread", "timesFaster", "%.2f"));
    columns.add(Report.Column.number("qemu/process", "timesFasterProcess", "%.2f"));
    columns.add(Report.Column.number("thread/native", "timesNative", "%.1f"));
    return columns;
  }
}
