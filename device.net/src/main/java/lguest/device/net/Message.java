package lguest.device.net;

import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.util.Optional;

/** What goes through a socket between processes: a few bytes and perhaps an open descriptor, which the other process then has, too. Used again and again, by one thread at a time. */
final class Message {
  static final int BODY = 8;
  private static final int MSGHDR = 56, CMSG = 24;

  /** {@link #BODY} bytes, to be sent or received. */
  final MemorySegment body = Arena.ofAuto().allocate(BODY, 8);
  private final MemorySegment header = Arena.ofAuto().allocate(MSGHDR, 8), vector = Arena.ofAuto().allocate(16, 8), control = Arena.ofAuto().allocate(64, 8);

  /** BUSY: the other side has not taken what it got before. NOBODY: there is no other side, or it is not for us. */
  enum Sent { YES, BUSY, NOBODY }

  /** @param descriptor −1: none came along; else it is the receiver's to close */
  record Received(long bytes, int descriptor) {}

  /** A {@code struct msghdr}: no name, one vector, and the control data. */
  private long header(long bytes, long controlBytes) {
    vector.set(ValueLayout.JAVA_LONG, 0, body.address());
    vector.set(ValueLayout.JAVA_LONG, 8, bytes);
    header.fill((byte) 0);
    header.set(ValueLayout.JAVA_LONG, 16, vector.address());
    header.set(ValueLayout.JAVA_LONG, 24, 1);
    if (controlBytes > 0) header.set(ValueLayout.JAVA_LONG, 32, control.address());
    header.set(ValueLayout.JAVA_LONG, 40, controlBytes);
    return header.address();
  }

  /** Sends a byte, whatever it is, without waiting. */
  Sent ring(int socket) {
    try {
      Libc.send(socket, body.address(), 1, Libc.MSG_NOSIGNAL | Libc.MSG_DONTWAIT);
      return Sent.YES;
    } catch (Libc.Failure e) {
      return notSent(e);
    }
  }

  private static Sent notSent(Libc.Failure e) { return e.errno() == Libc.EAGAIN || e.errno() == Libc.EINTR ? Sent.BUSY : Sent.NOBODY; }

  /** Sends so many bytes of {@link #body} without waiting, and {@code descriptor} if it is none that is negative. */
  Sent send(int socket, long bytes, int descriptor) {
    control.set(ValueLayout.JAVA_LONG, 0, 20);
    control.set(ValueLayout.JAVA_INT, 8, Libc.SOL_SOCKET);
    control.set(ValueLayout.JAVA_INT, 12, Libc.SCM_RIGHTS);
    control.set(ValueLayout.JAVA_INT, 16, descriptor);
    try {
      Libc.sendmsg(socket, header(bytes, descriptor < 0 ? 0 : CMSG), Libc.MSG_NOSIGNAL | Libc.MSG_DONTWAIT);
      return Sent.YES;
    } catch (Libc.Failure e) {
      return notSent(e);
    }
  }

  /** The next message's bytes, then in {@link #body}; empty: there is none, after as long as the socket waits. */
  Optional<Received> receive(int socket) {
    long bytes;
    try {
      bytes = Libc.recvmsg(socket, header(BODY, control.byteSize()), Libc.MSG_CMSG_CLOEXEC);
    } catch (Libc.Failure e) {
      return Optional.empty();
    }
    int descriptor = -1;
    if (header.get(ValueLayout.JAVA_LONG, 40) >= 20 && control.get(ValueLayout.JAVA_INT, 8) == Libc.SOL_SOCKET && control.get(ValueLayout.JAVA_INT, 12) == Libc.SCM_RIGHTS)
      for (long at = 16; at + 4 <= control.get(ValueLayout.JAVA_LONG, 0); at += 4) {
        // More than one is nothing we send.
        if (descriptor >= 0) Libc.closeQuietly(descriptor);
        descriptor = control.get(ValueLayout.JAVA_INT, at);
      }
    return Optional.of(new Received(bytes, descriptor));
  }
}
