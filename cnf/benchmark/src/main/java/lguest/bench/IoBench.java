package lguest.bench;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;

/**
 * Disks and networks. Two things are asked of each: how much gets through, which depends on the processor; and what it costs us
 * beside the processor. The second is the difference between a longer and a shorter run, so that starting up and warming up
 * drop out, in processor time of the whole process, less what was spent on guest instructions.
 */
final class IoBench {
  static final List<String> OPTIONS = List.of("json", "rounds", "requests", "interpret", "translate");
  static final double BLOCK_BAR = 15, PACKET_BAR = 10;
  private static final String NEAR = "10.9.0.1", FAR = "10.9.0.2";
  private static final List<String> NAMESPACE = List.of("unshare", "--user", "--map-root-user", "--net", "--");
  private static final int DISK_BYTES = 64 << 20, REQUEST_BYTES = 4096, SMALL_FRAME = 30, LARGE_FRAME = 1400;

  private final Lguest lguest;
  private final Commands commands;
  private final int rounds, requests;
  private final Path folder;

  /** So many units of work done in a run; how fast, the guest says. */
  private record Done(int requests, double micros, double cpu, GuestStatistics guest) {}

  private interface Load { Done run(int requests); }

  /** What is measured. Units per request: an echo is two packets. */
  private record Subject(String name, int unitsPerRequest, int bytesPerUnit, double bar, Load load) {}

  IoBench(Lguest lguest, Commands commands, Options options, Path folder) {
    this.lguest = lguest;
    this.commands = commands;
    this.folder = folder;
    rounds = options.number("rounds", 5);
    requests = options.number("requests", 20_000);
  }

  Report run() throws IOException {
    Report report = new Report();
    Path disk = folder.resolve("disk.img");
    try (var file = Files.newByteChannel(disk, java.nio.file.StandardOpenOption.CREATE, java.nio.file.StandardOpenOption.WRITE)) {
      // Real blocks: a file with holes would be another benchmark.
      var block = java.nio.ByteBuffer.allocate(1 << 20);
      for (int i = 0; i < block.capacity(); i++) block.put(i, (byte) (i * 31 + (i >> 8)));
      for (int at = 0; at < DISK_BYTES; at += block.capacity()) file.write(block.rewind());
    }
    List<Subject> subjects = new ArrayList<>();
    for (String how : List.of("sequential-read", "sequential-write", "random-read", "random-write"))
      subjects.add(new Subject("block " + how, 1, REQUEST_BYTES, BLOCK_BAR, n -> block(disk, how, n)));
    for (int bytes : new int[] {SMALL_FRAME, LARGE_FRAME}) {
      int frame = bytes + 34;
      subjects.add(new Subject("net one process, " + frame + " bytes", 2, frame, PACKET_BAR, n -> oneProcess(n, bytes)));
      subjects.add(new Subject("net two processes, " + frame + " bytes", 2, frame, PACKET_BAR, n -> twoProcesses(n, bytes)));
      if (canMakeNetwork()) subjects.add(new Subject("tap, " + frame + " bytes", 2, frame, PACKET_BAR, n -> tap(n, bytes)));
    }
    if (!canMakeNetwork()) report.remark("tap: skipped, no network namespace can be made here (unshare --user --map-root-user --net)");

    Map<Subject, List<Done[]>> measured = new LinkedHashMap<>();
    for (int round = 0; round < rounds; round++)
      for (Subject subject : subjects) {
        System.err.printf("round %d of %d: %s%n", round + 1, rounds, subject.name());
        measured.computeIfAbsent(subject, key -> new ArrayList<>()).add(new Done[] {subject.load().run(requests), subject.load().run(3 * requests)});
      }
    measured.forEach((subject, runs) -> {
      Sample rate = sample(runs, r -> 2e6 * requests * subject.unitsPerRequest() / (r[1].micros() - r[0].micros()));
      Sample cost = sample(runs, r -> own(r[1]) - own(r[0])).times(1e6 / (2.0 * requests * subject.unitsPerRequest()));
      Sample onThread = sample(runs, r -> onThread(r[1]) - onThread(r[0])).times(1e6 / (2.0 * requests * subject.unitsPerRequest()));
      Map<String, Object> row = report.row(subject.name());
      row.put("unitsPerSecond", rate);
      row.put("mebibytesPerSecond", rate.times(subject.bytesPerUnit() / 1048576.0));
      row.put("ownMicros", cost);
      row.put("ownMicrosOnGuestThread", onThread);
      row.put("bar", subject.bar());
      row.put("verdict", cost.median() <= subject.bar() ? "pass" : "FAIL");
    });
    return report;
  }

  static List<Report.Column> columns() {
    return List.of(Report.Column.text("what", "name"), Report.Column.spread("per second", "unitsPerSecond", "%.0f"),
        Report.Column.spread("MiB/s", "mebibytesPerSecond", "%.1f"),
        Report.Column.spread("own cost us", "ownMicros", "%.1f"), Report.Column.spread("of it on the guest's thread", "ownMicrosOnGuestThread", "%.1f"),
        Report.Column.number("bar us", "bar", "%.0f"), Report.Column.text("", "verdict"));
  }

  private static double own(Done done) { return done.cpu() - done.guest().inside(); }

  private static double onThread(Done done) { return done.guest().thread() - done.guest().inside(); }

  private interface Value { double of(Done[] runs); }

  private static Sample sample(List<Done[]> runs, Value value) { return new Sample(runs.stream().mapToDouble(value::of).toArray()); }

  private Done block(Path disk, String how, int n) {
    return done(n, commands.run(lguest.demo(List.of("--block=" + disk), "disk 0 " + how + " " + n + ";poweroff")));
  }

  private static String echo(String to, int n, int bytes) { return "net 0 echo " + to + " " + n + " " + bytes + ";poweroff"; }

  private Done twoProcesses(int n, int bytes) {
    List<String> wire = List.of("--sharenet=" + folder.resolve("wire"));
    return done(n, commands.measure(() -> {
      try (Commands.Child far = commands.start(lguest.demo(wire, "net 0 " + FAR))) {
        String said;
        try (Commands.Child near = commands.start(lguest.demo(wire, "net 0 " + NEAR + ";" + echo(FAR, n, bytes)))) { said = near.rest(); }
        far.type("poweroff\n");
        return said + far.rest();
      }
    }));
  }

  /** The consoles are not to be had here; the time is that from the boot of a guest to its end. */
  private Done oneProcess(int n, int bytes) {
    String wire = "boot --stats --sharenet=" + folder.resolve("wire") + " --name=";
    Commands.Run run = commands.measure(() -> {
      try (Commands.Child shell = commands.start(lguest.shell())) {
        shell.type(wire + "far demo quiet 'run=net 0 " + FAR + "'\n");
        shell.type(wire + "near demo quiet 'run=net 0 " + NEAR + ";" + echo(FAR, n, bytes) + "'\n");
        shell.await("near: ");
        shell.type("stop far\n");
        return shell.rest();
      }
    });
    double seconds = Double.parseDouble(run.find(" of processor time, ", " s in all"));
    return new Done(n, seconds * 1e6, run.cpu(), GuestStatistics.of(run.out()));
  }

  /** The host's own network code answers. */
  private Done tap(int n, int bytes) {
    List<String> command = new ArrayList<>(NAMESPACE);
    command.addAll(lguest.demo(List.of("--tunnet=" + FAR), "net 0 " + NEAR + ";" + echo(FAR, n, bytes)));
    return done(n, commands.run(command));
  }

  private boolean canMakeNetwork() {
    List<String> probe = new ArrayList<>(NAMESPACE);
    probe.addAll(List.of("sh", "-c", "echo made"));
    return Commands.has("unshare") && Files.exists(Path.of("/dev/net/tun")) && commands.run(probe).out().equals("made\n");
  }

  private static Done done(int n, Commands.Run run) {
    return new Done(n, Double.parseDouble(run.find(" bytes", " us").replaceFirst(".*in ", "")), run.cpu(), GuestStatistics.of(run.out()));
  }
}
