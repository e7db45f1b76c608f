package lguest.launcher.system;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.lang.foreign.Arena;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.attribute.PosixFilePermissions;
import lguest.launcher.LaunchException;
import org.junit.jupiter.api.Assumptions;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

class InputFileTest {
  @TempDir Path directory;

  private static void refused(Path path, String why) {
    String message = assertThrows(LaunchException.class, () -> InputFile.open("initrd", path, "name a disk")).getMessage();
    assertTrue(message.contains("initrd '" + path + "'") && message.contains(why), message);
    assertTrue(message.contains(";"), "what to do: " + message);
  }

  @Test void everyWayAFileCannotBeReadHasItsLine() throws Exception {
    refused(directory.resolve("missing"), "does not exist");
    refused(directory, "is a directory");
    refused(Files.createFile(directory.resolve("empty")), "is empty");
    refused(Path.of("/dev/zero"), "is not a regular file");
    refused(Files.writeString(directory.resolve("file"), "x").resolve("below"), "does not exist");
    Path loop = directory.resolve("loop");
    refused(Files.createSymbolicLink(loop, loop), "cannot look at");
    Path pipe = directory.resolve("pipe");
    assertEquals(0, new ProcessBuilder("mkfifo", pipe.toString()).start().waitFor());
    refused(pipe, "is not a regular file");
  }

  @Test void anUnreadableFileHasItsLine() throws Exception {
    // Root may read any file but some of the kernel's own.
    Path forRoot = Path.of("/proc/sys/vm/compact_memory");
    Path file = Files.writeString(directory.resolve("file"), "x");
    Files.setPosixFilePermissions(file, PosixFilePermissions.fromString("---------"));
    Path unreadable = Files.isReadable(file) ? forRoot : file;
    Assumptions.assumeTrue(Files.exists(unreadable) && !Files.isReadable(unreadable) || unreadable == forRoot && Files.exists(forRoot), "no unreadable file here");
    refused(unreadable, "Permission denied");
  }

  @Test void aFileThatGotShorterIsNoticed() throws Exception {
    Path path = Files.writeString(directory.resolve("file"), "0123456789");
    try (InputFile file = InputFile.open("initrd", path, "name a disk"); Arena arena = Arena.ofConfined()) {
      assertEquals(10, file.size());
      assertEquals('3', file.read(3, 4).get(0));
      Files.writeString(path, "01234");
      assertTrue(assertThrows(LaunchException.class, () -> file.read(3, arena.allocate(4))).getMessage().contains("ends at byte 5"));
    }
  }
}
