package lguest.device.tun;

import static java.lang.foreign.ValueLayout.ADDRESS;
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
 * The operating system's calls we need; numbers are those of 64-bit Linux. Addresses are plain numbers: whoever passes one of guest memory does so on the guest's thread and for a
 * call that does not block, so the guest cannot end meanwhile. By the JDK's own foreign functions and not by JNA, which remembers a class it has registered for ever, and with it the
 * whole bundle, each time the bundle is updated. Each bundle has its own few calls: to share them would make the operating system a part of the device API.
 */
final class Libc {
  static final int O_RDWR = 2, O_NONBLOCK = 0x800, O_CLOEXEC = 0x80000;
  static final int AF_INET = 2, SOCK_DGRAM = 2, SOCK_CLOEXEC = 0x80000;
  static final int EPERM = 1, ENOENT = 2, EINTR = 4, EIO = 5, ENXIO = 6, EAGAIN = 11, EACCES = 13, EBUSY = 16, ENODEV = 19, EINVAL = 22, EOPNOTSUPP = 95;
  static final long TUNSETIFF = 0x400454CAL;
  static final long SIOCGIFFLAGS = 0x8913, SIOCSIFFLAGS = 0x8914, SIOCSIFADDR = 0x8916, SIOCSIFNETMASK = 0x891C, SIOCGIFHWADDR = 0x8927, SIOCGIFINDEX = 0x8933,
    SIOCBRADDIF = 0x89A2;

  private static final Linker LINKER = Linker.nativeLinker();
  private static final MemoryLayout CAPTURED = Linker.Option.captureStateLayout();
  private static final VarHandle ERRNO = CAPTURED.varHandle(MemoryLayout.PathElement.groupElement("errno"));
  private static final AddressLayout STRING = ADDRESS.withTargetLayout(MemoryLayout.sequenceLayout(1024, ValueLayout.JAVA_BYTE));
  private static final MethodHandle OPEN = handle("open", FunctionDescriptor.of(JAVA_INT, ADDRESS, JAVA_INT));
  private static final MethodHandle CLOSE = handle("close", FunctionDescriptor.of(JAVA_INT, JAVA_INT));
  private static final MethodHandle SOCKET = handle("socket", FunctionDescriptor.of(JAVA_INT, JAVA_INT, JAVA_INT, JAVA_INT));
  private static final MethodHandle IOCTL = handle("ioctl", FunctionDescriptor.of(JAVA_INT, JAVA_INT, JAVA_LONG, JAVA_LONG), Linker.Option.firstVariadicArg(2));
  private static final MethodHandle READ = handle("read", FunctionDescriptor.of(JAVA_LONG, JAVA_INT, JAVA_LONG, JAVA_LONG));
  private static final MethodHandle WRITEV = handle("writev", FunctionDescriptor.of(JAVA_LONG, JAVA_INT, JAVA_LONG, JAVA_INT));
  private static final MethodHandle STRERROR = LINKER.downcallHandle(LINKER.defaultLookup().findOrThrow("strerror"), FunctionDescriptor.of(STRING, JAVA_INT));

  private Libc() {}

  /** A call failed. */
  static final class Failure extends RuntimeException {
    private static final long serialVersionUID = 1;
    private final int errno;

    Failure(int errno) {
      super("error " + errno, null, false, false);
      this.errno = errno;
    }

    int errno() { return errno; }
  }

  private static MethodHandle handle(String name, FunctionDescriptor type, Linker.Option... more) {
    Linker.Option[] options = java.util.Arrays.copyOf(more, more.length + 1);
    options[more.length] = Linker.Option.captureCallState("errno");
    return LINKER.downcallHandle(LINKER.defaultLookup().findOrThrow(name), type, options);
  }

  private interface Call { long in(MemorySegment errno, Arena arena) throws Throwable; }

  private static long call(Call call) {
    try (Arena arena = Arena.ofConfined()) {
      MemorySegment errno = arena.allocate(CAPTURED);
      long result = call.in(errno, arena);
      if (result < 0) throw new Failure((int) ERRNO.get(errno, 0L));
      return result;
    } catch (RuntimeException | Error e) {
      throw e;
    } catch (Throwable e) {
      throw new IllegalStateException(e);
    }
  }

  static int open(String path, int flags) { return (int) call((errno, arena) -> (int) OPEN.invokeExact(errno, arena.allocateFrom(path), flags)); }

  static int close(int fd) { return (int) call((errno, arena) -> (int) CLOSE.invokeExact(errno, fd)); }

  static int socket(int domain, int type, int protocol) { return (int) call((errno, arena) -> (int) SOCKET.invokeExact(errno, domain, type, protocol)); }

  static int ioctl(int fd, long request, long argument) { return (int) call((errno, arena) -> (int) IOCTL.invokeExact(errno, fd, request, argument)); }

  // Two that are called for each frame: they make nothing, and an error, which is often no more than "not now", comes back as its negative number.

  /** Where such a call leaves errno; made once and used again by one thread at a time. */
  static MemorySegment errnoPlace(Arena arena) { return arena.allocate(CAPTURED); }

  static long read(MemorySegment errno, int fd, long buffer, long length) {
    try {
      long done = (long) READ.invokeExact(errno, fd, buffer, length);
      return done >= 0 ? done : -(int) ERRNO.get(errno, 0L);
    } catch (RuntimeException | Error e) {
      throw e;
    } catch (Throwable e) {
      throw new IllegalStateException(e);
    }
  }

  static long writev(MemorySegment errno, int fd, long vector, int count) {
    try {
      long done = (long) WRITEV.invokeExact(errno, fd, vector, count);
      return done >= 0 ? done : -(int) ERRNO.get(errno, 0L);
    } catch (RuntimeException | Error e) {
      throw e;
    } catch (Throwable e) {
      throw new IllegalStateException(e);
    }
  }

  static String strerror(int errno) {
    try {
      return ((MemorySegment) STRERROR.invokeExact(errno)).getString(0);
    } catch (Throwable e) {
      return "error " + errno;
    }
  }
}
