package lguest.device.block;

import static java.lang.foreign.ValueLayout.ADDRESS;
import static java.lang.foreign.ValueLayout.JAVA_INT;
import static java.lang.foreign.ValueLayout.JAVA_LONG;
import static java.lang.foreign.ValueLayout.JAVA_SHORT;

import java.io.IOException;
import java.lang.foreign.AddressLayout;
import java.lang.foreign.Arena;
import java.lang.foreign.FunctionDescriptor;
import java.lang.foreign.Linker;
import java.lang.foreign.MemoryLayout;
import java.lang.foreign.MemorySegment;
import java.lang.invoke.MethodHandle;
import java.lang.invoke.VarHandle;

/**
 * The operating system's file calls that Java does not offer, of 64-bit Linux. By the JDK's own foreign functions and not by JNA, for one reason above all: a call
 * that is given a {@link MemorySegment} keeps it alive until it returns. A disk may hang for minutes, and its guest's memory must not be unmapped under a read that is still going on.
 */
final class Libc {
  static final int O_RDONLY = 0, O_RDWR = 2, O_CREAT = 0x40, O_EXCL = 0x80, O_CLOEXEC = 0x80000;
  static final int O_DIRECT = System.getProperty("os.arch").equals("aarch64") ? 0x10000 : 0x4000;
  static final int ENOENT = 2, EINTR = 4, EIO = 5, EAGAIN = 11, EACCES = 13, EBUSY = 16, EINVAL = 22, EROFS = 30;
  private static final int SEEK_END = 2;
  private static final int F_OFD_SETLK = 37;
  private static final short F_RDLCK = 0, F_WRLCK = 1;

  private static final Linker LINKER = Linker.nativeLinker();
  private static final MemoryLayout CAPTURED = Linker.Option.captureStateLayout();
  private static final VarHandle ERRNO = CAPTURED.varHandle(MemoryLayout.PathElement.groupElement("errno"));
  private static final AddressLayout STRING = ADDRESS.withTargetLayout(MemoryLayout.sequenceLayout(1024, java.lang.foreign.ValueLayout.JAVA_BYTE));

  private static final MethodHandle OPEN = handle("open", FunctionDescriptor.of(JAVA_INT, ADDRESS, JAVA_INT, JAVA_INT), Linker.Option.firstVariadicArg(2));
  private static final MethodHandle CLOSE = handle("close", FunctionDescriptor.of(JAVA_INT, JAVA_INT));
  private static final MethodHandle LSEEK = handle("lseek", FunctionDescriptor.of(JAVA_LONG, JAVA_INT, JAVA_LONG, JAVA_INT));
  private static final MethodHandle FCNTL = handle("fcntl", FunctionDescriptor.of(JAVA_INT, JAVA_INT, JAVA_INT, ADDRESS), Linker.Option.firstVariadicArg(2));
  private static final MethodHandle FTRUNCATE = handle("ftruncate", FunctionDescriptor.of(JAVA_INT, JAVA_INT, JAVA_LONG));
  private static final MethodHandle FDATASYNC = handle("fdatasync", FunctionDescriptor.of(JAVA_INT, JAVA_INT));
  // The last argument is one the functions do not have: see transfer().
  private static final FunctionDescriptor VECTORED = FunctionDescriptor.of(JAVA_LONG, JAVA_INT, ADDRESS, JAVA_INT, JAVA_LONG, ADDRESS);
  private static final MethodHandle PREADV = handle("preadv", VECTORED), PWRITEV = handle("pwritev", VECTORED);
  /** Null where the C library does not have it. */
  private static final MethodHandle PREADV2 = LINKER.defaultLookup().find("preadv2").isEmpty() ? null
    : handle("preadv2", FunctionDescriptor.of(JAVA_LONG, JAVA_INT, ADDRESS, JAVA_INT, JAVA_LONG, JAVA_INT, ADDRESS));
  private static final int RWF_NOWAIT = 8;
  private static final MethodHandle STRERROR =
    LINKER.downcallHandle(LINKER.defaultLookup().findOrThrow("strerror"), FunctionDescriptor.of(STRING, JAVA_INT));

  private Libc() {}

  /** A call failed; the message is the system's own text, such as {@code No space left on device}. */
  static final class Failure extends IOException {
    private static final long serialVersionUID = 1;
    private final int errno;

    Failure(int errno) {
      super(strerror(errno));
      this.errno = errno;
    }

    int errno() { return errno; }
  }

  /** Where a call leaves errno; made once and used again by one thread at a time. */
  static MemorySegment errnoPlace(Arena arena) { return arena.allocate(CAPTURED); }

  private static MethodHandle handle(String name, FunctionDescriptor type, Linker.Option... more) {
    Linker.Option[] options = java.util.Arrays.copyOf(more, more.length + 1);
    options[more.length] = Linker.Option.captureCallState("errno");
    return LINKER.downcallHandle(LINKER.defaultLookup().findOrThrow(name), type, options);
  }

  private interface Call { long in(MemorySegment errno, Arena arena) throws Throwable; }

  private static long call(Call call) throws Failure {
    try (Arena arena = Arena.ofConfined()) {
      MemorySegment errno = errnoPlace(arena);
      while (true) {
        long result = call.in(errno, arena);
        if (result >= 0) return result;
        if ((int) ERRNO.get(errno, 0L) != EINTR) throw new Failure((int) ERRNO.get(errno, 0L));
      }
    } catch (Failure | RuntimeException | Error e) {
      throw e;
    } catch (Throwable e) {
      throw new IllegalStateException(e);
    }
  }

  static int open(String path, int flags, int mode) throws Failure {
    return (int) call((errno, arena) -> (int) OPEN.invokeExact(errno, arena.allocateFrom(path), flags | O_CLOEXEC, mode));
  }

  static void close(int fd) throws Failure { call((errno, arena) -> (int) CLOSE.invokeExact(errno, fd)); }

  /** The size of a file or block device, by seeking to its end (L43). */
  static long size(int fd) throws Failure { return call((errno, arena) -> (long) LSEEK.invokeExact(errno, fd, 0L, SEEK_END)); }

  static void truncate(int fd, long size) throws Failure { call((errno, arena) -> (int) FTRUNCATE.invokeExact(errno, fd, size)); }

  static void sync(int fd) throws Failure { call((errno, arena) -> (int) FDATASYNC.invokeExact(errno, fd)); }

  /**
   * Locks the whole file, or says that somebody else has. The lock belongs to the open file ("open file description locks"), not to the process: it holds between two guests of one JVM, no other
   * descriptor's closing frees it, and the kernel frees it when the process dies in whatever way.
   */
  static boolean lock(int fd, boolean exclusive) throws Failure {
    try {
      call((errno, arena) -> {
        MemorySegment flock = arena.allocate(32, 8); // struct flock: type, whence, start 0 and length 0 for "all of it", pid
        flock.set(JAVA_SHORT, 0, exclusive ? F_WRLCK : F_RDLCK);
        return (int) FCNTL.invokeExact(errno, fd, F_OFD_SETLK, flock);
      });
      return true;
    } catch (Failure e) {
      if (e.errno() == EAGAIN || e.errno() == EACCES) return false;
      throw e;
    }
  }

  /**
   * preadv or pwritev once: the bytes transferred, 0 at the end of the file. {@code vector} holds {@code count} struct iovec that point into memory of {@code keeper}'s scope.
   *
   * <p>A trick: the linker keeps alive what an argument points at, but it does not look into the vector. So the calls are declared with one argument more, which the functions never look
   * at and the calling conventions of x86-64 and AArch64 allow, and the linker keeps the guest's memory for its sake.
   */
  static long transfer(boolean write, int fd, MemorySegment vector, int count, long offset, MemorySegment keeper, MemorySegment errno) throws Failure {
    try {
      long done = write ? (long) PWRITEV.invokeExact(errno, fd, vector, count, offset, keeper) : (long) PREADV.invokeExact(errno, fd, vector, count, offset, keeper);
      if (done < 0) throw new Failure((int) ERRNO.get(errno, 0L));
      return done;
    } catch (Failure | RuntimeException | Error e) {
      throw e;
    } catch (Throwable e) {
      throw new IllegalStateException(e);
    }
  }

  /** {@link #transfer}'s preadv of what the kernel has in its cache: fewer bytes, or none, when there is less; −1 when that cannot be told here. */
  static long readCached(int fd, MemorySegment vector, int count, long offset, MemorySegment keeper, MemorySegment errno) {
    if (PREADV2 == null) return -1;
    try {
      long done = (long) PREADV2.invokeExact(errno, fd, vector, count, offset, RWF_NOWAIT, keeper);
      if (done >= 0) return done;
      int why = (int) ERRNO.get(errno, 0L);
      return why == EAGAIN || why == EINTR ? 0 : -1;
    } catch (RuntimeException | Error e) {
      throw e;
    } catch (Throwable e) {
      throw new IllegalStateException(e);
    }
  }

  private static String strerror(int errno) {
    try {
      return ((MemorySegment) STRERROR.invokeExact(errno)).getString(0);
    } catch (Throwable e) {
      return "error " + errno;
    }
  }
}
