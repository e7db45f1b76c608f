package lguest.device.net;

import java.io.IOException;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.nio.file.DirectoryNotEmptyException;
import java.nio.file.FileAlreadyExistsException;
import java.nio.file.Files;
import java.nio.file.LinkOption;
import java.nio.file.NoSuchFileException;
import java.nio.file.Path;
import java.nio.file.attribute.PosixFilePermissions;
import java.util.Map;

/**
 * Where the guests of a network find each other's sockets: a folder beside the network's file that only the file's owner may enter. A socket's name is the file's inode, so that a network file that
 * takes the place of another of the same name is another network; the place of whose it is; and what it is for.
 */
final class Folder implements AutoCloseable {
  private static final int SOCKADDR = 110;

  private final NetFile file;
  private final int fd;

  private Folder(NetFile file, int fd) {
    this.file = file;
    this.fd = fd;
  }

  private static Path path(NetFile file) { return file.real().resolveSibling(file.real().getFileName() + ".peers"); }

  Path path() { return path(file); }

  /** Opens the folder, made if it is missing, after a look at whose it is: in one of somebody else's, somebody else could listen. */
  static Folder enter(NetFile file) throws IOException {
    Path path = path(file);
    try {
      Files.createDirectory(path, PosixFilePermissions.asFileAttribute(PosixFilePermissions.fromString("rwx------")));
      Files.setAttribute(path, "unix:uid", file.owner());
    } catch (FileAlreadyExistsException e) {
      // As it should be, if it is what it should be.
    } catch (IOException e) {
      throw new IOException("cannot make the folder " + path + ": " + e.getMessage() + "; put the network file into a folder you may write to", e);
    }
    Map<String, Object> attributes = Files.readAttributes(path, "unix:mode,uid", LinkOption.NOFOLLOW_LINKS);
    int mode = (Integer) attributes.get("mode");
    if ((mode & 0xF000) != 0x4000 || (mode & 077) != 0 || (Integer) attributes.get("uid") != file.owner())
      throw new IOException(path + " is not a folder of the network file's owner alone; remove it");
    try {
      return new Folder(file, Libc.open(path.toString(), Libc.O_PATH | Libc.O_CLOEXEC, 0));
    } catch (Libc.Failure e) {
      throw new IOException("cannot enter " + path + ": " + Libc.text(e) + "; remove it", e);
    }
  }

  private String name(int place, String what) { return file.inode() + "." + what + place; }

  private Path own(String what) { return path().resolve(name(file.place(), what)); }

  /** A {@code struct sockaddr_un}. Its 108 bytes are few for a path, so it goes by way of the open folder. */
  private MemorySegment address(Arena arena, int place, String what) {
    MemorySegment address = arena.allocate(SOCKADDR, 8);
    address.set(ValueLayout.JAVA_SHORT, 0, (short) Libc.AF_UNIX);
    address.setString(2, "/proc/self/fd/" + fd + "/" + name(place, what));
    return address;
  }

  /** Makes {@code socket} ours of that kind. A {@link Libc.Failure} when it cannot be, because the folder is gone, for instance. */
  void bind(int socket, String what) throws IOException {
    try (Arena arena = Arena.ofConfined()) {
      MemorySegment address = address(arena, file.place(), what);
      try {
        Libc.bind(socket, address.address(), SOCKADDR);
      } catch (Libc.Failure e) {
        if (e.errno() != Libc.EADDRINUSE) throw e;
        // We hold the lock of this place: whoever had it is gone and could not clean up.
        Files.deleteIfExists(own(what));
        Libc.bind(socket, address.address(), SOCKADDR);
      }
      // The folder is the door; whoever may enter it may write here.
      Files.setPosixFilePermissions(own(what), PosixFilePermissions.fromString("rw-rw-rw-"));
    }
  }

  /** Connects {@code socket} to another place's of that kind. False: nobody is there. */
  boolean connect(int socket, int place, String what) {
    try (Arena arena = Arena.ofConfined()) {
      Libc.connect(socket, address(arena, place, what).address(), SOCKADDR);
      return true;
    } catch (Libc.Failure e) {
      return false;
    }
  }

  /** Takes our socket of that kind away. */
  void remove(String what) {
    try {
      Files.deleteIfExists(own(what));
    } catch (IOException e) {
      // What is left harms nobody.
    }
  }

  /** Takes the folder away, too, if nobody else has anything in it. */
  void removeIfEmpty() {
    try {
      Files.delete(path());
    } catch (DirectoryNotEmptyException | NoSuchFileException e) {
      // Others are there; or it was taken away by somebody else.
    } catch (IOException e) {
      // What is left harms nobody.
    }
  }

  @Override public void close() { Libc.closeQuietly(fd); }
}
