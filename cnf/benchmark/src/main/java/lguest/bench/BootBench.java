package lguest.bench;

import java.io.IOException;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Map;
import java.util.Optional;

/**
 * How long it takes until somebody can work, from the start of the process on the clock; how much memory a guest needs beside
 * its own, and a second one in the same process; and what a guest takes of a processor that does nothing.
 */
final class BootBench {
  static final List<String> OPTIONS = List.of("json", "rounds", "seconds", "interpret", "translate");
  private static final String PROMPT = "demo# ";
  private static final long RAM = 64 << 20;
  private static final double MEBIBYTE = 1 << 20;

  private final Lguest lguest;
  private final Machine.Qemu qemu;
  private final Commands commands;
  private final Optional<Linux> linux;
  private final int rounds, seconds;
  private final Report report = new Report();

  BootBench(Lguest lguest, Machine.Qemu qemu, Commands commands, Optional<Linux> linux, Options options) {
    this.lguest = lguest;
    this.qemu = qemu;
    this.commands = commands;
    this.linux = linux;
    rounds = options.number("rounds", 5);
    seconds = options.number("seconds", 10);
  }

  Report run() throws IOException, InterruptedException {
    lguest.prepare(commands);
    Optional<String> lacking = qemu.lacking();
    lacking.ifPresent(why -> report.remark("qemu: skipped, " + why));
    if (lacking.isEmpty()) qemu.prepare(commands);
    if (linux.isEmpty()) report.remark("Linux: skipped, LGUEST_KERNEL and LGUEST_INITRD name none");
    List<Double> demo = new ArrayList<>(), peer = new ArrayList<>(), up = new ArrayList<>();
    for (int round = 0; round < rounds; round++) {
      System.err.printf("round %d of %d%n", round + 1, rounds);
      demo.add(untilPrompt(lguest.demo(List.of(), "")));
      if (lacking.isEmpty()) peer.add(untilPrompt(qemu.demo(List.of(), "")));
      if (linux.isPresent()) up.add(untilInit(linux.get().command(lguest)));
    }
    figure("demo guest to its prompt", "s", sample(demo), 0.7);
    if (!peer.isEmpty()) figure("demo kernel to its prompt, QEMU", "s", sample(peer), Double.NaN);
    if (linux.isPresent()) figure("Linux to the first line of its init", "s", sample(up), 1.5);
    System.err.println("idle");
    figure("idle demo guest", "% of a processor", new Sample(100 * idleDemo()), 1);
    if (linux.isPresent()) memory(linux.get());
    return report;
  }

  /** A Linux guest that is not part of the project. */
  record Linux(Path kernel, Path initrd, List<String> arguments) {
    static Optional<Linux> named() {
      Map<String, String> environment = System.getenv();
      if (!environment.containsKey("LGUEST_KERNEL") || !environment.containsKey("LGUEST_INITRD")) return Optional.empty();
      return Optional.of(new Linux(Path.of(environment.get("LGUEST_KERNEL").split(":")[0]), Path.of(environment.get("LGUEST_INITRD")),
          Arrays.asList(environment.getOrDefault("LGUEST_KERNEL_ARGUMENTS", "console=hvc0 rdinit=/init quiet").split(" "))));
    }

    List<String> words() {
      List<String> words = new ArrayList<>(List.of("--initrd=" + initrd, "" + RAM / (1 << 20), kernel.toString()));
      words.addAll(arguments);
      return words;
    }

    List<String> command(Lguest lguest) {
      List<String> command = new ArrayList<>(List.of(lguest.root().resolve("lguest").toString()));
      command.addAll(words());
      return command;
    }
  }

  private static Sample sample(List<Double> values) { return new Sample(values.stream().mapToDouble(Double::doubleValue).toArray()); }

  private void figure(String name, String unit, Sample value, double bar) {
    Map<String, Object> row = report.row(name);
    row.put("value", value);
    row.put("unit", unit);
    row.put("bar", bar);
    row.put("verdict", Double.isNaN(bar) ? "" : value.median() <= bar ? "pass" : "FAIL");
  }

  static List<Report.Column> columns() {
    return List.of(Report.Column.text("what", "name"), Report.Column.spread("measured", "value", "%.2f"), Report.Column.text("", "unit"),
        Report.Column.number("bar", "bar", "%.1f"), Report.Column.text("", "verdict"));
  }

  private double untilPrompt(List<String> command) throws IOException { return until(command, text -> text.contains(PROMPT)); }

  /** The kernel is told to be quiet; what it says all the same begins with a bracket, and our own lines with our name. */
  private double untilInit(List<String> command) throws IOException {
    return until(command, text -> text.lines().limit(text.chars().filter(c -> c == '\n').count()).map(String::strip)
        .anyMatch(line -> !line.isEmpty() && !line.startsWith("[") && !line.startsWith("lguest: ")));
  }

  private double until(List<String> command, Commands.Condition condition) throws IOException {
    long start = System.nanoTime();
    try (Commands.Child child = commands.start(command)) {
      child.await(condition);
      double seconds = (System.nanoTime() - start) / 1e9;
      child.kill();
      return seconds;
    }
  }

  private double idleDemo() throws IOException, InterruptedException {
    try (Commands.Child child = commands.start(lguest.demo(List.of(), ""))) {
      child.await(text -> text.contains(PROMPT));
      ProcessFigures figures = new ProcessFigures(child.pid());
      figures.settle();
      double share = figures.share(seconds);
      child.kill();
      return share;
    }
  }

  /** One Linux guest at the prompt of lguest, then a second one beside it; each has come to rest before it is looked at. */
  void memory(Linux linux) throws IOException, InterruptedException {
    String run = "run '" + String.join("' '", linux.words()) + "'\n";
    try (Commands.Child shell = commands.start(lguest.shell())) {
      ProcessFigures figures = new ProcessFigures(shell.pid());
      shell.type(run);
      shell.awaitAnswer("is running");
      figures.settle();
      double one = beside(figures, linux);
      figure("memory beside one Linux guest's own", "MiB", new Sample(one), 150);
      figure("idle Linux guest", "% of a processor", new Sample(100 * figures.share(seconds)), 1);
      shell.type(run);
      shell.awaitAnswer("is running");
      figures.settle();
      figure("a second Linux guest in the same process, more", "MiB", new Sample(beside(figures, linux) - one), 40);
      shell.type("quit\n");
    }
  }

  private double beside(ProcessFigures figures, Linux linux) throws IOException {
    Optional<Long> guests = figures.guestsResident(linux.kernel(), RAM);
    if (guests.isEmpty()) report.remark("how much of the guests' own memory is resident is not known here: all of it is counted");
    return (figures.resident() - guests.orElse(0L)) / MEBIBYTE;
  }
}
