package lguest.bench;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Arrays;
import java.util.HashMap;
import java.util.List;
import java.util.Map;

/** {@code cnf/bench}: benchmarks, each by one command. */
final class Bench {
  private static final String USAGE = """
      usage: cnf/bench <benchmark> [options]
        cpu [--rounds=5] [<program>[:<scale>]...]
                                             the processor against QEMU's translator and the processor itself: net seconds of
                                             processor time (empty: what starting costs, taken off the others), smallest and largest
        boot [--rounds=5] [--seconds=10]     start to prompt on the clock, memory beside the guests' own, what an idle guest
                                             takes in that time; Linux too, where LGUEST_KERNEL and LGUEST_INITRD name one
        io [--rounds=5] [--requests=20000] [--only=<text>] [--folder=<directory>]
                                             console, disks (files in that directory) and networks: how much gets through, beside
                                             QEMU's, and what it costs beside the processor
      all: --json; --interpret or --translate picks lguest's engine
      """;

  private Bench() {}

  public static void main(String[] arguments) throws IOException, InterruptedException {
    if (arguments.length == 0) {
      System.err.print(USAGE);
      System.exit(64);
    }
    try {
      run(arguments[0], Arrays.asList(arguments).subList(1, arguments.length));
    } catch (Failure e) {
      System.err.println("cnf/bench: " + e.getMessage());
      System.exit(1);
    }
  }

  private static void run(String benchmark, List<String> words) throws IOException, InterruptedException {
    Path root = Path.of(System.getProperty("lguest.root"));
    Lguest lguest = new Lguest(root);
    Path folder = root.resolve("cnf/benchmark/target/bench");
    Files.createDirectories(folder);
    switch (benchmark) {
      case "cpu" -> {
        Options options = Options.parse(words, CpuBench.OPTIONS);
        List<Machine> machines = List.of(lguest, new Machine.Qemu(root, folder.resolve("bench.pc")), new Machine.Native(root, folder.resolve("bench.linux")));
        CpuBench bench = new CpuBench(machines, new Commands(environment(options, "")), options);
        print(bench.run(), CpuBench.columns(), options);
        if (!bench.checksumsAgree()) throw new Failure("not everybody computes the same: see the remarks");
      }
      case "io" -> {
        Options options = Options.parse(words, IoBench.OPTIONS);
        Commands commands = new Commands(environment(options, "-Dlguest.host.time=true " + CompilerTime.JAVA_OPTION));
        print(new IoBench(lguest, new Machine.Qemu(root, folder.resolve("bench.pc")), commands, options, folder).run(), IoBench.columns(), options);
      }
      case "boot" -> {
        Options options = Options.parse(words, BootBench.OPTIONS);
        Commands commands = new Commands(environment(options, ""));
        print(new BootBench(lguest, new Machine.Qemu(root, folder.resolve("bench.pc")), commands, BootBench.Linux.named(), options).run(), BootBench.columns(), options);
      }
      default -> throw new Failure("no benchmark " + benchmark + "\n" + USAGE);
    }
  }

  private static void print(Report report, List<Report.Column> columns, Options options) {
    System.out.print(options.has("json") ? report.json() : report.table(columns) + report.remarks());
  }

  /** With what the processes run: this one's environment, and the engine asked for. */
  private static Map<String, String> environment(Options options, String more) {
    Map<String, String> environment = new HashMap<>();
    String java = System.getenv().getOrDefault("LGUEST_JAVA_OPTS", "") + " " + more;
    for (String engine : List.of("interpret", "translate")) if (options.has(engine)) java += " -Dlguest.cpu=" + engine;
    environment.put("LGUEST_JAVA_OPTS", java.strip());
    return environment;
  }
}
