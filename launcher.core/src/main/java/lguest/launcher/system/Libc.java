package lguest.launcher.system;

import static java.lang.foreign.ValueLayout.JAVA_LONG;

import java.lang.foreign.Arena;
import java.lang.foreign.FunctionDescriptor;
import java.lang.foreign.Linker;
import java.lang.foreign.MemoryLayout;
import java.lang.foreign.MemorySegment;
import java.lang.invoke.MethodHandle;
import java.lang.invoke.VarHandle;

/**
 * The operating system's calls we need and Java does not offer, by the JDK's own foreign functions: JNA would hold this class, and with it the bundle, after an update. Addresses and lengths are plain
 * 64-bit numbers, the memory behind them is a {@link MemorySegment}'s. Numbers are those of 64-bit Linux. A call that fails throws a {@link Failure}; {@link OsException} makes a message of it.
 *
 * <p>A trick: all functions are called as if they took six 64-bit words and gave one back. 64-bit Linux passes numbers of all sizes so, named arguments or not, and a function does not look at more than it
 * takes. Each signature of its own would cost every start some milliseconds, in which Java makes code for it.
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
  private static final MethodHandle CALL = LINKER.downcallHandle(FunctionDescriptor.of(JAVA_LONG, JAVA_LONG, JAVA_LONG, JAVA_LONG, JAVA_LONG, JAVA_LONG, JAVA_LONG),
      Linker.Option.captureCallState("errno"));

  private static final MemorySegment OPEN = function("open"), FCNTL = function("fcntl"), CLOSE = function("close"), LSEEK = function("lseek"), PREAD = function("pread"), READ = function("read"),
      WRITE = function("write"), MMAP = function("mmap"), MUNMAP = function("munmap"), MADVISE = function("madvise"), EVENTFD = function("eventfd"), EPOLL_CREATE1 = function("epoll_create1"),
      EPOLL_CTL = function("epoll_ctl"), EPOLL_WAIT = function("epoll_wait"), STRERROR = function("strerror");
  /** Null where the C library is older. */
  private static final MemorySegment EPOLL_PWAIT2 = LINKER.defaultLookup().find("epoll_pwait2").orElse(null);

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

  private static MemorySegment function(String name) { return LINKER.defaultLookup().findOrThrow(name); }

  private static long call(MemorySegment function, boolean word, long a, long b, long c, long d, long e, long f) {
    try (Arena arena = Arena.ofConfined()) {
      MemorySegment errno = arena.allocate(CAPTURED);
      long result = (long) CALL.invokeExact(function, errno, a, b, c, d, e, f);
      // Above a number of 32 bits is what happened to be there.
      if (!word) result = (int) result;
      if (result == -1) throw new Failure((int) ERRNO.get(errno, 0L));
      return result;
    } catch (RuntimeException | Error x) {
      throw x;
    } catch (Throwable x) {
      throw new IllegalStateException(x);
    }
  }

  /** Of a function that returns an {@code int}. */
  private static int integer(MemorySegment function, long a, long b, long c, long d) { return (int) call(function, false, a, b, c, d, 0, 0); }

  /** Of a function that returns an address, or a {@code ssize_t} or {@code off_t}. */
  private static long word(MemorySegment function, long a, long b, long c, long d, long e, long f) { return call(function, true, a, b, c, d, e, f); }

  static int open(String path, int flags) {
    try (Arena arena = Arena.ofConfined()) { return integer(OPEN, arena.allocateFrom(path).address(), flags, 0, 0); }
  }

  static int fcntl(int fd, int command, long argument) { return integer(FCNTL, fd, command, argument, 0); }

  static void close(int fd) { integer(CLOSE, fd, 0, 0, 0); }

  static long lseek(int fd, long offset, int whence) { return word(LSEEK, fd, offset, whence, 0, 0, 0); }

  static long pread(int fd, long buffer, long length, long offset) { return word(PREAD, fd, buffer, length, offset, 0, 0); }

  static long read(int fd, long buffer, long length) { return word(READ, fd, buffer, length, 0, 0, 0); }

  static long write(int fd, long buffer, long length) { return word(WRITE, fd, buffer, length, 0, 0, 0); }

  static long mmap(long address, long length, int protection, int flags, int fd, long offset) { return word(MMAP, address, length, protection, flags, fd, offset); }

  static void munmap(long address, long length) { integer(MUNMAP, address, length, 0, 0); }

  static void madvise(long address, long length, int advice) { integer(MADVISE, address, length, advice, 0); }

  static int eventfd(int initial, int flags) { return integer(EVENTFD, initial, flags, 0, 0); }

  static int epoll_create1(int flags) { return integer(EPOLL_CREATE1, flags, 0, 0, 0); }

  /** {@code event} is a {@code struct epoll_event {uint32_t events; uint64_t data;}}, which x86-64 packs into 12 bytes. */
  static void epoll_ctl(int epoll, int what, int fd, long event) { integer(EPOLL_CTL, epoll, what, fd, event); }

  static int epoll_wait(int epoll, long events, int count, int timeoutMillis) { return integer(EPOLL_WAIT, epoll, events, count, timeoutMillis); }

  /** {@code timeout} is the address of a {@code struct timespec}, or 0 for none. */
  static int epoll_pwait2(int epoll, long events, int count, long timeout) { return integer(EPOLL_PWAIT2, epoll, events, count, timeout); }

  /** Whether C library and kernel have {@link #epoll_pwait2}. {@code events} is room for one. */
  static boolean hasPreciseWait(int epoll, long events) {
    if (EPOLL_PWAIT2 == null) return false;
    try (Arena arena = Arena.ofConfined()) {
      epoll_pwait2(epoll, events, 1, arena.allocate(16, 8).address());
      return true;
    } catch (Failure e) {
      return false;
    }
  }

  private static String strerror(int errno) { return MemorySegment.ofAddress(word(STRERROR, errno, 0, 0, 0, 0, 0)).reinterpret(1024).getString(0); }
}
