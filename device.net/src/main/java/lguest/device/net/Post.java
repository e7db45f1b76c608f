package lguest.device.net;

import java.io.IOException;
import java.lang.foreign.ValueLayout;
import java.util.Optional;

/**
 * How one process sends to another on a network: each guest has a datagram socket in the network's {@link Folder}. Frames do not go through it. It takes two kinds of messages: a doorbell, one byte;
 * and the descriptor of a {@link Ring} with the place of who made it. Nothing ever blocks.
 */
final class Post {
  private static final int HELLO = 0x6C674E31;
  private static final String BOX = "";

  private final NetFile file;
  private final Folder folder;
  private final int socket;
  private final Message message = new Message();

  private Post(NetFile file, Folder folder, int socket) {
    this.file = file;
    this.folder = folder;
    this.socket = socket;
  }

  /** Opens the box of our place. An {@link IOException} says why that is not possible, and what to do. */
  static Post open(NetFile file) throws IOException {
    for (int tries = 0;; tries++) {
      Folder folder = Folder.enter(file);
      int socket = -1;
      try {
        socket = Libc.socket(Libc.AF_UNIX, Libc.SOCK_DGRAM | Libc.SOCK_NONBLOCK | Libc.SOCK_CLOEXEC, 0);
        folder.bind(socket, BOX);
        return new Post(file, folder, socket);
      } catch (Libc.Failure e) {
        folder.close();
        if (socket >= 0) Libc.closeQuietly(socket);
        // The last guest that left may just have taken the folder with it.
        if (tries == 3) throw new IOException("cannot make a socket in " + folder.path() + ": " + Libc.text(e) + "; put the network file on another file system", e);
      } catch (IOException e) {
        folder.close();
        Libc.closeQuietly(socket);
        throw e;
      }
    }
  }

  /** One whose socket is open already: what a previous implementation has left. */
  static Post of(NetFile file, int socket) throws IOException { return new Post(file, Folder.enter(file), socket); }

  int socket() { return socket; }

  Folder folder() { return folder; }

  /** A socket connected to another place's box; empty: nobody is there. */
  Optional<Integer> connect(int place) {
    int peer;
    try {
      peer = Libc.socket(Libc.AF_UNIX, Libc.SOCK_DGRAM | Libc.SOCK_NONBLOCK | Libc.SOCK_CLOEXEC, 0);
    } catch (Libc.Failure e) {
      return Optional.empty();
    }
    if (folder.connect(peer, place, BOX)) return Optional.of(peer);
    Libc.closeQuietly(peer);
    return Optional.empty();
  }

  /** Rings the bell at the other end. False: nobody is there any more. */
  boolean ring(int peer) {
    // A full box has been rung often enough.
    return message.ring(peer) != Message.Sent.NOBODY;
  }

  /** Gives the other end a ring to take frames out of. False: it could not be told. */
  boolean hello(int peer, Ring frames) {
    message.body.set(ValueLayout.JAVA_INT, 0, HELLO);
    message.body.set(ValueLayout.JAVA_INT, 4, file.place());
    return message.send(peer, Message.BODY, frames.fd()) == Message.Sent.YES;
  }

  /** What was in the box. */
  sealed interface Mail {
    record Bell() implements Mail {}

    /** A ring by that place; its descriptor is the taker's to close. */
    record Hello(int place, int fd) implements Mail {}
  }

  /** The next message; empty: there is none. What makes no sense is thrown away. */
  Optional<Mail> receive() {
    Optional<Message.Received> received = message.receive(socket);
    if (received.isEmpty()) return Optional.empty();
    int fd = received.get().descriptor(), place = message.body.get(ValueLayout.JAVA_INT, 4);
    if (fd < 0) return Optional.of(new Mail.Bell());
    if (received.get().bytes() == Message.BODY && message.body.get(ValueLayout.JAVA_INT, 0) == HELLO && place >= 0 && place < NetFile.PLACES) return Optional.of(new Mail.Hello(place, fd));
    Libc.closeQuietly(fd);
    return Optional.of(new Mail.Bell());
  }

  /** Leaves the socket open for the next implementation. */
  void leave() { folder.close(); }

  /** Takes the box away, and with the last one the folder. */
  void close() {
    Libc.closeQuietly(socket);
    folder.remove(BOX);
    folder.removeIfEmpty();
    folder.close();
  }
}
