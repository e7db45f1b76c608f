package lguest.launcher.system;

import java.io.IOException;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.file.Files;
import java.nio.file.NoSuchFileException;
import java.nio.file.Path;
import java.nio.file.attribute.BasicFileAttributes;
import lguest.launcher.LaunchException;

/** A file the user named, open for reading and for being mapped. Everything that can be wrong with it as a file is said here, once. */
public final class InputFile implements AutoCloseable {
  private final String what;
  private final Path path;
  private final int fd;
  private final long size;

  private InputFile(String what, Path path, int fd, long size) {
    this.what = what;
    this.path = path;
    this.fd = fd;
    this.size = size;
  }

  /**
   * Opens it.
   *
   * @param what it is for the user, such as {@code kernel image}
   * @param advice what to name instead when it is no such thing
   */
  public static InputFile open(String what, Path path, String advice) throws LaunchException {
    String name = what + " '" + path + "'";
    try {
      BasicFileAttributes attributes = Files.readAttributes(path, BasicFileAttributes.class);
      if (attributes.isDirectory()) throw new LaunchException(name + " is a directory; " + advice);
      // Opening a pipe would wait for its other end for ever.
      if (!attributes.isRegularFile()) throw new LaunchException(name + " is not a regular file; " + advice);
    } catch (NoSuchFileException e) {
      throw new LaunchException(name + " does not exist; check the path", e);
    } catch (IOException e) {
      throw new LaunchException("cannot look at " + name + ": " + why(e) + "; check the path and its permissions", e);
    }
    int fd;
    try {
      fd = Libc.open(path.toString(), Libc.O_RDONLY | Libc.O_CLOEXEC);
    } catch (Libc.Failure e) {
      throw new LaunchException("cannot read " + name + ": " + new OsException(e).getMessage() + "; check its permissions", e);
    }
    InputFile file = new InputFile(what, path, fd, Libc.lseek(fd, 0, Libc.SEEK_END));
    if (file.size > 0) return file;
    file.close();
    throw new LaunchException(name + " is empty; " + advice);
  }

  private static String why(IOException e) {
    if (e instanceof java.nio.file.AccessDeniedException) return "permission denied";
    return e instanceof java.nio.file.FileSystemException error && error.getReason() != null ? error.getReason() : e.getMessage();
  }

  /** What it is and its name, as messages begin: {@code kernel image 'vmlinux'}. */
  public String name() { return what + " '" + path + "'"; }

  public long size() { return size; }

  /** The file descriptor; open until {@link #close}. */
  public int fd() { return fd; }

  /** Fills {@code target} from {@code offset} on. A file that got shorter meanwhile, or cannot be read, is the user's. */
  public void read(long offset, MemorySegment target) throws LaunchException {
    long done = 0;
    while (done < target.byteSize()) {
      long got;
      try {
        got = Libc.pread(fd, target.address() + done, target.byteSize() - done, offset + done);
      } catch (Libc.Failure e) {
        if (e.errno() == Libc.EINTR) continue;
        throw new LaunchException("cannot read " + name() + ": " + new OsException(e).getMessage(), e);
      }
      if (got == 0) throw new LaunchException(name() + " ends at byte " + (offset + done) + ", earlier than its " + size + " bytes a moment ago; is something still writing it?");
      done += got;
    }
  }

  /** A copy of {@code length} bytes from {@code offset} on, little endian. */
  public ByteBuffer read(long offset, int length) throws LaunchException {
    try (Arena arena = Arena.ofConfined()) {
      MemorySegment bytes = arena.allocate(length);
      read(offset, bytes);
      return ByteBuffer.wrap(bytes.toArray(java.lang.foreign.ValueLayout.JAVA_BYTE)).order(ByteOrder.LITTLE_ENDIAN);
    }
  }

  @Override public void close() {
    try {
      Libc.close(fd);
    } catch (Libc.Failure e) {
      // Nothing of ours depends on how closing a file that was only read went.
    }
  }
}
