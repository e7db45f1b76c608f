package lguest.launcher.system;

import static java.lang.foreign.ValueLayout.ADDRESS;
import static java.lang.foreign.ValueLayout.JAVA_BYTE;
import static java.lang.foreign.ValueLayout.JAVA_INT;
import static java.lang.foreign.ValueLayout.JAVA_LONG;

import java.lang.foreign.AddressLayout;
import java.lang.foreign.Arena;
import java.lang.foreign.FunctionDescriptor;
import java.lang.foreign.Linker;
import java.lang.foreign.MemoryLayout;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.lang.invoke.MethodHandle;
import java.lang.invoke.VarHandle;

/**
 * The operating system's calls we need and Java does not offer, by the JDK's own foreign functions: JNA would hold this class, and with it the bundle, after an update. Addresses and lengths are plain
 * 64-bit numbers, the memory behind them is a {@link MemorySegment}'s. Numbers are those of 64-bit Linux. A call that fails throws a {@link Failure}; {@link OsException} makes a message of it.
 */
final class Libc {
  static final int O_RDONLY = 0, O_RDWR = 2, O_CLOEXEC = 0x80000;
  static final int SEEK_END = 2;
  static final int PROT_READ = 1, PROT_WRITE = 2;
  static final int MAP_SHARED = 1, MAP_PRIVATE = 2, MAP_FIXED = 0x10, MAP_ANONYMOUS = 0x20, MAP_NORESERVE = 0x4000, MADV_HUGEPAGE = 14;
  static final int EFD_NONBLOCK = 0x800, EFD_CLOEXEC = 0x80000;
  static final int F_DUPFD_CLOEXEC = 1030;
  static final int EPERM = 1, EINTR = 4, EEXIST = 17;
  static final int EPOLL_CLOEXEC = 0x80000, EPOLL_CTL_ADD = 1, EPOLL_CTL_DEL = 2, EPOLL_CTL_MOD = 3;
  static final int EPOLLIN = 1, EPOLLONESHOT = 1 << 30, EPOLLET = 1 << 31;

  private static final Linker LINKER = Linker.nativeLinker();
  private static final MemoryLayout CAPTURED = Linker.Option.captureStateLayout();
  private static final VarHandle ERRNO = CAPTURED.varHandle(MemoryLayout.PathElement.groupElement("errno"));
  private static final AddressLayout STRING = ADDRESS.withTargetLayout(MemoryLayout.sequenceLayout(1024, JAVA_BYTE));

  private static final MethodHandle OPEN = handle("open", 2, JAVA_INT, ADDRESS, JAVA_INT), FCNTL = handle("fcntl", 2, JAVA_INT, JAVA_INT, JAVA_INT, JAVA_LONG);
  private static final MethodHandle CLOSE = handle("close", -1, JAVA_INT, JAVA_INT), LSEEK = handle("lseek", -1, JAVA_LONG, JAVA_INT, JAVA_LONG, JAVA_INT);
  private static final MethodHandle PREAD = handle("pread", -1, JAVA_LONG, JAVA_INT, JAVA_LONG, JAVA_LONG, JAVA_LONG);
  private static final MethodHandle READ = handle("read", -1, JAVA_LONG, JAVA_INT, JAVA_LONG, JAVA_LONG), WRITE = handle("write", -1, JAVA_LONG, JAVA_INT, JAVA_LONG, JAVA_LONG);
  private static final MethodHandle MMAP = handle("mmap", -1, JAVA_LONG, JAVA_LONG, JAVA_LONG, JAVA_INT, JAVA_INT, JAVA_INT, JAVA_LONG);
  private static final MethodHandle MUNMAP = handle("munmap", -1, JAVA_INT, JAVA_LONG, JAVA_LONG), EVENTFD = handle("eventfd", -1, JAVA_INT, JAVA_INT, JAVA_INT);
  private static final MethodHandle EPOLL_CREATE1 = handle("epoll_create1", -1, JAVA_INT, JAVA_INT), EPOLL_CTL = handle("epoll_ctl", -1, JAVA_INT, JAVA_INT, JAVA_INT, JAVA_INT, JAVA_LONG);
  private static final MethodHandle EPOLL_WAIT = handle("epoll_wait", -1, JAVA_INT, JAVA_INT, JAVA_LONG, JAVA_INT, JAVA_INT);
  private static final MethodHandle MADVISE = handle("madvise", -1, JAVA_INT, JAVA_LONG, JAVA_LONG, JAVA_INT);
  private static final MethodHandle STRERROR = LINKER.downcallHandle(LINKER.defaultLookup().findOrThrow("strerror"), FunctionDescriptor.of(STRING, JAVA_INT));

  private Libc() {}

  /** A call failed. */
  static final class Failure extends RuntimeException {
    private static final long serialVersionUID = 1;
    private final int errno;

    Failure(int errno) {
      super(strerror(errno));
      this.errno = errno;
    }

    int errno() { return errno; }
  }

  /** @param variadic the first of the arguments that a declaration in C does not name; negative: there is none */
  private static MethodHandle handle(String name, int variadic, ValueLayout result, ValueLayout... arguments) {
    Linker.Option errno = Linker.Option.captureCallState("errno");
    return LINKER.downcallHandle(LINKER.defaultLookup().findOrThrow(name), FunctionDescriptor.of(result, arguments),
      variadic < 0 ? new Linker.Option[] {errno} : new Linker.Option[] {errno, Linker.Option.firstVariadicArg(variadic)});
  }

  private interface Call { long in(MemorySegment errno, Arena arena) throws Throwable; }

  private static long call(Call call) {
    try (Arena arena = Arena.ofConfined()) {
      MemorySegment errno = arena.allocate(CAPTURED);
      long result = call.in(errno, arena);
      if (result == -1) throw new Failure((int) ERRNO.get(errno, 0L));
      return result;
    } catch (RuntimeException | Error e) {
      throw e;
    } catch (Throwable e) {
      throw new IllegalStateException(e);
    }
  }

  static int open(String path, int flags) { return (int) call((errno, arena) -> (int) OPEN.invokeExact(errno, arena.allocateFrom(path), flags)); }

  static int fcntl(int fd, int command, long argument) { return (int) call((errno, arena) -> (int) FCNTL.invokeExact(errno, fd, command, argument)); }

  static void close(int fd) { call((errno, arena) -> (int) CLOSE.invokeExact(errno, fd)); }

  static long lseek(int fd, long offset, int whence) { return call((errno, arena) -> (long) LSEEK.invokeExact(errno, fd, offset, whence)); }

  static long pread(int fd, long buffer, long length, long offset) { return call((errno, arena) -> (long) PREAD.invokeExact(errno, fd, buffer, length, offset)); }

  static long read(int fd, long buffer, long length) { return call((errno, arena) -> (long) READ.invokeExact(errno, fd, buffer, length)); }

  static long write(int fd, long buffer, long length) { return call((errno, arena) -> (long) WRITE.invokeExact(errno, fd, buffer, length)); }

  static long mmap(long address, long length, int protection, int flags, int fd, long offset) {
    return call((errno, arena) -> (long) MMAP.invokeExact(errno, address, length, protection, flags, fd, offset));
  }

  static void munmap(long address, long length) { call((errno, arena) -> (int) MUNMAP.invokeExact(errno, address, length)); }

  static void madvise(long address, long length, int advice) { call((errno, arena) -> (int) MADVISE.invokeExact(errno, address, length, advice)); }

  static int eventfd(int initial, int flags) { return (int) call((errno, arena) -> (int) EVENTFD.invokeExact(errno, initial, flags)); }

  static int epoll_create1(int flags) { return (int) call((errno, arena) -> (int) EPOLL_CREATE1.invokeExact(errno, flags)); }

  /** {@code event} is a {@code struct epoll_event {uint32_t events; uint64_t data;}}, which x86-64 packs into 12 bytes. */
  static void epoll_ctl(int epoll, int what, int fd, long event) { call((errno, arena) -> (int) EPOLL_CTL.invokeExact(errno, epoll, what, fd, event)); }

  static int epoll_wait(int epoll, long events, int count, int timeoutMillis) {
    return (int) call((errno, arena) -> (int) EPOLL_WAIT.invokeExact(errno, epoll, events, count, timeoutMillis));
  }

  private static String strerror(int errno) {
    try {
      return ((MemorySegment) STRERROR.invokeExact(errno)).getString(0);
    } catch (Throwable e) {
      return "error " + errno;
    }
  }
}
