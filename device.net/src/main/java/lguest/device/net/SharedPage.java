package lguest.device.net;

import java.io.IOException;
import java.nio.file.Path;
import java.util.List;
import java.util.OptionalInt;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.Executor;
import java.util.concurrent.TimeUnit;
import lguest.device.DeviceException;

/**
 * The page that all guests of a network map (ABI §3.4).
 *
 * <p>In the original it was the network file's own. But a file can be cut short by whoever may write to it, and then the next look at a mapped page of it is a SIGBUS, which a process full of
 * guests does not survive. So the page is memory of its own ({@code memfd}), sealed against growing and shrinking, that no file system and no name leads to. The first guest on the network makes
 * it; who comes later is given it by somebody who has it already. The file is where they meet: who is on the network is told by its locks, and their sockets lie in the {@link Folder} beside it.
 *
 * <p>One thread of each guest gives the page to newcomers, and not the guest's own, which may be standing still.
 */
final class SharedPage implements AutoCloseable {
  private static final int SEALS = Libc.F_SEAL_SEAL | Libc.F_SEAL_SHRINK | Libc.F_SEAL_GROW;
  private static final String DOOR = "page";
  /** How long those who are there have to answer: one of them may be in the middle of an exchange of its implementation. */
  private static final long PATIENCE = TimeUnit.SECONDS.toNanos(5);
  private static final int ANSWER_SECONDS = 2, BACKLOG = 64;

  private final Folder folder;
  private final int fd, door;
  private final CountDownLatch closed = new CountDownLatch(1);
  private volatile boolean closing;

  /** Takes over {@code fd}, and opens the door to newcomers. */
  SharedPage(Folder folder, int fd, Executor executor) throws IOException {
    this.folder = folder;
    this.fd = fd;
    int socket = -1;
    try {
      socket = Libc.socket(Libc.AF_UNIX, Libc.SOCK_SEQPACKET | Libc.SOCK_CLOEXEC, 0);
      folder.bind(socket, DOOR);
      Libc.listen(socket, BACKLOG);
    } catch (Libc.Failure | IOException e) {
      if (socket >= 0) Libc.closeQuietly(socket);
      throw new IOException("cannot make a socket in " + folder.path() + ": " + (e instanceof Libc.Failure error ? Libc.text(error) : e.getMessage()) + "; put the network file on another file system", e);
    }
    door = socket;
    executor.execute(this::serve);
  }

  /** Makes the page, or is given it by who is on the network already. Only one guest at a time may do this: {@link NetFile#beginToJoin}. Its descriptor is the caller's. */
  static int find(NetFile file, Folder folder) throws DeviceException, IOException {
    long end = System.nanoTime() + PATIENCE;
    while (true) {
      List<Integer> there = file.otherPlaces();
      if (there.isEmpty()) return make();
      for (int place : there) {
        OptionalInt page = ask(folder, place);
        if (page.isPresent()) return page.getAsInt();
      }
      if (System.nanoTime() - end > 0)
        throw new DeviceException("the guests on network file '" + file.path() + "' do not answer (places " + there + "): are their processes stopped, or their networks parked? Let them go on, or take another file");
      try {
        Thread.sleep(20);
      } catch (InterruptedException e) {
        Thread.currentThread().interrupt();
        throw new DeviceException("interrupted while joining network file '" + file.path() + "'", e);
      }
    }
  }

  private static int make() throws IOException {
    int fd = -1;
    try {
      fd = Libc.memfd_create("lguest-network", Libc.MFD_CLOEXEC | Libc.MFD_ALLOW_SEALING);
      Libc.ftruncate(fd, NetFile.PAGE);
      Libc.fcntl(fd, Libc.F_ADD_SEALS, SEALS);
      return fd;
    } catch (Libc.Failure e) {
      if (fd >= 0) Libc.closeQuietly(fd);
      throw new IOException("cannot make shared memory: " + Libc.text(e), e);
    }
  }

  private static OptionalInt ask(Folder folder, int place) {
    int socket;
    try {
      socket = Libc.socket(Libc.AF_UNIX, Libc.SOCK_SEQPACKET | Libc.SOCK_CLOEXEC, 0);
    } catch (Libc.Failure e) {
      return OptionalInt.empty();
    }
    try {
      Libc.timeouts(socket, ANSWER_SECONDS);
      if (!folder.connect(socket, place, DOOR)) return OptionalInt.empty();
      int page = new Message().receive(socket).map(Message.Received::descriptor).orElse(-1);
      if (page < 0) return OptionalInt.empty();
      // Only what can never get shorter is looked at.
      if (Libc.lseek(page, 0, Libc.SEEK_END) == NetFile.PAGE && (Libc.fcntl(page, Libc.F_GET_SEALS, 0) & SEALS) == SEALS) return OptionalInt.of(page);
      Libc.closeQuietly(page);
      return OptionalInt.empty();
    } catch (Libc.Failure e) {
      return OptionalInt.empty();
    } finally {
      Libc.closeQuietly(socket);
    }
  }

  int fd() { return fd; }

  /** By which it can be opened and mapped, in this process. */
  Path path() { return path(fd); }

  static Path path(int fd) { return Path.of("/proc/self/fd/" + fd); }

  private void serve() {
    Message message = new Message();
    try {
      while (!closing) {
        try {
          int newcomer = Libc.accept(door);
          message.send(newcomer, Message.BODY, fd);
          Libc.closeQuietly(newcomer);
        } catch (Libc.Failure e) {
          // Closing wakes us so. Anything else, such as too many open files, may be over in a moment.
          if (!closing) Thread.sleep(10);
        }
      }
    } catch (InterruptedException e) {
      Thread.currentThread().interrupt();
    } finally {
      Libc.closeQuietly(door);
      closed.countDown();
    }
  }

  /** Closes the door, but leaves the page open for the next implementation. */
  void leave() throws InterruptedException {
    closing = true;
    Libc.shutdownQuietly(door);
    closed.await();
    folder.remove(DOOR);
  }

  @Override public void close() throws InterruptedException {
    leave();
    Libc.closeQuietly(fd);
  }
}
