package lguest.device.block;

import static lguest.device.block.Guest.bytes;
import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;
import static org.junit.jupiter.api.Assumptions.assumeTrue;

import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Arrays;
import lguest.device.DeviceException;
import org.junit.jupiter.api.Test;

/** What the user may not ask for, each in one clear line; who has the disk already. */
class RefusalTest extends WithDisk {
  @Test void secondWriterIsRefusedByName() throws Exception {
    BlockProvider provider = new BlockProvider();
    String sharing = "; guests can share it if all of them add ,ro or an ,overlay=<file> of their own";
    try (Guest guest = new Guest(provider, file.toString())) {
      assertEquals("disk '" + file + "' is in use by guest 'fake' (block 0)" + sharing,
        assertThrows(DeviceException.class, () -> new Guest(provider, file.toString())).getMessage());
      Path other = Files.createLink(folder.resolve("same.img"), file);
      assertEquals("disk '" + other + "' is in use by guest 'fake' (block 0), which writes to it" + sharing,
        assertThrows(DeviceException.class, () -> new Guest(provider, other + ",ro")).getMessage());
      guest.write(0, bytes(512, 10));
      assertEquals(1, guest.result(), "and the first notices nothing");
      assertThrows(DeviceException.class, () -> new Guest(provider, file.toString()), "the refusal has not freed the lock either");
    }
    try (Guest one = new Guest(provider, file + ",ro"); Guest two = new Guest(provider, file + ",ro")) {
      assertArrayEquals(one.read(3, 512).received(), two.read(3, 512).received());
      assertThrows(DeviceException.class, () -> new Guest(provider, file.toString()));
    }
    new Guest(provider, file.toString()).close();
  }

  @Test void writerInAnotherProcessIsNamed() throws Exception {
    Process other = new ProcessBuilder("python3", "-c",
      "import fcntl,sys,struct\nf=open(sys.argv[1],'r+b')\nfcntl.lockf(f,fcntl.LOCK_EX|fcntl.LOCK_NB)\nprint('locked',flush=True)\nsys.stdin.read()", file.toString())
      .redirectErrorStream(true).start();
    try {
      String said = other.inputReader().readLine();
      assumeTrue("locked".equals(said), "needs python3");
      String message = assertThrows(DeviceException.class, () -> guest("")).getMessage();
      assertTrue(message.startsWith("disk '" + file + "' is in use by process " + other.pid() + " (python3"), message);
    } finally {
      other.destroyForcibly().waitFor();
    }
    guest("").close();
  }

  @Test void userErrorsAreOneClearLine() throws Exception {
    Path missing = folder.resolve("missing"), empty = Files.createFile(folder.resolve("empty")), broken = folder.resolve("no/such/folder");
    Files.writeString(folder.resolve("text"), "not an overlay, is it?".repeat(300));
    for (String[] wrong : new String[][] {
      {"", "a block device needs a file: block=<filename>[,ro][,overlay=<file>]"},
      {file + ",rw", "'rw' is no option of a block device: block=<filename>[,ro][,overlay=<file>] (a comma in a name is written twice)"},
      {file + ",overlay=", "'overlay=' is no option of a block device: "},
      {file + ",ro,overlay=x", "a block device is either ro or has an overlay"},
      {missing.toString(), "disk '" + missing + "' does not exist; check the path, or make a disk of 1 GiB with: truncate -s 1G <filename>"},
      {folder.toString(), "disk '" + folder + "' is a directory; name a file or a block device"},
      {"/dev/null", "disk '/dev/null' is neither a file nor a block device; name one of these"},
      {empty.toString(), "disk '" + empty + "' is empty; give it a size, 1 GiB for instance, with: truncate -s 1G " + empty},
      {"a\0b", "'a\0b' cannot be a file's name"},
      {file + ",overlay=" + broken, "cannot open overlay '" + broken + "' for writing: No such file or directory; its directory must exist"},
      {file + ",overlay=" + folder.resolve("text"), "overlay '" + folder.resolve("text") + "' is not an overlay, so it is left as it is"},
      {file + ",overlay=" + file, "overlay '" + file + "' is in use by guest 'fake' (block 0); name another file for the overlay"},
    }) {
      String message = assertThrows(DeviceException.class, () -> new Guest(new BlockProvider(), wrong[0]), wrong[0]).getMessage();
      assertTrue(message.startsWith(wrong[1]), message);
      assertFalse(message.contains("\n"));
    }
    assertFalse(Files.exists(missing));
    assertArrayEquals(content, Files.readAllBytes(file));
    new Guest(new BlockProvider(), file.toString()).close();
  }

  @Test void commaInANameIsWrittenTwice() throws Exception {
    Path odd = Files.move(file, folder.resolve("a,b"));
    try (Guest guest = new Guest(new BlockProvider(), odd.toString().replace(",", ",,") + ",ro")) {
      assertArrayEquals(Arrays.copyOf(content, 512), guest.read(0, 512).received());
    }
  }
}
