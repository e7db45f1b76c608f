package lguest.device.block;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;
import static org.junit.jupiter.api.Assumptions.assumeTrue;

import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Optional;
import java.util.Random;
import java.util.Set;
import lguest.device.DeviceState;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/** What the guest wrote is on the medium when its power is off (L43). We ask the kernel, which knows what it still has to write. */
class MediumTest extends WithDisk {
  private static final int WRITES = 50;

  @BeforeEach void askTheKernel() throws Exception {
    assumeTrue(Set.of("ext3", "ext4", "xfs", "btrfs").contains(Files.getFileStore(folder).type()), "needs a file system with a medium: " + folder + " has none");
    Cache.write(file);
    assumeTrue(Cache.unwritten(file).isPresent(), "needs a kernel that tells what it has in its cache: cachestat(2), Linux 6.5");
    assertEquals(0, unwritten(file));
  }

  private static long unwritten(Path file) throws Exception { return Cache.unwritten(file).orElseThrow(); }

  private String options(boolean overlay) { return overlay ? ",overlay=" + folder.resolve("overlay") : ""; }

  private Path written(boolean overlay) { return overlay ? folder.resolve("overlay") : file; }

  /** Some go to the cache on the guest's thread, others on the working thread. */
  private void writeSome(Guest guest, boolean overlay) throws Exception {
    Random random = new Random(30);
    for (int i = 0; i < WRITES; i++) {
      guest.write(8 * random.nextInt(SECTORS / 8), Guest.bytes(i % 2 == 0 ? 4096 : 512, i));
      assertEquals(1, guest.result());
    }
    assertTrue(unwritten(written(overlay)) > 0, "this would show nothing: the kernel has written all of it by itself");
  }

  @ParameterizedTest
  @ValueSource(booleans = {false, true})
  void nothingIsLeftToWriteWhenTheGuestHasEnded(boolean overlay) throws Exception {
    try (Guest guest = guest(options(overlay))) {
      writeSome(guest, overlay);
    }
    assertEquals(0, unwritten(written(overlay)), "pages that are not on the medium");
  }

  @ParameterizedTest
  @ValueSource(booleans = {false, true})
  void nothingIsLeftToWriteWhenTheDiskHasBeenIdle(boolean overlay) throws Exception {
    try (Guest guest = guest(options(overlay))) {
      writeSome(guest, overlay);
      for (long end = System.nanoTime() + Guest.LIMIT.toNanos(); unwritten(written(overlay)) > 0 && System.nanoTime() < end; Thread.sleep(20)) { }
      assertEquals(0, unwritten(written(overlay)), "pages that are not on the medium");
    }
  }

  @ParameterizedTest
  @ValueSource(booleans = {false, true})
  void theNextImplementationBringsToTheMediumWhatTheLastOneHasWritten(boolean overlay) throws Exception {
    Optional<DeviceState> state;
    try (Guest guest = guest(options(overlay))) {
      writeSome(guest, overlay);
      state = guest.device.drain();
    }
    new Guest(new BlockProvider(), file + options(overlay), state).close();
    assertEquals(0, unwritten(written(overlay)), "pages that are not on the medium");
  }
}
