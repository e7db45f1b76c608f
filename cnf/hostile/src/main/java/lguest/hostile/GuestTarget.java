package lguest.hostile;

import java.lang.management.ManagementFactory;
import java.lang.management.ThreadMXBean;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Random;
import java.util.concurrent.TimeUnit;
import lguest.device.Attachable;
import lguest.device.block.BlockProvider;
import lguest.device.console.ConsoleProvider;
import lguest.device.net.NetProvider;
import lguest.host.HostProvider;
import lguest.launcher.Guest;
import lguest.launcher.GuestEnd;
import lguest.launcher.GuestSpec;
import lguest.launcher.GuestSpec.DeviceSpec;
import lguest.launcher.run.OpenLauncher;

/**
 * Everything: a hostile guest booted by the Launcher, with a disk, a network and a console, on the real Host or, to be quicker, on one that only knows the calls for DMA. The demo guest may
 * live beside it, on the same network.
 *
 * <p>Steps: those of a {@link Script}, and {@code exchange <0 console, 1 block, 2 net>}, which no guest does: meanwhile, the device's provider leaves and comes again.
 */
final class GuestTarget implements Target {
  static final int RAM = (int) GuestSpec.MIN_MEMORY;
  private static final int DISK = 100 * 512;
  /** A guest that has not ended by then is switched off. */
  private static final long LIFE_MILLIS = 250;
  private static final int PROVIDERS = 3;
  /** How long a guest is watched that sleeps, and how much of that all its threads may work: a busy loop would take all of it. */
  private static final long WATCHED_MILLIS = 300, WORKED_MILLIS = 120;
  /** What a guest may leave behind that makes others look again and again, while itself it sleeps with all interrupts masked. Something was typed for it. */
  private static final List<List<Step>> SLEEPERS = List.of(
    List.of(),
    List.of(new Step("list", Script.LISTS, 0), bindConsole(1)),
    List.of(new Step("list", Script.LISTS, 1), bindConsole(1)),
    List.of(new Step("list", Script.LISTS, 0), bindConsole(0)),
    List.of(new Step("list", Script.LISTS, 0, Script.BUFFERS, 1), new Step("list", Script.LISTS + 100, 0), bindConsole(2)));

  private final Workplace place;
  private final Map<String, String> options;
  private final WatchedHosts hosts;
  private final OpenLauncher launcher;
  private final Optional<Neighbour> neighbour;
  private final Path image, disk, net, otherDisk;
  private final byte[] begin = new byte[DISK];
  private int inspections;

  /** @param options the Host's */
  GuestTarget(Workplace place, HostProvider host, Map<String, String> options, boolean withNeighbour) throws Exception {
    this.place = place;
    this.options = options;
    image = place.file("image");
    disk = place.file("disk");
    net = place.file("net");
    otherDisk = place.file("other.disk");
    new Random(7).nextBytes(begin);
    hosts = new WatchedHosts(host);
    launcher = new OpenLauncher(hosts, new ConsoleProvider(), new BlockProvider(), new NetProvider());
    if (withNeighbour) {
      Files.write(otherDisk, new byte[DISK]);
      Path demo = Path.of(System.getProperty("lguest.root", "."), "guest.demo", "demo.elf");
      neighbour = Optional.of(new Neighbour(launcher.launcher(), demo, List.of(new DeviceSpec("block", otherDisk.toString()), new DeviceSpec("net", net.toString()), new DeviceSpec("console", ""))));
    } else neighbour = Optional.empty();
  }

  @Override public List<Step> invent(Random random) {
    List<Step> steps = new Inventor(random, RAM).life(Inventor.Bent.DEVICES);
    if (random.nextInt(12) == 0) steps.add(new Step("exchange", random.nextInt(PROVIDERS)));
    return steps;
  }

  /** An ELF image of one segment. */
  private static byte[] elf(byte[] program) {
    int begin = 4096;
    ByteBuffer file = ByteBuffer.allocate(begin + program.length).order(ByteOrder.LITTLE_ENDIAN);
    file.put(new byte[] {0x7F, 'E', 'L', 'F', 1, 1, 1}).position(16);
    file.putShort((short) 2).putShort((short) 3).putInt(1).putInt(0).putInt(52).putInt(0).putInt(0).putShort((short) 52).putShort((short) 32).putShort((short) 1).position(52);
    file.putInt(1).putInt(begin).putInt(Script.OFFSET + Script.CODE).putInt(Script.CODE).putInt(program.length).putInt(program.length).putInt(7).putInt(4096);
    return file.position(begin).put(program).array();
  }

  private static Step bindConsole(int count) { return new Step("call", 12, 0, Script.LISTS, count << 8 | 3); }

  @Override public Life live(List<Step> steps) throws Exception {
    Script script = new Script(steps, RAM);
    Journal journal = new Journal();
    GuestEnd end;
    try (Guest guest = start(script, journal)) {
      for (Step step : steps) if (step.act().equals("exchange")) launcher.exchange(Math.floorMod(step.number(0), PROVIDERS));
      long deadline = System.nanoTime() + TimeUnit.MILLISECONDS.toNanos(LIFE_MILLIS);
      while (guest.end().isEmpty() && System.nanoTime() < deadline) Thread.sleep(0, 200_000);
      guest.stop();
      end = guest.end().orElseThrow(() -> new Finding("a guest that was stopped has not ended"));
    }
    journal.check();
    hosts.check();
    String reason = switch (end.kind()) {
      case POWER_OFF -> "its own wish";
      case STOPPED -> "being switched off";
      case DIED -> Reasons.check(end.reason());
      case FAILED -> throw new Finding("a guest has failed by a fault of ours: " + end.reason());
    };
    Finding.unless(Files.size(disk) == DISK, "the disk has %d bytes", Files.size(disk));
    Finding.unless(Files.size(net) == 4096, "the network file has %d bytes", Files.size(net));
    return new Life(script.begun(hosts.position()), reason);
  }

  private Guest start(Script script, Journal journal) throws Exception {
    Files.write(disk, begin);
    Files.write(image, elf(script.image));
    List<DeviceSpec> devices = List.of(new DeviceSpec("block", disk.toString()), new DeviceSpec("net", net.toString()), new DeviceSpec("console", ""));
    Guest guest = launcher.launcher().create(new GuestSpec("", RAM, image, Optional.empty(), devices, "", options), journal);
    Attachable.Attachment keyboard = guest.slots().getLast().attach(data -> data.position(data.limit()), false).orElseThrow();
    keyboard.input(ByteBuffer.wrap("typed before anything was asked".getBytes()));
    guest.start();
    return guest;
  }

  /** A guest that sleeps costs next to nothing, whatever it has left behind. */
  private void watch(List<Step> sleeper) throws Exception {
    List<Step> steps = new ArrayList<>(sleeper);
    steps.add(new Step("store", Script.OFFSET + Script.DATA + 4, -1));
    steps.add(new Step("call", 10));
    Journal journal = new Journal();
    try (Guest guest = start(new Script(steps, RAM), journal)) {
      Thread.sleep(20);
      long before = worked(guest);
      Thread.sleep(WATCHED_MILLIS);
      long millis = TimeUnit.NANOSECONDS.toMillis(worked(guest) - before);
      Finding.unless(guest.end().isEmpty(), "a guest that slept has ended: %s", guest.end());
      Finding.unless(millis <= WORKED_MILLIS, "a guest that sleeps has kept its threads busy for %d of %d ms, after %s", millis, WATCHED_MILLIS, sleeper);
    }
    journal.check();
  }

  /** Processor time of all threads that are there for a guest. */
  private static long worked(Guest guest) {
    ThreadMXBean threads = ManagementFactory.getThreadMXBean();
    return Thread.getAllStackTraces().keySet().stream().filter(thread -> thread.getName().startsWith(guest.name() + "-")).mapToLong(thread -> Math.max(0, threads.getThreadCpuTime(thread.threadId()))).sum();
  }

  @Override public void inspect() throws Exception {
    place.check("image", "disk", "net", "net.peers", "other.disk");
    if (neighbour.isPresent()) neighbour.get().check();
    // The Host that runs scripts looks again by itself.
    if (neighbour.isPresent()) watch(SLEEPERS.get(inspections++ % SLEEPERS.size()));
  }

  @Override public void close() throws InterruptedException {
    if (neighbour.isPresent()) neighbour.get().close();
    launcher.close();
  }
}
