package lguest.bench;

import java.io.IOException;
import java.net.DatagramSocket;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import java.util.function.Function;
import java.util.regex.Matcher;
import java.util.regex.Pattern;

/** How disks, networks and consoles are kept busy, on lguest and on its peer. Each load runs from the start of a machine to its end. */
final class IoLoads {
  /**
   * A run.
   *
   * @param micros how long the work took: by the guest's clock, or from boot to end where nobody can ask the guest
   * @param cpu processor seconds of all processes
   * @param compiling those of them in which the JVM compiled its own code
   * @param guest null for the peer
   * @param said the guest's line about it, without the time: the same for the same work everywhere
   */
  record Done(double micros, double cpu, double compiling, GuestStatistics guest, String said) {}

  /** So many requests. */
  interface Load { Done run(int requests); }

  private static final String NEAR = "10.9.0.1", FAR = "10.9.0.2";
  private static final List<String> NAMESPACE = List.of("unshare", "--user", "--map-root-user", "--net", "--");

  /** What the guest's commands say, with the time as seconds or microseconds. */
  private static final Pattern RESULT = Pattern.compile("^((?:disk|net|flood).*?)(?:in (\\d+) us|, (\\d+\\.\\d{6}) s$)(.*)$", Pattern.MULTILINE);

  static final int CONSOLE_LINE = 64;

  private final Lguest lguest;
  private final Machine.Qemu qemu;
  private final Commands commands;
  private final Path folder;

  IoLoads(Lguest lguest, Machine.Qemu qemu, Commands commands, Path folder) {
    this.lguest = lguest;
    this.qemu = qemu;
    this.commands = commands;
    this.folder = folder;
  }

  /** Why no network with the host can be made here. */
  Optional<String> lackingNetwork() {
    if (!Commands.has("unshare") || !Commands.has("ip")) return Optional.of("unshare and ip are not installed (apt install util-linux iproute2)");
    if (!Files.exists(Path.of("/dev/net/tun"))) return Optional.of("there is no /dev/net/tun (modprobe tun)");
    if (!commands.run(inNamespace(List.of("sh", "-c", "echo made"))).out().equals("made\n"))
      return Optional.of("no network namespace can be made (" + String.join(" ", NAMESPACE) + " …)");
    return Optional.empty();
  }

  Load console() { return n -> done(commands.run(lguest.demo(List.of(), flood(n))), true); }

  Load qemuConsole() { return n -> done(commands.run(qemu.demo(List.of(), flood(n))), false); }

  private static String flood(int n) { return "flood " + n * CONSOLE_LINE + ";poweroff"; }

  Load block(Path disk, String how) { return n -> done(commands.run(lguest.demo(List.of("--block=" + disk), requests(how, n))), true); }

  /** Through the host's cache, as lguest goes with requests of this size; and as with lguest, all of it is on the medium when the machine has ended. */
  Load qemuBlock(Path disk, String how) {
    List<String> drive = List.of("-drive", "if=none,id=d,format=raw,cache=writeback,file=" + disk, "-device", "virtio-blk-pci,drive=d");
    return n -> done(commands.run(qemu.demo(drive, requests(how, n))), false);
  }

  private static String requests(String how, int n) { return "disk 0 " + how + " " + n + ";poweroff"; }

  private static String address(String own) { return "net 0 " + own; }

  private static String echo(int n, int bytes) { return address(NEAR) + ";net 0 echo " + FAR + " " + n + " " + bytes + ";poweroff"; }

  /** Two guests in one process. Their consoles are not to be had there; the time is that from the boot of a guest to its end. */
  Load oneProcess(int bytes) {
    String wire = "run --stats --sharenet=" + folder.resolve("wire") + " --name=";
    return n -> {
      Commands.Run run = commands.measure(() -> {
        try (Commands.Child shell = commands.start(lguest.shell())) {
          shell.type(wire + "far demo quiet 'run=" + address(FAR) + "'\n");
          shell.type(wire + "near demo quiet 'run=" + echo(n, bytes) + "'\n");
          shell.await("near: ", Commands.RUN_SECONDS);
          shell.type("stop far\n");
          return shell.rest();
        }
      });
      return new Done(Double.parseDouble(run.find(" of processor time, ", " s in all")) * 1e6, run.cpu(), run.compiling(), GuestStatistics.of(run.out()), "");
    };
  }

  Load twoProcesses(int bytes) {
    List<String> wire = List.of("--sharenet=" + folder.resolve("wire"));
    return n -> done(commands.measure(() -> {
      try (Commands.Child far = commands.start(lguest.demo(wire, address(FAR)))) {
        String said = commands.talk(lguest.demo(wire, echo(n, bytes)));
        far.type("poweroff\n");
        return said + far.rest();
      }
    }), true);
  }

  /** Datagrams between two sockets of this machine. */
  Load qemuTwoProcesses(int bytes) {
    return n -> done(commands.measure(() -> {
      int[] ports = freePorts();
      try (Commands.Child far = commands.start(qemu.demo(card(2, socket(ports[1], ports[0])), address(FAR)))) {
        try {
          return commands.talk(qemu.demo(card(1, socket(ports[0], ports[1])), echo(n, bytes)));
        } finally {
          far.kill(); // nobody can type there
        }
      }
    }), false);
  }

  private static String socket(int here, int there) { return "socket,udp=127.0.0.1:" + there + ",localaddr=127.0.0.1:" + here; }

  private static int[] freePorts() throws IOException {
    try (DatagramSocket one = new DatagramSocket(); DatagramSocket other = new DatagramSocket()) {
      return new int[] {one.getLocalPort(), other.getLocalPort()};
    }
  }

  private static List<String> card(int number, String backend) {
    return List.of("-netdev", backend.replaceFirst("^(\\w+)", "$1,id=n"), "-device", "virtio-net-pci,netdev=n,romfile=,mac=52:54:00:00:00:0" + number);
  }

  /** The host's own network code answers, in a namespace of its own. */
  Load tap(int bytes) { return n -> done(commands.run(inNamespace(lguest.demo(List.of("--tunnet=" + FAR), echo(n, bytes)))), true); }

  Load qemuTap(int bytes) {
    String prepare = "ip tuntap add dev bench mode tap && ip address add " + FAR + "/24 dev bench && ip link set bench up && exec \"$@\"";
    List<String> command = new ArrayList<>(List.of("sh", "-c", prepare, "sh"));
    return n -> {
      List<String> words = new ArrayList<>(command);
      words.addAll(qemu.demo(card(1, "tap,ifname=bench,script=no,downscript=no"), echo(n, bytes)));
      return done(commands.run(inNamespace(words)), false);
    };
  }

  private static List<String> inNamespace(List<String> command) {
    List<String> words = new ArrayList<>(NAMESPACE);
    words.addAll(command);
    return words;
  }

  private static Done done(Commands.Run run, boolean lguest) {
    Matcher result = RESULT.matcher(run.out());
    if (!result.find()) throw new Failure("the guest did not do it:\n" + run.out().substring(0, Math.min(2000, run.out().length())));
    Function<Integer, Double> time = group -> result.group(group) == null ? 0 : Double.parseDouble(result.group(group));
    return new Done(time.apply(2) + time.apply(3) * 1e6, run.cpu(), run.compiling(), lguest ? GuestStatistics.of(run.out()) : null, result.group(1) + result.group(4));
  }
}
