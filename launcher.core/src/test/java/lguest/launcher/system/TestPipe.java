package lguest.launcher.system;

import com.sun.jna.Native;
import com.sun.jna.NativeLibrary;
import java.io.IOException;
import java.lang.foreign.Arena;
import java.nio.file.Files;
import java.nio.file.Path;

/** A pipe of the operating system, with its descriptors. */
public final class TestPipe implements AutoCloseable {
  static {
    Native.register(NativeLibrary.getProcess());
  }

  private static native int pipe(int[] ends);

  private final int[] ends = new int[2];
  private boolean readerClosed, writerClosed;

  public TestPipe() { if (pipe(ends) != 0) throw new AssertionError("no pipe"); }

  public int reader() { return ends[0]; }

  public void write() {
    try (Arena arena = Arena.ofConfined()) {
      Libc.write(ends[1], arena.allocate(1).address(), 1);
    }
  }

  public void read() {
    try (Arena arena = Arena.ofConfined()) {
      Libc.read(ends[0], arena.allocate(1).address(), 1);
    }
  }

  public void closeWriter() {
    if (!writerClosed) Libc.close(ends[1]);
    writerClosed = true;
  }

  public void closeReader() {
    if (!readerClosed) Libc.close(ends[0]);
    readerClosed = true;
  }

  /** Another descriptor of the reading end. */
  public int duplicate() { return Libc.fcntl(ends[0], Libc.F_DUPFD_CLOEXEC, 0); }

  /** Whether this descriptor is one of this pipe. */
  public boolean isOpen(int fd) {
    try {
      return Files.readSymbolicLink(Path.of("/proc/self/fd/" + fd)).equals(Files.readSymbolicLink(Path.of("/proc/self/fd/" + ends[0])));
    } catch (IOException e) {
      return false;
    }
  }

  public void close(int fd) { Libc.close(fd); }

  @Override public void close() {
    closeReader();
    closeWriter();
  }
}
