package lguest.device.block;

import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Random;
import lguest.device.DeviceException;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.io.TempDir;

/** A disk for a test. */
abstract class WithDisk {
  static final int SECTORS = 1000;

  @TempDir Path folder;
  Path file;
  byte[] content;

  @BeforeEach void makeDisk() throws Exception {
    file = folder.resolve("disk.img");
    content = new byte[SECTORS * 512];
    new Random(1).nextBytes(content);
    Files.write(file, content);
  }

  Guest guest(String options) throws DeviceException { return new Guest(new BlockProvider(), file + options); }
}
