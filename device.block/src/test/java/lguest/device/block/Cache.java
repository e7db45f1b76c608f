package lguest.device.block;

import static java.lang.foreign.ValueLayout.ADDRESS;
import static java.lang.foreign.ValueLayout.JAVA_INT;
import static java.lang.foreign.ValueLayout.JAVA_LONG;

import java.lang.foreign.Arena;
import java.lang.foreign.FunctionDescriptor;
import java.lang.foreign.Linker;
import java.lang.foreign.MemorySegment;
import java.lang.invoke.MethodHandle;
import java.nio.file.Path;
import java.util.OptionalLong;

/** What the kernel has of a file in its cache: cachestat(2), Linux 6.5 and later. */
final class Cache {
  private static final long CACHESTAT = 451; // on all machines
  private static final int DIRTY = 8, BEING_WRITTEN = 16, FIGURES = 40;
  private static final MethodHandle SYSCALL = Linker.nativeLinker().downcallHandle(Linker.nativeLinker().defaultLookup().findOrThrow("syscall"),
    FunctionDescriptor.of(JAVA_LONG, JAVA_LONG, JAVA_INT, ADDRESS, ADDRESS, JAVA_INT), Linker.Option.firstVariadicArg(1));

  private Cache() {}

  /** Pages of it that are not on the medium; empty when this kernel does not tell. */
  static OptionalLong unwritten(Path file) throws Exception {
    int fd = Libc.open(file.toString(), Libc.O_RDONLY, 0);
    try (Arena arena = Arena.ofConfined()) {
      MemorySegment all = arena.allocate(16, 8), figures = arena.allocate(FIGURES, 8); // offset 0, length 0 for "to its end"
      if ((long) SYSCALL.invokeExact(CACHESTAT, fd, all, figures, 0) != 0) return OptionalLong.empty();
      return OptionalLong.of(figures.get(JAVA_LONG, DIRTY) + figures.get(JAVA_LONG, BEING_WRITTEN));
    } catch (Throwable e) {
      throw new AssertionError(e);
    } finally {
      Libc.close(fd);
    }
  }

  /** Has the kernel write it. */
  static void write(Path file) throws Exception {
    int fd = Libc.open(file.toString(), Libc.O_RDONLY, 0);
    Libc.sync(fd);
    Libc.close(fd);
  }
}
