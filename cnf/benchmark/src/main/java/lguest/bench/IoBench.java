package lguest.bench;

import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.channels.SeekableByteChannel;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardOpenOption;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;

/**
 * Consoles, disks and networks. Two things are asked of each: how much gets through, which depends on the processor, beside
 * QEMU's; and what it costs us beside the processor. The second is the difference between a longer and a shorter run, so that
 * starting up and warming up drop out, in processor time of the whole process, less what was spent on guest instructions. The
 * JVM's compilers are at work for many seconds, more than short runs last, and so are told apart.
 */
final class IoBench {
  static final List<String> OPTIONS = List.of("json", "rounds", "requests", "interpret", "translate", "only", "folder");

  /** The Launcher's own cost, microseconds. */
  private static final double BLOCK_BAR = 15, PACKET_BAR = 10;

  private static final int DISK_BYTES = 64 << 20, REQUEST_BYTES = 4096;

  /** What an echo carries: as little as there is room for on a wire, and nearly as much. */
  private static final int[] PAYLOADS = {30, 1400};
  private static final int HEADERS = 34, LONG = 3;

  /**
   * What is measured.
   *
   * @param units of what is counted in each request: an echo is two packets
   * @param bar microseconds, NaN for none
   * @param fromBoot the run's time counts from the boot of the guest
   */
  private record Subject(String name, int units, int bytesPerUnit, double bar, boolean fromBoot, IoLoads.Load lguest, Optional<IoLoads.Load> peer) {}

  /** A short and a long run. */
  private record Pair(IoLoads.Done few, IoLoads.Done many) {}

  private final Commands commands;
  private final Machine lguest;
  private final Machine.Qemu qemu;
  private final IoLoads loads;
  private final Options options;
  private final int rounds, requests;
  private final Path folder;
  private final Report report = new Report();

  IoBench(Lguest lguest, Machine.Qemu qemu, Commands commands, Options options, Path folder) {
    this.lguest = lguest;
    this.qemu = qemu;
    this.commands = commands;
    this.options = options;
    this.folder = options.value("folder").map(Path::of).orElse(folder);
    loads = new IoLoads(lguest, qemu, commands, this.folder);
    rounds = options.number("rounds", 5);
    requests = options.number("requests", 20_000);
  }

  Report run() throws IOException {
    lguest.prepare(commands);
    Optional<String> lacking = qemu.lacking();
    lacking.ifPresent(why -> report.remark("qemu: skipped, " + why));
    if (lacking.isEmpty()) qemu.prepare(commands);
    Map<Subject, List<Pair>> measured = new LinkedHashMap<>(), peers = new LinkedHashMap<>();
    List<Subject> subjects = subjects(lacking.isEmpty()).stream().filter(subject -> subject.name().contains(options.value("only").orElse(""))).toList();
    for (int round = 0; round < rounds; round++)
      for (Subject subject : subjects) {
        System.err.printf("round %d of %d: %s%n", round + 1, rounds, subject.name());
        Pair ours = pair(subject.lguest());
        measured.computeIfAbsent(subject, key -> new ArrayList<>()).add(ours);
        if (subject.peer().isEmpty()) continue;
        Pair theirs = pair(subject.peer().get());
        peers.computeIfAbsent(subject, key -> new ArrayList<>()).add(theirs);
        if (!sameWork(ours, theirs)) report.remark("%s: NOT THE SAME WORK: '%s' and '%s'".formatted(subject.name(), ours.many().said(), theirs.many().said()));
      }
    for (Subject subject : subjects) row(subject, measured.get(subject), peers.getOrDefault(subject, List.of()));
    return report;
  }

  private List<Subject> subjects(boolean peer) throws IOException {
    Path disk = makeDisk("lguest.img"), peersDisk = makeDisk("qemu.img");
    report.remark("disks are files in " + folder);
    List<Subject> all = new ArrayList<>();
    all.add(new Subject("console", IoLoads.CONSOLE_LINE, 1, Double.NaN, false, loads.console(), present(peer, loads.qemuConsole())));
    for (String how : List.of("sequential-read", "sequential-write", "random-read", "random-write"))
      all.add(new Subject("block " + how, 1, REQUEST_BYTES, BLOCK_BAR, false, loads.block(disk, how), present(peer, loads.qemuBlock(peersDisk, how))));
    Optional<String> noTap = loads.lackingNetwork();
    noTap.ifPresent(why -> report.remark("tap: skipped, " + why));
    for (int bytes : PAYLOADS) {
      int frame = bytes + HEADERS;
      String size = ", " + frame + " bytes";
      all.add(new Subject("net, one process" + size, 2, frame, PACKET_BAR, true, loads.oneProcess(bytes), Optional.empty()));
      all.add(new Subject("net, two processes" + size, 2, frame, PACKET_BAR, false, loads.twoProcesses(bytes), present(peer, loads.qemuTwoProcesses(bytes))));
      if (noTap.isEmpty()) all.add(new Subject("tap" + size, 2, frame, PACKET_BAR, false, loads.tap(bytes), present(peer, loads.qemuTap(bytes))));
    }
    return all;
  }

  private static Optional<IoLoads.Load> present(boolean there, IoLoads.Load load) { return there ? Optional.of(load) : Optional.empty(); }

  /** Real blocks: a file with holes would be another benchmark. */
  private Path makeDisk(String name) throws IOException {
    Path disk = folder.resolve(name);
    ByteBuffer block = ByteBuffer.allocate(1 << 20);
    for (int i = 0; i < block.capacity(); i++) block.put(i, (byte) (i * 31 + (i >> 8)));
    try (SeekableByteChannel file = Files.newByteChannel(disk, StandardOpenOption.CREATE, StandardOpenOption.TRUNCATE_EXISTING, StandardOpenOption.WRITE)) {
      for (int at = 0; at < DISK_BYTES; at += block.capacity()) file.write(block.rewind());
    }
    return disk;
  }

  private Pair pair(IoLoads.Load load) { return new Pair(load.run(requests), load.run(LONG * requests)); }

  /** Disks tell a sum of what they moved. How often a packet had to be sent again is nobody's fault. */
  private static boolean sameWork(Pair ours, Pair theirs) {
    return !ours.many().said().contains("sum") || ours.many().said().equals(theirs.many().said()) && ours.few().said().equals(theirs.few().said());
  }

  private void row(Subject subject, List<Pair> ours, List<Pair> theirs) {
    Map<String, Object> row = report.row(subject.name());
    Sample rate = rate(subject, ours), peersRate = rate(subject, theirs), own = sample(subject, ours, IoBench::own);
    row.put("perSecond", rate);
    row.put("qemu.perSecond", peersRate);
    row.put("ratio", rate.median() / peersRate.median());
    row.put("mebibytesPerSecond", rate.times(subject.bytesPerUnit() / 1048576.0));
    row.put("micros", sample(subject, ours, IoLoads.Done::cpu));
    row.put("qemu.micros", sample(subject, theirs, IoLoads.Done::cpu));
    row.put("ownMicros", own);
    row.put("ownMicrosOnGuestThread", sample(subject, ours, done -> done.guest().thread() - done.guest().inside()));
    row.put("bar", subject.bar());
    row.put("compilingMicros", sample(subject, ours, IoLoads.Done::compiling));
    row.put("verdict", verdict(own, subject.bar()));
  }

  /** What a sample says of a bar. A cost below zero is noise that is larger than the cost, and no cost has been measured then. */
  static String verdict(Sample cost, double bar) {
    if (Double.isNaN(bar) || cost.values().length == 0) return "";
    if (cost.median() > bar) return cost.least() > bar ? "FAIL" : "FAIL, but not in every round";
    String pass = cost.most() > bar ? "pass, but not in every round" : "pass";
    return cost.least() > 0 ? pass : cost.median() > 0 ? pass + "; close to what can be measured" : "below what can be measured";
  }

  private static double own(IoLoads.Done done) { return done.cpu() - done.guest().inside() - done.compiling(); }

  private Sample rate(Subject subject, List<Pair> pairs) {
    double units = (double) requests * subject.units() * 1e6;
    return new Sample(pairs.stream().mapToDouble(pair -> subject.fromBoot()
        ? (LONG - 1) * units / (pair.many().micros() - pair.few().micros()) : LONG * units / pair.many().micros()).toArray());
  }

  private interface Seconds { double of(IoLoads.Done done); }

  /** Microseconds for each unit, from what the long run took more. */
  private Sample sample(Subject subject, List<Pair> pairs, Seconds seconds) {
    double units = (double) (LONG - 1) * requests * subject.units();
    return new Sample(pairs.stream().mapToDouble(pair -> (seconds.of(pair.many()) - seconds.of(pair.few())) / units * 1e6).toArray());
  }

  static List<Report.Column> columns() {
    return List.of(Report.Column.text("what", "name"), Report.Column.spread("per second", "perSecond", "%.0f"), Report.Column.spread("qemu", "qemu.perSecond", "%.0f"),
        Report.Column.number("lguest/qemu", "ratio", "%.2f"), Report.Column.spread("MiB/s", "mebibytesPerSecond", "%.1f"),
        Report.Column.spread("CPU us each", "micros", "%.1f"), Report.Column.spread("qemu", "qemu.micros", "%.1f"),
        Report.Column.spread("own cost us", "ownMicros", "%.1f"), Report.Column.spread("compiling", "compilingMicros", "%.1f"), Report.Column.spread("of it on the guest's thread", "ownMicrosOnGuestThread", "%.1f"),
        Report.Column.number("bar", "bar", "%.0f"), Report.Column.text("", "verdict"));
  }
}
