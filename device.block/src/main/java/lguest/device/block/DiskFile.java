package lguest.device.block;

import java.io.IOException;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.nio.file.Files;
import java.nio.file.NoSuchFileException;
import java.nio.file.Path;
import java.util.List;
import java.util.Map;
import java.util.Set;
import lguest.device.DeviceException;

/**
 * An open file or block device, read and written straight from and to guest memory. Where the file system allows it large transfers leave the kernel's cache out (direct I/O), since the guest has
 * one of its own: a second descriptor is open for that, and the first serves whatever is not aligned as direct I/O wants it. Linux keeps the two ways coherent. Small transfers go by way of the
 * cache: to copy a page costs a tenth of asking a disk for it, and what one after the other asks for is read ahead, and written together. One thread at a time, but for {@link #sync}.
 */
final class DiskFile implements AutoCloseable {
  /** What makes a file that file, whatever its name is by now. */
  record Identity(long device, long inode) {}

  enum Access { READ, WRITE, CREATE }

  /** What {@link #descriptors} calls the one for direct I/O, after the name. */
  static final String DIRECT = ".direct";
  private static final int MAX_VECTOR = 64, IOVEC = 16;
  private static final long PAGE = 4096;
  /** Bytes from which on direct I/O is worth its price. */
  private static final long LARGE = 32768;
  /** File systems on which a write to the cache waits for nobody but, at times, this machine's own disks. */
  private static final Set<String> LOCAL = Set.of("ext2", "ext3", "ext4", "xfs", "btrfs", "f2fs", "tmpfs", "devtmpfs", "overlay");

  private final String name;
  private final Path path;
  private final int fd;
  private final Identity identity;
  private final MemorySegment vector, errno;
  /** −1 when direct I/O is not possible. */
  private int direct = -1;
  /** What addresses, lengths and offsets must be multiples of for direct I/O. Found out: begins with the least there is, and grows with refusals. */
  private long alignment = 512;
  private final boolean local;
  private boolean canTellCached = true;

  /**
   * Opens it, or says what is wrong in a line for the user.
   *
   * @param what it is for the user, such as {@code disk}
   * @param make how to make one if it is missing, or what else to do
   */
  DiskFile(String what, Path path, Access access, String make) throws DeviceException {
    this.path = path;
    name = what + " '" + path + "'";
    boolean device = false;
    try {
      Map<String, Object> attributes = Files.readAttributes(path, "unix:mode");
      int kind = (Integer) attributes.get("mode") & 0xF000;
      device = kind == 0x6000;
      if (kind == 0x4000) throw new DeviceException(name + " is a directory; name a file or a block device");
      // Opening a pipe would wait for its other end for ever.
      if (kind != 0x8000 && !device) throw new DeviceException(name + " is neither a file nor a block device; name one of these");
    } catch (NoSuchFileException e) {
      if (access != Access.CREATE) throw new DeviceException(name + " does not exist; " + make, e);
    } catch (IOException e) {
      throw new DeviceException("cannot look at " + name + ": " + reason(e) + "; check the path and its permissions", e);
    }
    // On a block device O_EXCL means: not while it is mounted or otherwise in use by the system.
    int flags = switch (access) {
      case READ -> Libc.O_RDONLY;
      case WRITE -> Libc.O_RDWR | (device ? Libc.O_EXCL : 0);
      case CREATE -> Libc.O_RDWR | Libc.O_CREAT;
    };
    try {
      fd = Libc.open(path.toString(), flags, 0600);
    } catch (Libc.Failure e) {
      throw new DeviceException("cannot open " + name + (access == Access.READ ? " for reading: " : " for writing: ") + e.getMessage() + switch (e.errno()) {
        case Libc.EBUSY -> "; it is mounted or in use by the system, so unmount it or add ,ro";
        case Libc.ENOENT -> "; its directory must exist";
        default -> access == Access.WRITE ? "; get permission, add ,ro or add ,overlay=<file>" : "; check its permissions";
      }, e);
    }
    try {
      identity = identity(fd);
    } catch (IOException e) {
      closeQuietly(fd);
      throw new DeviceException("cannot look at " + name + ": " + reason(e) + "; check it", e);
    }
    try {
      // By way of /proc: the very file that is open already, even if its name has gone to another meanwhile.
      direct = Libc.open("/proc/self/fd/" + fd, (access == Access.READ ? Libc.O_RDONLY : Libc.O_RDWR) | Libc.O_DIRECT, 0);
    } catch (Libc.Failure e) {
      // This file system has no direct I/O. Nobody needs to know.
    }
    local = isLocal(fd);
    vector = Arena.ofAuto().allocate(MAX_VECTOR * IOVEC, 8);
    errno = Libc.errnoPlace(Arena.ofAuto());
  }

  /** Goes on with what another implementation had open, its lock included. Until {@link #close}, the descriptors may as well be somebody else's. */
  DiskFile(String what, Path path, int fd, int direct) throws DeviceException {
    this.path = path;
    name = what + " '" + path + "'";
    this.fd = fd;
    this.direct = direct;
    try {
      identity = identity(fd);
    } catch (IOException e) {
      throw new DeviceException("cannot look at " + name + ", which the last implementation has left open: " + reason(e) + "; install that one again", e);
    }
    local = isLocal(fd);
    vector = Arena.ofAuto().allocate(MAX_VECTOR * IOVEC, 8);
    errno = Libc.errnoPlace(Arena.ofAuto());
  }

  /** The open descriptors, by name, for another implementation to go on with. */
  Map<String, Long> descriptors(String name) { return direct >= 0 ? Map.of(name, (long) fd, name + DIRECT, (long) direct) : Map.of(name, (long) fd); }

  private static boolean isLocal(int fd) {
    try {
      return LOCAL.contains(Files.getFileStore(Path.of("/proc/self/fd/" + fd)).type());
    } catch (IOException | RuntimeException e) {
      return false;
    }
  }

  private static Identity identity(int fd) throws IOException {
    Map<String, Object> id = Files.readAttributes(Path.of("/proc/self/fd/" + fd), "unix:dev,ino");
    return new Identity((Long) id.get("dev"), (Long) id.get("ino"));
  }

  private static String reason(IOException e) {
    return e instanceof java.nio.file.FileSystemException f && f.getReason() != null ? f.getReason()
      : e instanceof java.nio.file.AccessDeniedException ? "Permission denied" : e.getMessage();
  }

  /** What it is and its path, as messages call it: {@code disk 'root.img'}. */
  String name() { return name; }

  Path path() { return path; }

  Identity identity() { return identity; }

  long size() throws IOException { return Libc.size(fd); }

  boolean isDirect() { return direct >= 0; }

  /** Whether nobody can find it by name any more. */
  boolean isDeleted() {
    try {
      return (Integer) Files.getAttribute(Path.of("/proc/self/fd/" + fd), "unix:nlink") == 0;
    } catch (IOException e) {
      return false;
    }
  }

  /** Locks it all, for oneself or shared with other readers; false: somebody else has it. */
  boolean lock(boolean exclusive) throws IOException { return Libc.lock(fd, exclusive); }

  void truncate(long size) throws IOException { Libc.truncate(fd, size); }

  /** What was written is on the medium when this returns. */
  void sync() throws IOException { Libc.sync(fd); }

  /** Fills {@code parts} from {@code offset} on; returns how many bytes there were, fewer only at the file's end. */
  long read(List<MemorySegment> parts, long offset) throws IOException { return transfer(false, parts, offset); }

  /** Writes {@code parts} to {@code offset} on; returns how many bytes the system took. */
  long write(List<MemorySegment> parts, long offset) throws IOException { return transfer(true, parts, offset); }

  /** Fills all of {@code parts} from the kernel's cache. False: not all of it is there, or it cannot be told. */
  boolean readNow(List<MemorySegment> parts, long offset) {
    if (!canTellCached || parts.isEmpty()) return parts.isEmpty();
    int count = list(parts);
    if (count < parts.size()) return false;
    long done = Libc.readCached(fd, vector, count, offset, parts.getFirst(), errno);
    canTellCached = done >= 0;
    return done == Parts.length(parts);
  }

  /** Writes all of {@code parts} to the kernel's cache. False, and nothing is written: they are too large for that, or it might have to wait for a disk. */
  boolean writeNow(List<MemorySegment> parts, long offset) throws IOException {
    long length = Parts.length(parts);
    // A part of a page would have to be read first.
    if (!local || length >= LARGE || (offset | length) % PAGE != 0 || parts.size() > MAX_VECTOR) return false;
    return transfer(true, parts, offset) == length;
  }

  /** Makes {@code parts} the vector, as many of them as one call can take, and returns how many that is. */
  private int list(List<MemorySegment> parts) {
    int count = 0;
    for (int i = 0; i < parts.size(); i++) {
      MemorySegment part = parts.get(i);
      // One call takes memory of one scope, for that is what it keeps alive; all of a guest's has one.
      if (count == MAX_VECTOR || !part.scope().equals(parts.getFirst().scope())) break;
      vector.set(ValueLayout.JAVA_LONG, (long) count * IOVEC, part.address());
      vector.set(ValueLayout.JAVA_LONG, (long) count++ * IOVEC + 8, part.byteSize());
    }
    return count;
  }

  /** The bits that are set in any address, length or offset of the first {@code count} parts. */
  private static long bits(List<MemorySegment> parts, int count, long offset) {
    long mask = offset;
    for (int i = 0; i < count; i++) mask |= parts.get(i).address() | parts.get(i).byteSize();
    return mask;
  }

  private long transfer(boolean write, List<MemorySegment> parts, long offset) throws IOException {
    long total = Parts.length(parts), done = 0;
    while (done < total) {
      List<MemorySegment> rest = done == 0 ? parts : Parts.slice(parts, done, total - done);
      int count = list(rest);
      long mask = direct >= 0 && total >= LARGE ? bits(rest, count, offset + done) : 1;
      boolean directly = mask % alignment == 0;
      try {
        long moved = Libc.transfer(write, directly ? direct : fd, vector, count, offset + done, rest.getFirst(), errno);
        if (moved == 0) break;
        done += moved;
      } catch (Libc.Failure e) {
        if (e.errno() == Libc.EINTR) continue;
        if (!directly || e.errno() != Libc.EINVAL) throw e;
        // It wants more alignment than this had. Beyond a page it is something else, and direct I/O not worth the trouble.
        alignment = 2 * Math.min(Long.lowestOneBit(mask | PAGE), PAGE);
        if (alignment > PAGE) endDirect();
      }
    }
    return done;
  }

  private void endDirect() {
    closeQuietly(direct);
    direct = -1;
  }

  private static void closeQuietly(int fd) {
    try {
      Libc.close(fd);
    } catch (Libc.Failure e) {
      // Close frees the descriptor even then, and what it says about the data sync() has said.
    }
  }

  /** Gives up the file and its lock. */
  @Override public void close() {
    if (direct >= 0) endDirect();
    closeQuietly(fd);
  }
}
