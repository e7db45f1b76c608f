package lguest.device.net;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;
import static org.junit.jupiter.api.Assumptions.assumeTrue;

import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.attribute.PosixFilePermissions;
import lguest.device.DeviceException;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** Places on a network: who gets which, and when it is free again. */
class NetFileTest {
  @TempDir Path folder;

  NetFile open() throws DeviceException {
    NetFile file = NetFile.beginToJoin(folder.resolve("net").toString());
    file.joined();
    return file;
  }

  @Test void isMadeWithOneZeroPageForItsOwnerAlone() throws Exception {
    NetFile file = open();
    assertArrayEquals(new byte[4096], Files.readAllBytes(file.path()));
    assertEquals("rw-------", PosixFilePermissions.toString(Files.getPosixFilePermissions(file.path())));
    file.close();
    assertTrue(Files.exists(file.path()), "and stays");
  }

  @Test void guestsOfOneProcessGetDifferentPlacesAndFreeThem() throws Exception {
    NetFile one = open(), two = open(), three = open();
    assertEquals(0, one.place());
    assertEquals(1, two.place());
    assertEquals(2, three.place());
    two.close();
    // Closing another descriptor of the file, as anybody might, frees nothing.
    Files.readAllBytes(one.path());
    NetFile again = open(), more = open();
    assertEquals(1, again.place());
    assertEquals(3, more.place());
    for (NetFile file : new NetFile[] {one, three, again, more}) file.close();
    NetFile first = open();
    assertEquals(0, first.place());
    first.close();
  }

  /** Locks bytes as the original Launcher does, in another process. */
  private Process locker(int first, int count) throws Exception {
    Process locker = new ProcessBuilder("python3", "-c",
      "import fcntl,sys\nf=open(sys.argv[1],'r+b')\nfcntl.lockf(f,fcntl.LOCK_EX|fcntl.LOCK_NB,int(sys.argv[3]),int(sys.argv[2]))\nprint('locked',flush=True)\nsys.stdin.read()",
      folder.resolve("net").toString(), "" + first, "" + count).redirectErrorStream(true).start();
    assumeTrue("locked".equals(locker.inputReader().readLine()), "needs python3");
    return locker;
  }

  @Test void placesOfOtherProcessesAreTakenUntilTheyDie() throws Exception {
    open().close();
    Process locker = locker(0, 2);
    NetFile file = open();
    assertEquals(2, file.place());
    file.close();
    locker.destroyForcibly().waitFor();
    NetFile after = open();
    assertEquals(0, after.place());
    after.close();
  }

  @Test void fullNetworkSaysSo() throws Exception {
    open().close();
    Process locker = locker(0, 681);
    try {
      NetFile last = open();
      assertEquals(681, last.place());
      assertEquals("No free slots in network file " + folder.resolve("net") + "; 682 guests are on it, so take another file for this one",
        assertThrows(DeviceException.class, this::open).getMessage());
      last.close();
    } finally {
      locker.destroyForcibly().waitFor();
    }
  }

  @Test void userErrorsAreOneClearLine() throws Exception {
    Path text = Files.writeString(folder.resolve("text"), "my diary");
    for (String[] wrong : new String[][] {
      {"", "a shared network needs a file: sharenet=<filename>"},
      {folder.toString(), "cannot open network file '" + folder + "': Is a directory; name a file"},
      {folder.resolve("no/net").toString(), "cannot open network file '" + folder.resolve("no/net") + "': No such file or directory; its directory must exist, and you must have permission"},
      {text.toString(), "'" + text + "' is not a network file, which has 4096 bytes and not 8; name another, it is made if it is missing"},
      {"a\0b", "'a\0b' cannot be a file's name"},
      {"/dev/null/x", "cannot open network file '/dev/null/x': Not a directory"},
    }) {
      String message = assertThrows(DeviceException.class, () -> NetFile.beginToJoin(wrong[0])).getMessage();
      assertTrue(message.startsWith(wrong[1]), message);
      assertFalse(message.contains("\n"));
    }
    assertEquals("my diary", Files.readString(text));
  }
}
