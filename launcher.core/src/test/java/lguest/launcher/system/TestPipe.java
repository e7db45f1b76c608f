package lguest.launcher.system;

import java.io.IOException;
import java.lang.foreign.Arena;
import java.lang.foreign.FunctionDescriptor;
import java.lang.foreign.Linker;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.nio.file.Files;
import java.nio.file.Path;

/** A pipe of the operating system, with its descriptors. */
public final class TestPipe implements AutoCloseable {
  private final int[] ends = new int[2];
  private boolean readerClosed, writerClosed;

  public TestPipe() {
    Linker linker = Linker.nativeLinker();
    try (Arena arena = Arena.ofConfined()) {
      MemorySegment both = arena.allocate(8, 4);
      int result = (int) linker.downcallHandle(linker.defaultLookup().findOrThrow("pipe"), FunctionDescriptor.of(ValueLayout.JAVA_INT, ValueLayout.ADDRESS)).invokeExact(both);
      if (result != 0) throw new AssertionError("no pipe");
      MemorySegment.copy(both, ValueLayout.JAVA_INT, 0, ends, 0, 2);
    } catch (Throwable e) {
      throw new AssertionError(e);
    }
  }

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

  /** Makes that number one of the reading end's, whatever it was before. */
  public void duplicateTo(int descriptor) {
    Linker linker = Linker.nativeLinker();
    FunctionDescriptor type = FunctionDescriptor.of(ValueLayout.JAVA_INT, ValueLayout.JAVA_INT, ValueLayout.JAVA_INT);
    try {
      if ((int) linker.downcallHandle(linker.defaultLookup().findOrThrow("dup2"), type).invokeExact(ends[0], descriptor) != descriptor) throw new AssertionError("no duplicate");
    } catch (Throwable e) {
      throw new AssertionError(e);
    }
  }

  public int open(Path file) { return Libc.open(file.toString(), Libc.O_RDWR); }

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
