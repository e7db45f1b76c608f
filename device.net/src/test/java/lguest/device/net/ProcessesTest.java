package lguest.device.net;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.nio.file.Path;
import lguest.device.net.NetDeviceTest.Guest;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** Guests of two processes, of which one is killed in the middle. */
class ProcessesTest {
  @TempDir Path folder;

  /** Sends back whatever comes. */
  static final class Echo {
    public static void main(String[] args) throws Exception {
      try (Guest guest = new Guest(Path.of(args[0]))) {
        guest.up();
        System.out.println(guest.place);
        while (true) {
          byte[] frame = guest.receive();
          if (frame != null) guest.send(Integer.parseInt(args[1]), frame);
        }
      }
    }
  }

  private Process echo(Path net) throws Exception {
    return new ProcessBuilder(ProcessHandle.current().info().command().orElseThrow(), "--enable-native-access=ALL-UNNAMED", "-XX:TieredStopAtLevel=1", "-XX:+UseSerialGC",
      "-cp", System.getProperty("java.class.path"), Echo.class.getName(), net.toString(), "0").redirectError(ProcessBuilder.Redirect.INHERIT).start();
  }

  @Test void echoComesBackFromAnotherProcessAndFromItsSuccessor() throws Exception {
    Path net = folder.resolve("net");
    try (Guest here = new Guest(net)) {
      here.up();
      for (int life = 0; life < 2; life++) {
        Process there = echo(net);
        try {
          assertEquals("1", there.inputReader().readLine(), "its predecessor's place, which the kernel has freed");
          assertArrayEquals(new byte[] {2, 0, 1, 0, 0, 0}, here.line(1));
          int sent = 0, received = 0;
          // A window of frames under way, as TCP has.
          for (long end = System.nanoTime() + NetDeviceTest.LIMIT; received < 5000;) {
            assertTrue(System.nanoTime() < end, sent + " sent, " + received + " back, " + here.machine.counters());
            if (sent - received < 32 && here.send(1, NetDeviceTest.frame(sent, 1514))) sent++;
            byte[] back = here.receive();
            if (back != null) assertArrayEquals(NetDeviceTest.frame(received++, 1514), back);
          }
          // Killed with frames under way.
          for (int i = 0; i < 16; i++) here.send(1, NetDeviceTest.frame(i, 1514));
        } finally {
          there.destroyForcibly().waitFor();
        }
        // Nobody is at home now: soon that is known, and nothing else happens.
        for (long end = System.nanoTime() + NetDeviceTest.LIMIT; here.send(1, NetDeviceTest.frame(0, 60)); Thread.sleep(1)) assertTrue(System.nanoTime() < end);
        while (here.receive() != null) {}
      }
      assertEquals(java.util.List.of(), here.warnings());
    }
  }
}
