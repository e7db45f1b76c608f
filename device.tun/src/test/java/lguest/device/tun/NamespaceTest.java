package lguest.device.tun;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assumptions.assumeTrue;

import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.concurrent.TimeUnit;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;

/**
 * Real taps, in network namespaces of their own: each test runs a scenario of {@link Scenarios} in a JVM inside one. Skipped, with the reason, where such a namespace
 * cannot be made.
 */
class NamespaceTest {
  private static List<String> unshare;

  private record Outcome(int status, String output) {}

  private static Outcome run(List<String> command) throws Exception {
    Process process = new ProcessBuilder(command).redirectErrorStream(true).start();
    process.getOutputStream().close();
    String output = new String(process.getInputStream().readAllBytes());
    if (!process.waitFor(600, TimeUnit.SECONDS)) process.destroyForcibly();
    return new Outcome(process.waitFor(), output);
  }

  @BeforeAll static void findAWayIn() throws Exception {
    assumeTrue(Files.exists(Path.of("/dev/net/tun")), "there is no /dev/net/tun here");
    String probe = "ip link set lo up && ip tuntap add dev probe mode tap && mount -t tmpfs none /mnt";
    Outcome last = null;
    for (List<String> way : List.of(List.of("unshare", "-n", "-m"), List.of("unshare", "-r", "-n", "-m"))) {
      List<String> command = new java.util.ArrayList<>(way);
      command.addAll(List.of("sh", "-c", probe));
      last = run(command);
      unshare = way;
      if (last.status == 0) return;
    }
    assumeTrue(false, "network namespaces with taps are not permitted here: " + last.output.strip());
  }

  /** Runs a scenario after a shell script has prepared the namespace; {@code before} is what java is started by. */
  private static void scenario(String name, String prepare, String... before) throws Exception {
    List<String> command = new java.util.ArrayList<>(unshare);
    command.addAll(List.of("sh", "-c", "set -e; ip link set lo up\n" + prepare + "\nexec \"$@\"", "sh"));
    command.addAll(List.of(before));
    command.addAll(List.of(ProcessHandle.current().info().command().orElseThrow(), "--enable-native-access=ALL-UNNAMED", "-XX:TieredStopAtLevel=1", "-XX:+UseSerialGC",
      "-cp", System.getProperty("java.class.path"), Scenarios.class.getName(), name));
    Outcome outcome = run(command);
    assertEquals(0, outcome.status, outcome.output);
    assertEquals("done " + name, outcome.output.strip());
  }

  @Test void addressAnswersPingAndCarriesUdp() throws Exception { scenario("address", ""); }

  @Test void prefixLengthBecomesTheNetmask() throws Exception { scenario("prefix", ""); }

  @Test void framesArriveInOrderThroughFewBuffers() throws Exception { scenario("order", ""); }

  @Test void lateFramesAreDroppedAndSaidOnceTheGuestHasSent() throws Exception { scenario("late", ""); }

  @Test void oddFramesHarmNobody() throws Exception { scenario("odd", ""); }

  @Test void nextImplementationKeepsTheInterface() throws Exception { scenario("handOver", ""); }

  @Test void vanishedTapClosesTheNetworkAndNotTheGuest() throws Exception { scenario("vanished", ""); }

  @Test void passesTheTestKit() throws Exception { scenario("testKit", ""); }

  @Test void bridgeConnectsGuestsAndHost() throws Exception {
    scenario("bridge", "ip link add br0 type bridge && ip addr add 10.1.1.1/24 dev br0 && ip link set br0 up");
  }

  @Test void missingThingsAreNamed() throws Exception { scenario("missing", "ip link add dummy0 type dummy 2>/dev/null || true"); }

  private static final String[] WITHOUT_NET_ADMIN = {"setpriv", "--bounding-set=-net_admin", "--inh-caps=-net_admin"};

  @Test void preparedTapNeedsNoRights() throws Exception {
    scenario("prepared", """
      ip tuntap add dev mine mode tap user root && ip addr add 10.2.2.1/24 dev mine && ip link set mine up
      ip tuntap add dev down mode tap user root
      ip link add br0 type bridge""", WITHOUT_NET_ADMIN);
  }

  @Test void strangersTapIsRefused() throws Exception {
    assumeTrue(!unshare.contains("-r"), "needs more than one user");
    scenario("stranger", "ip tuntap add dev hers mode tap user 12345", WITHOUT_NET_ADMIN);
  }

  @Test void missingModuleIsNamed() throws Exception { scenario("noModule", "mount -t tmpfs none /dev/net"); }

  @Test void closedDoorIsNamed() throws Exception {
    assumeTrue(!unshare.contains("-r"), "needs to make a device node");
    scenario("noPermission", "mount -t tmpfs none /dev/net && mknod -m 0 /dev/net/tun c 10 200", "setpriv", "--bounding-set=-dac_override", "--inh-caps=-dac_override");
  }
}
