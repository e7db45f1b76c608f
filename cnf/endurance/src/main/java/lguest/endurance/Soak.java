package lguest.endurance;

import java.io.IOException;
import java.io.InputStream;
import java.io.RandomAccessFile;
import java.net.NetworkInterface;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Random;
import java.util.concurrent.CopyOnWriteArrayList;
import lguest.launcher.DeviceSlot;
import lguest.launcher.Guest;
import lguest.launcher.GuestSpec;
import lguest.launcher.GuestSpec.DeviceSpec;
import lguest.launcher.LaunchException;
import lguest.launcher.Launcher;
import org.osgi.framework.BundleContext;

/**
 * Tour 7.4: A thousand times under load
 *
 * <p>Two demo guests keep two disks and a network each busy, one of them a tap as well, and look at every byte; their consoles say what is typed. Meanwhile the bundle of every device is updated,
 * stopped, started and outranked, in an order that chance picks, and nothing else may be noticed than time: the guests count how long each operation took. In the end the process must hold
 * what it held before.
 */
public final class Soak {
  private static final String HOST = "10.11.0.1";
  private static final long DISK = 16 << 20;
  /** Swaps after which what is loaded once is loaded. */
  private static final int WARM_UP = 5;
  private static final double MEDIAN_MS = 25, PERCENTILE_MS = 100;

  private final BundleContext context;
  private final Path work;
  private final Random random;
  private final List<DeviceBundle> bundles = new ArrayList<>();
  private final List<Witness> witnesses = new ArrayList<>();
  private final List<String> complaints = new CopyOnWriteArrayList<>();

  private Soak(BundleContext context, Path work, long seed) {
    this.context = context;
    this.work = work;
    random = new Random(seed);
  }

  /** Runs it, and prints how it went. Whether all is well. */
  public static boolean run(BundleContext context, Path work, int swaps, long seed) throws Exception { return new Soak(context, work, seed).run(swaps, seed); }

  private boolean run(int swaps, long seed) throws Exception {
    boolean tap = mayMakeTaps();
    System.out.println("soak: " + swaps + " swaps of each device, seed " + seed + (tap ? "" : "; the tap is left out: this is no network namespace of our own"));
    for (String type : tap ? List.of("console", "block", "net", "tun") : List.of("console", "block", "net")) bundles.add(new DeviceBundle(context, type));
    Launcher launcher = context.getService(context.getServiceReference(Launcher.class));
    boot(launcher, "left", tap);
    boot(launcher, "right", false);
    long bytes = 0;
    Map<String, Pauses> pauses = new LinkedHashMap<>();
    try (EchoService echo = tap ? new EchoService(HOST) : null) {
      for (Witness witness : witnesses) begin(witness, tap && witness == witnesses.getFirst());
      exchangeUntil(WARM_UP);
      Resources held = Resources.now();
      System.out.println("soak: begins with " + held);
      exchangeUntil(WARM_UP + swaps);
      Resources after = Resources.now();
      System.out.println("soak: ends with   " + after);
      held.grownTo(after).forEach(grown -> complaints.add("something is kept: " + grown));
      for (Witness witness : witnesses) bytes += settle(witness, pauses);
    } finally {
      witnesses.forEach(Witness::close);
    }
    return tell(bytes, pauses);
  }

  private long settle(Witness witness, Map<String, Pauses> pauses) throws InterruptedException {
    long bytes = witness.typed() * 60L;
    List<Witness.Report> reports = witness.finish();
    if (!witness.strange().isEmpty()) complaints.add(witness.strange());
    for (Witness.Report report : reports) {
      System.out.println("soak: %s: %s %d: %,d operations, %,d KiB, %d wrong, %d again".formatted(witness.guest.name(), report.kind(), report.number(), report.operations(), report.kibibytes(),
          report.wrong(), report.again()));
      bytes += report.kibibytes() << 10;
      if (report.wrong() > 0) complaints.add(witness.guest.name() + ": " + report.kind() + " " + report.number() + ": " + report.wrong() + " wrong");
      if (report.operations() == 0) complaints.add(witness.guest.name() + ": " + report.kind() + " " + report.number() + " did nothing");
      String type = switch (report.kind()) {
        case "disk" -> "block";
        case "net" -> report.number() == 0 ? "net" : "tun";
        default -> "console";
      };
      int swaps = bundles.stream().filter(bundle -> bundle.type().equals(type)).findFirst().orElseThrow().swaps();
      pauses.computeIfAbsent(type, unused -> new Pauses()).add(report.took(), swaps);
    }
    return bytes;
  }

  private boolean tell(long bytes, Map<String, Pauses> pauses) {
    Pauses all = new Pauses();
    for (var of : pauses.entrySet()) {
      System.out.println("soak: %s: pause median %d ms, 99th percentile %d ms, longest %d ms".formatted(of.getKey(), of.getValue().percentile(50), of.getValue().percentile(99), of.getValue().percentile(100)));
      all.add(of.getValue());
    }
    complaints.forEach(complaint -> System.out.println("soak: NOT WELL: " + complaint));
    int swaps = bundles.stream().mapToInt(DeviceBundle::swaps).sum();
    boolean quick = all.percentile(50) <= MEDIAN_MS && all.percentile(99) <= PERCENTILE_MS;
    System.out.println("soak: %d swaps, %,d bytes checked, %s, pause median %d ms, 99th percentile %d ms%s".formatted(swaps, bytes, complaints.isEmpty() ? "0 lost, 0 repeated" : complaints.size() + " complaints",
        all.percentile(50), all.percentile(99), quick ? "" : " (more than the " + (int) MEDIAN_MS + " and " + (int) PERCENTILE_MS + " it should be)"));
    return complaints.isEmpty();
  }

  private void boot(Launcher launcher, String name, boolean tap) throws IOException, LaunchException {
    List<DeviceSpec> devices = new ArrayList<>();
    for (String disk : List.of("a", "b")) {
      Path file = work.resolve(name + "." + disk);
      try (RandomAccessFile fresh = new RandomAccessFile(file.toFile(), "rw")) { fresh.setLength(DISK); }
      devices.add(new DeviceSpec("block", file.toString()));
    }
    devices.add(new DeviceSpec("net", work.resolve("wire").toString()));
    if (tap) devices.add(new DeviceSpec("tun", HOST));
    devices.add(new DeviceSpec("console", ""));
    Guest guest = launcher.create(new GuestSpec(name, 32L << 20, demo(), Optional.empty(), devices, "quiet"));
    guest.start();
    for (DeviceSlot slot : guest.slots()) bundles.stream().filter(bundle -> bundle.type().equals(slot.type())).findFirst().orElseThrow().watch(slot);
    witnesses.add(new Witness(guest));
  }

  private Path demo() throws IOException {
    Path image = work.resolve("demo.elf");
    if (!Files.exists(image)) try (InputStream in = context.getBundle().getEntry("demo.elf").openStream()) { Files.copy(in, image); }
    return image;
  }

  private void begin(Witness witness, boolean tap) throws InterruptedException {
    boolean first = witness == witnesses.getFirst();
    String own = first ? "10.9.0.1" : "10.9.0.2", other = first ? "10.9.0.2" : "10.9.0.1";
    witness.await("demo# ", 0);
    witness.command("net 0 " + own, "demo# ");
    if (tap) witness.command("net 1 10.11.0.2", "demo# ");
    // Each needs the other's address to be there.
    if (!first) {
      witness.command("soak 0 " + other, "soak: begins");
      Witness left = witnesses.getFirst();
      left.command("soak 0 10.9.0.2" + (left.guest.slots().stream().anyMatch(slot -> slot.type().equals("tun")) ? " 1 " + HOST : ""), "soak: begins");
    }
  }

  /** Exchanges, until each bundle has been exchanged so often. */
  private void exchangeUntil(int swaps) throws Exception {
    int told = 0;
    while (true) {
      List<DeviceBundle> left = bundles.stream().filter(bundle -> bundle.swaps() < swaps).toList();
      if (left.isEmpty()) return;
      left.get(random.nextInt(left.size())).exchange(random);
      for (Witness witness : witnesses) witness.type();
      Thread.sleep(random.nextInt(20));
      int done = bundles.stream().mapToInt(DeviceBundle::swaps).min().orElse(0);
      if (done / 100 > told) {
        told = done / 100;
        System.out.println("soak: " + told * 100 + " of " + swaps);
      }
    }
  }

  /** Whether the only interfaces here are those of a fresh network namespace: in any other we would be in somebody's way. */
  private static boolean mayMakeTaps() throws IOException {
    return Files.isWritable(Path.of("/dev/net/tun")) && System.getenv("LGUEST_SOAK_TAP") != null && NetworkInterface.networkInterfaces().allMatch(face -> {
      try {
        return face.isLoopback();
      } catch (IOException e) {
        return false;
      }
    });
  }
}
