package lguest.cli;

import static java.lang.foreign.ValueLayout.ADDRESS;
import static java.lang.foreign.ValueLayout.JAVA_INT;
import static java.lang.foreign.ValueLayout.JAVA_LONG;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;
import static org.junit.jupiter.api.Assumptions.assumeTrue;

import java.lang.foreign.Arena;
import java.lang.foreign.FunctionDescriptor;
import java.lang.foreign.Linker;
import java.lang.foreign.MemorySegment;
import java.nio.channels.FileChannel;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardOpenOption;
import java.util.Set;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/** When lguest has ended because its guest switched itself off, what the guest wrote is on the medium: the kernel has nothing of it left to write, as it tells by cachestat(2). */
@Timeout(600)
class PowerOffTest {
  private static final long CACHESTAT = 451; // on all machines
  private static final int DIRTY = 8, BEING_WRITTEN = 16, FIGURES = 40, UNKNOWN = -1;
  @TempDir Path directory;

  @ParameterizedTest
  @ValueSource(strings = {"", ",overlay=overlay"})
  void whatTheGuestWroteIsOnTheMedium(String options) throws Exception {
    assumeTrue(Set.of("ext3", "ext4", "xfs", "btrfs").contains(Files.getFileStore(directory).type()), "needs a file system with a medium: " + directory + " has none");
    Path disk = Files.write(directory.resolve("disk"), new byte[8 << 20]), written = options.isEmpty() ? disk : directory.resolve("overlay");
    try (FileChannel file = FileChannel.open(disk, StandardOpenOption.WRITE)) {
      file.force(true);
    }
    assumeTrue(unwritten(disk) != UNKNOWN, "needs a kernel that tells what it has in its cache: Linux 6.5");
    assertEquals(0, unwritten(disk));
    Lguest lguest = new Lguest(directory);
    try (Session guest = new Session(lguest.lguest("--block=disk" + options, "32", Lguest.demo().toString()), 120)) {
      guest.await("demo# ");
      guest.demo("disk 0 random-write 3000", "3000 requests");
      assertTrue(unwritten(written) > 0, "this would show nothing: the kernel has written all of it by itself");
      guest.type("poweroff");
      guest.ended();
    }
    assertEquals(0, unwritten(written), "pages that are not on the medium");
  }

  private static long unwritten(Path path) throws Exception {
    Linker linker = Linker.nativeLinker();
    FunctionDescriptor open = FunctionDescriptor.of(JAVA_INT, ADDRESS, JAVA_INT), call = FunctionDescriptor.of(JAVA_LONG, JAVA_LONG, JAVA_INT, ADDRESS, ADDRESS, JAVA_INT);
    try (Arena arena = Arena.ofConfined()) {
      int fd = (int) linker.downcallHandle(linker.defaultLookup().findOrThrow("open"), open, Linker.Option.firstVariadicArg(2)).invokeExact(arena.allocateFrom(path.toString()), 0);
      assertTrue(fd >= 0, "cannot open " + path);
      try {
        MemorySegment all = arena.allocate(16, 8), figures = arena.allocate(FIGURES, 8); // offset 0, length 0 for "to its end"
        long result = (long) linker.downcallHandle(linker.defaultLookup().findOrThrow("syscall"), call, Linker.Option.firstVariadicArg(1)).invokeExact(CACHESTAT, fd, all, figures, 0);
        return result != 0 ? UNKNOWN : figures.get(JAVA_LONG, DIRTY) + figures.get(JAVA_LONG, BEING_WRITTEN);
      } finally {
        int closed = (int) linker.downcallHandle(linker.defaultLookup().findOrThrow("close"), FunctionDescriptor.of(JAVA_INT, JAVA_INT)).invokeExact(fd);
      }
    } catch (RuntimeException | Error e) {
      throw e;
    } catch (Throwable e) {
      throw new AssertionError(e);
    }
  }
}
