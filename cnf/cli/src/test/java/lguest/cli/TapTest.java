package lguest.cli;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;
import static org.junit.jupiter.api.Assumptions.assumeTrue;

import java.io.IOException;
import java.net.DatagramPacket;
import java.net.DatagramSocket;
import java.net.InetAddress;
import java.net.SocketTimeoutException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** The demo guest talks to its host over a tap, in a network namespace of the test's own. Skipped, with the reason, where such a namespace cannot be made. */
class TapTest {
  private static final String HOST = "10.7.0.1", GUEST = "10.7.0.2";
  private static final int ECHO = 7;
  private static List<String> unshare;
  @TempDir Path directory;
  Lguest lguest;

  @BeforeAll static void findAWayIn() throws Exception {
    String said = "";
    for (List<String> way : List.of(List.of("unshare", "-n"), List.of("unshare", "-r", "-n"))) {
      List<String> command = new ArrayList<>(way);
      command.addAll(List.of("sh", "-c", "ip link set lo up && ip tuntap add dev probe mode tap"));
      try {
        Process process = new ProcessBuilder(command).redirectErrorStream(true).start();
        said = Lguest.drain(process.getInputStream()).get();
        if (process.waitFor() == 0) {
          unshare = way;
          return;
        }
      } catch (IOException e) {
        said = e.getMessage();
      }
    }
    assumeTrue(false, "network namespaces with taps are not permitted here: " + said.strip());
  }

  @BeforeEach void prepare() throws Exception { lguest = new Lguest(directory); }

  @Test void byAddress() throws Exception { talk("true", "--tunnet=" + HOST); }

  @Test void byBridge() throws Exception { talk("ip link add br0 type bridge && ip addr add " + HOST + "/24 dev br0 && ip link set br0 up", "--tunnet=bridge:br0"); }

  private void talk(String prepare, String option) throws Exception {
    List<String> command = new ArrayList<>(unshare);
    command.addAll(List.of("sh", "-c", "ip link set lo up && " + prepare + """
        || exit 1
        "$1" -cp "$2" "$3" &
        host=$!
        shift 3
        await() { until [ -e "$1" ] || ! kill -0 $host; do sleep 0.1; done; }
        await serving
        (await echoed; echo poweroff) | "$@"
        status=$?
        kill $host
        exit $status""", "sh", Path.of(System.getProperty("java.home"), "bin", "java").toString(), System.getProperty("java.class.path"), OnTheHost.class.getName(),
        "./lguest", option, "demo", "quiet", "run=net 0 " + GUEST + ";net 0 ping " + HOST + " 10;net 0 bulk " + HOST + " 256"));
    Lguest.Result result = lguest.finish(lguest.command(directory, command.toArray(String[]::new)).start(), "");
    assertEquals(0, result.status(), result::toString);
    assertTrue(result.out().contains("10 pings, 10 answers"), result::toString);
    assertTrue(result.out().contains("188 of 188 blocks"), result::toString);
    assertTrue(result.out().contains(", 0 wrong"), result::toString);
    assertTrue(Files.exists(directory.resolve("echoed")), result::toString);
  }

  /** An echo service, and somebody who tries the guest's; files say how far they are. */
  static final class OnTheHost {
    public static void main(String[] arguments) throws IOException {
      Thread.ofPlatform().daemon().start(OnTheHost::serve);
      byte[] hello = new byte[777];
      for (int i = 0; i < hello.length; i++) hello[i] = (byte) (i * 7);
      try (DatagramSocket socket = new DatagramSocket()) {
        socket.setSoTimeout(100);
        while (true) {
          try {
            socket.send(new DatagramPacket(hello, hello.length, InetAddress.getByName(GUEST), ECHO));
            DatagramPacket answer = new DatagramPacket(new byte[2000], 2000);
            socket.receive(answer);
            if (Arrays.equals(hello, Arrays.copyOf(answer.getData(), answer.getLength()))) break;
          } catch (SocketTimeoutException e) {
            // Not there yet.
          } catch (IOException e) {
            pause();
          }
        }
      }
      Files.createFile(Path.of("echoed"));
      while (true) pause();
    }

    private static void serve() {
      try (DatagramSocket socket = new DatagramSocket(ECHO)) {
        Files.createFile(Path.of("serving"));
        while (true) {
          DatagramPacket packet = new DatagramPacket(new byte[2000], 2000);
          socket.receive(packet);
          socket.send(packet);
        }
      } catch (IOException e) {
        System.out.println("no echo service: " + e);
        System.exit(1);
      }
    }

    private static void pause() {
      try {
        Thread.sleep(100);
      } catch (InterruptedException e) {
        System.exit(1);
      }
    }
  }
}
