package lguest.device.net;

import java.io.IOException;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.nio.file.Files;
import java.nio.file.InvalidPathException;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import lguest.device.DeviceException;

/**
 * A network's file, open, and the place on it that is ours. Of the {@link SharedPage} that all guests of the network map six bytes are each one's (ABI §3.4); who has place n of it has a write
 * lock on byte n of the file. The locks belong to the open file ("open file description locks"), so two guests of one JVM get different places, and the kernel frees them however a process ends. They
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

  /** Behind the places: the byte of who is about to join. */
  private static final int JOINING = PLACES;
  private static final long JOIN_MILLIS = 15_000;

  /** Opens the file, made if it is missing, and takes the first free place. Until {@link #joined} no other guest can. */
  static NetFile beginToJoin(String name) throws DeviceException {
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
      awaitTurn(name, fd);
      return of(name, Path.of("/proc/self/fd/" + fd).toRealPath(), fd, takePlace(name, fd));
    } catch (Libc.Failure e) {
      Libc.closeQuietly(fd);
      throw new DeviceException("cannot use '" + name + "' as a network file: " + Libc.text(e) + "; name another, it is made if it is missing", e);
    } catch (IOException e) {
      Libc.closeQuietly(fd);
      throw new DeviceException("cannot look at network file '" + name + "': " + e.getMessage() + "; was it deleted just now?", e);
    } catch (DeviceException | RuntimeException e) {
      Libc.closeQuietly(fd);
      throw e;
    }
  }

  /** One that is open already: what a previous implementation has left. */
  static NetFile of(String name, Path real, int fd, int place) throws DeviceException {
    try {
      Map<String, Object> attributes = Files.readAttributes(Path.of("/proc/self/fd/" + fd), "unix:ino,uid");
      return new NetFile(Path.of(name), real, fd, (Long) attributes.get("ino"), (Integer) attributes.get("uid"), place);
    } catch (IOException e) {
      throw new DeviceException("cannot look at network file '" + name + "': " + e.getMessage() + "; was it deleted just now?", e);
    }
  }

  private static int takePlace(String name, int fd) throws DeviceException {
    for (int place = 0; place < PLACES; place++) if (lock(fd, place, Libc.F_WRLCK)) return place;
    throw new DeviceException("No free slots in network file " + name + "; " + PLACES + " guests are on it, so take another file for this one");
  }

  private static void awaitTurn(String name, int fd) throws DeviceException {
    for (long end = System.nanoTime() + JOIN_MILLIS * 1_000_000; !lock(fd, JOINING, Libc.F_WRLCK);) {
      if (System.nanoTime() - end > 0) throw new DeviceException("another guest has been joining network file '" + name + "' for " + JOIN_MILLIS / 1000 + " s; is its process stopped?");
      try {
        Thread.sleep(5);
      } catch (InterruptedException e) {
        Thread.currentThread().interrupt();
        throw new DeviceException("interrupted while joining network file '" + name + "'", e);
      }
    }
  }

  /** Now others can join. */
  void joined() { lock(fd, JOINING, Libc.F_UNLCK); }

  /** Locks or unlocks a byte, or says that somebody else has it. */
  private static boolean lock(int fd, int at, short how) {
    try (Arena arena = Arena.ofConfined()) {
      Libc.fcntl(fd, Libc.F_OFD_SETLK, flock(arena, at, 1, how).address());
      return true;
    } catch (Libc.Failure e) {
      if (e.errno() != Libc.EAGAIN && e.errno() != Libc.EACCES) throw e;
      return false;
    }
  }

  private static MemorySegment flock(Arena arena, int from, int length, short how) {
    MemorySegment flock = arena.allocate(32, 8); // struct flock: type, whence, start, length, pid
    flock.set(ValueLayout.JAVA_SHORT, 0, how);
    flock.set(ValueLayout.JAVA_LONG, 8, from);
    flock.set(ValueLayout.JAVA_LONG, 16, length);
    return flock;
  }

  /** The places other guests have, of this process and of others. */
  List<Integer> otherPlaces() {
    List<Integer> places = new ArrayList<>();
    try (Arena arena = Arena.ofConfined()) {
      for (int from = 0; from < PLACES;) {
        MemorySegment flock = flock(arena, from, PLACES - from, Libc.F_WRLCK);
        Libc.fcntl(fd, Libc.F_OFD_GETLK, flock.address());
        if (flock.get(ValueLayout.JAVA_SHORT, 0) == Libc.F_UNLCK) break;
        int first = (int) flock.get(ValueLayout.JAVA_LONG, 8), length = (int) Math.min(flock.get(ValueLayout.JAVA_LONG, 16), PLACES);
        int end = length == 0 ? PLACES : Math.min(first + length, PLACES);
        for (int place = Math.max(first, from); place < end; place++) places.add(place);
        from = Math.max(end, from + 1);
      }
    }
    return places;
  }

  /** Gives the place up. */
  void close() { Libc.closeQuietly(fd); }
}
