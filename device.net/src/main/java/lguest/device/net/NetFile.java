package lguest.device.net;

import java.io.IOException;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.nio.file.Files;
import java.nio.file.InvalidPathException;
import java.nio.file.Path;
import java.util.Map;
import lguest.device.DeviceException;

/**
 * A network's file, open, and the place on it that is ours: one page that all guests of the network map, six bytes each (ABI §3.4). Who has place n has a write lock on byte
 * n. The locks belong to the open file ("open file description locks"), so two guests of one JVM get different places, and the kernel frees them however a process ends. They
 * respect the locks of the original Launcher, and it respects these.
 *
 * @param path as the user gave it
 * @param real where it really is: what all who use it agree on
 * @param fd holds the lock
 * @param owner user id of the file's owner
 */
record NetFile(Path path, Path real, int fd, long inode, int owner, int place) {
  static final String USAGE = "sharenet=<filename>";
  static final int PAGE = 4096, ADDRESS = 6, PLACES = PAGE / ADDRESS;

  /** Opens the file, made if it is missing, and takes the first free place. */
  static NetFile open(String name) throws DeviceException {
    if (name.isEmpty()) throw new DeviceException("a shared network needs a file: " + USAGE);
    int fd;
    try {
      fd = Libc.open(Path.of(name).toString(), Libc.O_RDWR | Libc.O_CREAT | Libc.O_CLOEXEC, 0600);
    } catch (InvalidPathException e) {
      throw new DeviceException("'" + name + "' cannot be a file's name: " + e.getReason(), e);
    } catch (Libc.Failure e) {
      throw new DeviceException("cannot open network file '" + name + "': " + Libc.text(e)
        + (e.errno() == Libc.EISDIR ? "; name a file" : "; its directory must exist, and you must have permission to read and write it"), e);
    }
    try {
      long size = Libc.lseek(fd, 0, Libc.SEEK_END);
      if (size == 0) Libc.ftruncate(fd, PAGE);
      else if (size != PAGE)
        throw new DeviceException("'" + name + "' is not a network file, which has " + PAGE + " bytes and not " + size + "; name another, it is made if it is missing");
      return of(name, fd, takePlace(name, fd));
    } catch (Libc.Failure e) {
      Libc.closeQuietly(fd);
      throw new DeviceException("cannot use '" + name + "' as a network file: " + Libc.text(e) + "; name another, it is made if it is missing", e);
    } catch (DeviceException | RuntimeException e) {
      Libc.closeQuietly(fd);
      throw e;
    }
  }

  /** One that is open already: what a previous implementation has left. */
  static NetFile of(String name, int fd, int place) throws DeviceException {
    try {
      Path open = Path.of("/proc/self/fd/" + fd);
      Map<String, Object> attributes = Files.readAttributes(open, "unix:ino,uid");
      return new NetFile(Path.of(name), open.toRealPath(), fd, (Long) attributes.get("ino"), (Integer) attributes.get("uid"), place);
    } catch (IOException e) {
      throw new DeviceException("cannot look at network file '" + name + "': " + e.getMessage() + "; was it deleted just now?", e);
    }
  }

  private static int takePlace(String name, int fd) throws DeviceException {
    try (Arena arena = Arena.ofConfined()) {
      MemorySegment flock = arena.allocate(32, 8); // struct flock: type, whence, start, length, pid
      flock.set(ValueLayout.JAVA_SHORT, 0, Libc.F_WRLCK);
      flock.set(ValueLayout.JAVA_LONG, 16, 1);
      for (int place = 0; place < PLACES; place++) {
        flock.set(ValueLayout.JAVA_LONG, 8, place);
        try {
          Libc.fcntl(fd, Libc.F_OFD_SETLK, flock.address());
          return place;
        } catch (Libc.Failure e) {
          if (e.errno() != Libc.EAGAIN && e.errno() != Libc.EACCES) throw e;
        }
      }
    }
    throw new DeviceException("No free slots in network file " + name + "; " + PLACES + " guests are on it, so take another file for this one");
  }

  /** Gives the place up. */
  void close() { Libc.closeQuietly(fd); }
}
