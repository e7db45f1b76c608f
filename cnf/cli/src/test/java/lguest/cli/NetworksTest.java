package lguest.cli;

import static org.junit.jupiter.api.Assertions.assertTrue;

import java.nio.file.Files;
import java.nio.file.Path;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;

/** Shared-file networks between guests of different processes, and of the same. */
@Timeout(600)
class NetworksTest {
  private static final long PATIENCE = 120;
  @TempDir Path directory;
  private Lguest lguest;

  @BeforeEach void prepare() throws Exception { lguest = new Lguest(directory); }

  private Session guest(String address) throws Exception {
    Session guest = new Session(lguest.lguest("--sharenet=net", "32", Lguest.demo().toString()), PATIENCE);
    guest.await("demo# ");
    guest.demo("net 0 " + address, "");
    return guest;
  }

  private static void transfer(Session from, String to) throws Exception {
    from.demo("net 0 ping " + to + " 20", "20 pings, 20 answers");
    String said = from.demo("net 0 bulk " + to + " 512", "375 of 375 blocks");
    assertTrue(said.contains(" 0 wrong"), said);
  }

  private static void powerOff(Session guest) throws Exception {
    guest.type("poweroff");
    guest.ended();
  }

  @Test void twoProcesses() throws Exception {
    try (Session one = guest("10.1.0.1"); Session two = guest("10.1.0.2")) {
      transfer(one, "10.1.0.2");
      transfer(two, "10.1.0.1");
      powerOff(one);
      two.demo("net 0 ping 10.1.0.1 1", "nobody has this address");
      powerOff(two);
    }
    assertTrue(Files.notExists(directory.resolve("net.peers")), "nothing is left beside the network's file");
    lguest.assertNothingLeft();
  }

  @Test void twoGuestsOfOneProcessAndOneOfAnother() throws Exception {
    try (Session shell = new Session(lguest.lguest("shell"), PATIENCE)) {
      // They answer, the third asks; and one of them asks the other in between.
      shell.type("run --sharenet=net 32 " + Lguest.demo() + " 'run=net 0 10.1.0.2'");
      shell.await("is running");
      shell.type("run --sharenet=net 32 " + Lguest.demo() + " 'run=net 0 10.1.0.3;net 0 bulk 10.1.0.2 512'");
      shell.await("is running");
      try (Session other = guest("10.1.0.1")) {
        transfer(other, "10.1.0.2");
        transfer(other, "10.1.0.3");
        transfer(other, "10.1.0.2");
        powerOff(other);
      }
      shell.type("list");
      String guests = shell.await("running") + shell.await("running");
      shell.type("quit");
      assertTrue(!shell.ended().contains("died"), guests);
    }
  }

  @Test void neighbourKilledInTheMiddleOfATransfer() throws Exception {
    try (Session one = guest("10.1.0.1")) {
      try (Session two = guest("10.1.0.2")) {
        transfer(one, "10.1.0.2");
        one.type("net 0 bulk 10.1.0.2 200000");
        one.await("bulk 10.1.0.2 200000");
        Thread.sleep(500);
        two.kill();
      }
      // It gives up by itself, and says how far it came.
      one.await(" blocks of ");
      one.await("demo# ");
      // The place is free again, and so is what it left in its line.
      try (Session three = guest("10.1.0.3")) {
        assertTrue(three.demo("net", "line 1, ").contains("line 1, "));
        transfer(one, "10.1.0.3");
        transfer(three, "10.1.0.1");
        powerOff(three);
      }
      powerOff(one);
    }
  }

  @Test void networkWhoseFileIsCutOffGoesOn() throws Exception {
    try (Session one = guest("10.1.0.1"); Session two = guest("10.1.0.2")) {
      Files.write(directory.resolve("net"), new byte[0]);
      transfer(one, "10.1.0.2");
      try (Session three = guest("10.1.0.3")) {
        transfer(three, "10.1.0.1");
        powerOff(three);
      }
      powerOff(one);
      powerOff(two);
    }
  }
}
