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
import java.util.Optional;

/**
 * How one process finds another on a network: each guest has a datagram socket, named after its place, in a folder beside the network's file that only the file's owner may enter. Frames do not go
 * through it. It takes two kinds of messages: a doorbell, one byte; and the descriptor of a {@link Ring} with the place of who made it. Nothing ever blocks.
 */
final class Post {
  private static final int HELLO = 0x6C674E31, HELLO_BYTES = 8;
  private static final int SOCKADDR = 110, MSGHDR = 56, CMSG = 24;

  private final NetFile file;
  private final int folder, socket;
  private final MemorySegment message = Arena.ofAuto().allocate(MSGHDR, 8), vector = Arena.ofAuto().allocate(16, 8), body = Arena.ofAuto().allocate(HELLO_BYTES, 8),
    control = Arena.ofAuto().allocate(64, 8);

  private Post(NetFile file, int folder, int socket) {
    this.file = file;
    this.folder = folder;
    this.socket = socket;
  }

  private static Path folder(NetFile file) { return file.real().resolveSibling(file.real().getFileName() + ".peers"); }

  /** Opens the box of our place. An {@link IOException} says why guests of other processes cannot be reached, and what to do. */
  static Post open(NetFile file) throws IOException {
    for (int tries = 0;; tries++) {
      int folder = enter(file), socket = -1;
      try {
        socket = Libc.socket(Libc.AF_UNIX, Libc.SOCK_DGRAM | Libc.SOCK_NONBLOCK | Libc.SOCK_CLOEXEC, 0);
        bind(file, folder, socket);
        return new Post(file, folder, socket);
      } catch (Libc.Failure e) {
        Libc.closeQuietly(folder);
        if (socket >= 0) Libc.closeQuietly(socket);
        // The last guest that left may just have taken the folder with it.
        if (tries == 3) throw new IOException("cannot make a socket in " + folder(file) + ": " + Libc.text(e) + "; put the network file on another file system", e);
      } catch (IOException e) {
        Libc.closeQuietly(folder);
        Libc.closeQuietly(socket);
        throw e;
      }
    }
  }

  /** One whose socket is open already: what a previous implementation has left. */
  static Post of(NetFile file, int socket) throws IOException { return new Post(file, enter(file), socket); }

  /** Opens the folder, made if it is missing, after a look at whose it is: in one of somebody else's, somebody else could listen. */
  private static int enter(NetFile file) throws IOException {
    Path path = folder(file);
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
      return Libc.open(path.toString(), Libc.O_PATH | Libc.O_CLOEXEC, 0);
    } catch (Libc.Failure e) {
      throw new IOException("cannot enter " + path + ": " + Libc.text(e) + "; remove it", e);
    }
  }

  private static void bind(NetFile file, int folder, int socket) throws IOException {
    try (Arena arena = Arena.ofConfined()) {
      MemorySegment address = address(arena, file, folder, file.place());
      try {
        Libc.bind(socket, address.address(), SOCKADDR);
      } catch (Libc.Failure e) {
        if (e.errno() != Libc.EADDRINUSE) throw e;
        // We hold the lock of this place: whoever had it is gone and could not clean up.
        Files.deleteIfExists(box(file, file.place()));
        Libc.bind(socket, address.address(), SOCKADDR);
      }
      // The folder is the door; whoever may enter it may write here.
      Files.setPosixFilePermissions(box(file, file.place()), PosixFilePermissions.fromString("rw-rw-rw-"));
    }
  }

  /** With the inode, so that a network file that takes the place of another of the same name is another network. */
  private static String name(NetFile file, int place) { return file.inode() + "." + place; }

  private static Path box(NetFile file, int place) { return folder(file).resolve(name(file, place)); }

  /** A {@code struct sockaddr_un}. Its 108 bytes are few for a path, so it goes by way of the open folder. */
  private static MemorySegment address(Arena arena, NetFile file, int folder, int place) {
    MemorySegment address = arena.allocate(SOCKADDR, 8);
    address.set(ValueLayout.JAVA_SHORT, 0, (short) Libc.AF_UNIX);
    address.setString(2, "/proc/self/fd/" + folder + "/" + name(file, place));
    return address;
  }

  int socket() { return socket; }

  /** A socket connected to another place's box; empty: nobody is there. */
  Optional<Integer> connect(int place) {
    int peer = -1;
    try (Arena arena = Arena.ofConfined()) {
      peer = Libc.socket(Libc.AF_UNIX, Libc.SOCK_DGRAM | Libc.SOCK_NONBLOCK | Libc.SOCK_CLOEXEC, 0);
      Libc.connect(peer, address(arena, file, folder, place).address(), SOCKADDR);
      return Optional.of(peer);
    } catch (Libc.Failure e) {
      if (peer >= 0) Libc.closeQuietly(peer);
      return Optional.empty();
    }
  }

  /** Rings the bell at the other end. False: nobody is there any more. */
  boolean ring(int peer) {
    body.set(ValueLayout.JAVA_BYTE, 0, (byte) 1);
    return send(peer, 1, 0) != Sent.NOBODY;
  }

  /** Gives the other end a ring to take frames out of. False: it could not be told. */
  boolean hello(int peer, Ring frames) {
    body.set(ValueLayout.JAVA_INT, 0, HELLO);
    body.set(ValueLayout.JAVA_INT, 4, file.place());
    control.set(ValueLayout.JAVA_LONG, 0, 20);
    control.set(ValueLayout.JAVA_INT, 8, Libc.SOL_SOCKET);
    control.set(ValueLayout.JAVA_INT, 12, Libc.SCM_RIGHTS);
    control.set(ValueLayout.JAVA_INT, 16, frames.fd());
    return send(peer, HELLO_BYTES, CMSG) == Sent.YES;
  }

  private enum Sent { YES, BUSY, NOBODY }

  /** A {@code struct msghdr}: no name, one vector, and the control data. */
  private MemorySegment message(long bytes, long controlBytes) {
    vector.set(ValueLayout.JAVA_LONG, 0, body.address());
    vector.set(ValueLayout.JAVA_LONG, 8, bytes);
    message.fill((byte) 0);
    message.set(ValueLayout.JAVA_LONG, 16, vector.address());
    message.set(ValueLayout.JAVA_LONG, 24, 1);
    if (controlBytes > 0) message.set(ValueLayout.JAVA_LONG, 32, control.address());
    message.set(ValueLayout.JAVA_LONG, 40, controlBytes);
    return message;
  }

  private Sent send(int peer, long bytes, long controlBytes) {
    try {
      Libc.sendmsg(peer, message(bytes, controlBytes).address(), Libc.MSG_NOSIGNAL);
      return Sent.YES;
    } catch (Libc.Failure e) {
      // A full box has been rung often enough.
      return e.errno() == Libc.EAGAIN || e.errno() == Libc.EINTR ? Sent.BUSY : Sent.NOBODY;
    }
  }

  /** What was in the box. */
  sealed interface Mail {
    record Bell() implements Mail {}

    /** A ring by that place; its descriptor is the taker's to close. */
    record Hello(int place, int fd) implements Mail {}
  }

  /** The next message; empty: there is none. What makes no sense is thrown away. */
  Optional<Mail> receive() {
    try {
      MemorySegment received = message(HELLO_BYTES, control.byteSize());
      long size = Libc.recvmsg(socket, received.address(), Libc.MSG_CMSG_CLOEXEC);
      int fd = -1;
      if (received.get(ValueLayout.JAVA_LONG, 40) >= 20 && control.get(ValueLayout.JAVA_INT, 8) == Libc.SOL_SOCKET && control.get(ValueLayout.JAVA_INT, 12) == Libc.SCM_RIGHTS)
        for (long at = 16; at + 4 <= control.get(ValueLayout.JAVA_LONG, 0); at += 4) {
          if (fd >= 0) Libc.closeQuietly(fd);
          fd = control.get(ValueLayout.JAVA_INT, at);
        }
      int place = body.get(ValueLayout.JAVA_INT, 4);
      if (fd < 0) return Optional.of(new Mail.Bell());
      if (size == HELLO_BYTES && body.get(ValueLayout.JAVA_INT, 0) == HELLO && place >= 0 && place < NetFile.PLACES) return Optional.of(new Mail.Hello(place, fd));
      Libc.closeQuietly(fd);
      return Optional.of(new Mail.Bell());
    } catch (Libc.Failure e) {
      return Optional.empty();
    }
  }

  /** Leaves the socket open for the next implementation. */
  void leave() { Libc.closeQuietly(folder); }

  /** Takes the box away, and with the last one the folder. */
  void close() {
    Libc.closeQuietly(socket);
    Libc.closeQuietly(folder);
    try {
      Files.deleteIfExists(box(file, file.place()));
      Files.delete(folder(file));
    } catch (DirectoryNotEmptyException | NoSuchFileException e) {
      // Others are there; or it was taken away by somebody else.
    } catch (IOException e) {
      // What is left harms nobody.
    }
  }
}
