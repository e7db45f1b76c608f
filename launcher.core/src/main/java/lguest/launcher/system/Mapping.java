package lguest.launcher.system;

import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Map;

/** Address space taken from the operating system in one piece, into which files can be laid. */
public final class Mapping {
  /** The pages that x86 and aarch64 Linux gives when it can, bytes. */
  private static final long LARGE_PAGE = 2 << 20;

  private Mapping() {}

  /** The page of a file, as the system knows files: not by name, which may move. */
  public record FilePage(long device, long inode, long index) {}

  /**
   * Maps {@code size} zero bytes, readable and writable, aligned to {@value #LARGE_PAGE}; they cost memory when touched. The system is asked for large pages, which spare the processor's
   * own page tables where memory is walked through; what it says to that makes no difference but speed. The closing of {@code arena} unmaps them.
   */
  public static MemorySegment reserve(long size, Arena arena) throws OsException {
    long mapped = size + LARGE_PAGE;
    long address;
    try {
      address = Libc.mmap(0, mapped, Libc.PROT_READ | Libc.PROT_WRITE, Libc.MAP_PRIVATE | Libc.MAP_ANONYMOUS | Libc.MAP_NORESERVE, -1, 0);
    } catch (Libc.Failure e) {
      throw new OsException(e);
    }
    long aligned = address + LARGE_PAGE - 1 & -LARGE_PAGE;
    try {
      Libc.madvise(aligned, size, Libc.MADV_HUGEPAGE);
    } catch (Libc.Failure e) {
      // A kernel without them.
    }
    return MemorySegment.ofAddress(aligned).reinterpret(size, arena, all -> Libc.munmap(address, mapped));
  }

  /** Lays the first bytes of a file over {@code place}, shared with all who map it, and says which page it is. The file must be that long. */
  public static FilePage layShared(Path file, MemorySegment place) throws java.io.IOException {
    int fd;
    try {
      fd = Libc.open(file.toString(), Libc.O_RDWR | Libc.O_CLOEXEC);
    } catch (Libc.Failure e) {
      throw new OsException(e);
    }
    try {
      // Touching a page behind a file's end kills the process (SIGBUS), not just the guest.
      if (Libc.lseek(fd, 0, Libc.SEEK_END) < place.byteSize()) throw new java.io.IOException("it is shorter than " + place.byteSize() + " bytes");
      // Asked of the open file and not of its name, which may mean another by now.
      Map<String, Object> identity = Files.readAttributes(Path.of("/proc/self/fd/" + fd), "unix:dev,ino");
      lay(fd, 0, place, Libc.MAP_SHARED);
      return new FilePage((Long) identity.get("dev"), (Long) identity.get("ino"), 0);
    } catch (Libc.Failure e) {
      throw new OsException(e);
    } finally {
      Libc.close(fd);
    }
  }

  private static void lay(int fd, long offset, MemorySegment place, int how) throws OsException {
    try {
      Libc.mmap(place.address(), place.byteSize(), Libc.PROT_READ | Libc.PROT_WRITE, how | Libc.MAP_FIXED, fd, offset);
    } catch (Libc.Failure e) {
      throw new OsException(e);
    }
  }
}
