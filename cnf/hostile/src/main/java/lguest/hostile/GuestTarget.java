package lguest.hostile;

import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.file.Files;
import java.nio.file.Path;
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
 */
final class GuestTarget implements Target {
  static final int RAM = (int) GuestSpec.MIN_MEMORY;
  private static final int DISK = 100 * 512;
  /** A guest that has not ended by then is switched off. */
  private static final long LIFE_MILLIS = 250;

  private final Workplace place;
  private final Map<String, String> options;
  private final WatchedHosts hosts;
  private final OpenLauncher launcher;
  private final Optional<Neighbour> neighbour;
  private final Path image, disk, net, otherDisk;
  private final byte[] begin = new byte[DISK];

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

  @Override public List<Step> invent(Random random) { return new Inventor(random, RAM).life(Inventor.Bent.DEVICES); }

  /** An ELF image of one segment. */
  private static byte[] elf(byte[] program) {
    int begin = 4096;
    ByteBuffer file = ByteBuffer.allocate(begin + program.length).order(ByteOrder.LITTLE_ENDIAN);
    file.put(new byte[] {0x7F, 'E', 'L', 'F', 1, 1, 1}).position(16);
    file.putShort((short) 2).putShort((short) 3).putInt(1).putInt(0).putInt(52).putInt(0).putInt(0).putShort((short) 52).putShort((short) 32).putShort((short) 1).position(52);
    file.putInt(1).putInt(begin).putInt(Script.OFFSET + Script.CODE).putInt(Script.CODE).putInt(program.length).putInt(program.length).putInt(7).putInt(4096);
    return file.position(begin).put(program).array();
  }

  @Override public Life live(List<Step> steps) throws Exception {
    Files.write(disk, begin);
    Script script = new Script(steps, RAM);
    Files.write(image, elf(script.image));
    Journal journal = new Journal();
    List<DeviceSpec> devices = List.of(new DeviceSpec("block", disk.toString()), new DeviceSpec("net", net.toString()), new DeviceSpec("console", ""));
    GuestEnd end;
    try (Guest guest = launcher.launcher().create(new GuestSpec("", RAM, image, Optional.empty(), devices, "", options), journal)) {
      Attachable.Attachment keyboard = guest.slots().getLast().attach(data -> data.position(data.limit()), false).orElseThrow();
      keyboard.input(ByteBuffer.wrap("typed before anything was asked".getBytes()));
      guest.start();
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

  @Override public void inspect() throws IOException, InterruptedException {
    place.check("image", "disk", "net", "net.peers", "other.disk");
    if (neighbour.isPresent()) neighbour.get().check();
  }

  @Override public void close() throws InterruptedException {
    if (neighbour.isPresent()) neighbour.get().close();
    launcher.close();
  }
}
