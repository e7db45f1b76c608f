package lguest.device.net;

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
 * The operating system's calls we need; numbers are those of 64-bit Linux. None of them is given guest memory. By the JDK's own foreign functions and not by JNA, which
 * remembers a class it has registered for ever, and with it the whole bundle, each time the bundle is updated. Each bundle has its own few calls: to share them would make the operating system a part of the device API.
 */
final class Libc {
  static final int O_RDWR = 2, O_CREAT = 0x40, O_CLOEXEC = 0x80000, O_PATH = 0x200000;
  static final int SEEK_END = 2;
  static final int F_OFD_GETLK = 36, F_OFD_SETLK = 37, F_ADD_SEALS = 1033, F_GET_SEALS = 1034;
  static final short F_WRLCK = 1, F_UNLCK = 2;
  static final int F_SEAL_SEAL = 1, F_SEAL_SHRINK = 2, F_SEAL_GROW = 4;
  static final int MFD_CLOEXEC = 1, MFD_ALLOW_SEALING = 2;
  static final int PROT_READ = 1, PROT_WRITE = 2, MAP_SHARED = 1;
  static final int AF_UNIX = 1, SOCK_DGRAM = 2, SOCK_SEQPACKET = 5, SOCK_NONBLOCK = 0x800, SOCK_CLOEXEC = 0x80000;
  static final int SOL_SOCKET = 1, SCM_RIGHTS = 1;
  private static final int SO_RCVTIMEO = 20, SO_SNDTIMEO = 21, SHUT_RDWR = 2;
  static final int MSG_NOSIGNAL = 0x4000, MSG_CMSG_CLOEXEC = 0x40000000, MSG_DONTWAIT = 0x40;
  static final int EINTR = 4, EAGAIN = 11, EACCES = 13, EISDIR = 21, EINVAL = 22, EADDRINUSE = 98;

  private static final Linker LINKER = Linker.nativeLinker();
  private static final MemoryLayout CAPTURED = Linker.Option.captureStateLayout();
  private static final VarHandle ERRNO = CAPTURED.varHandle(MemoryLayout.PathElement.groupElement("errno"));
  private static final AddressLayout STRING = ADDRESS.withTargetLayout(MemoryLayout.sequenceLayout(1024, ValueLayout.JAVA_BYTE));
  private static final MethodHandle OPEN = handle("open", FunctionDescriptor.of(JAVA_INT, ADDRESS, JAVA_INT, JAVA_INT), Linker.Option.firstVariadicArg(2));
  private static final MethodHandle CLOSE = handle("close", FunctionDescriptor.of(JAVA_INT, JAVA_INT));
  private static final MethodHandle LSEEK = handle("lseek", FunctionDescriptor.of(JAVA_LONG, JAVA_INT, JAVA_LONG, JAVA_INT));
  private static final MethodHandle FTRUNCATE = handle("ftruncate", FunctionDescriptor.of(JAVA_INT, JAVA_INT, JAVA_LONG));
  private static final MethodHandle FCNTL = handle("fcntl", FunctionDescriptor.of(JAVA_INT, JAVA_INT, JAVA_INT, JAVA_LONG), Linker.Option.firstVariadicArg(2));
  private static final MethodHandle MEMFD_CREATE = handle("memfd_create", FunctionDescriptor.of(JAVA_INT, ADDRESS, JAVA_INT));
  private static final MethodHandle MMAP = handle("mmap", FunctionDescriptor.of(JAVA_LONG, JAVA_LONG, JAVA_LONG, JAVA_INT, JAVA_INT, JAVA_INT, JAVA_LONG));
  private static final MethodHandle MUNMAP = handle("munmap", FunctionDescriptor.of(JAVA_INT, JAVA_LONG, JAVA_LONG));
  private static final MethodHandle SOCKET = handle("socket", FunctionDescriptor.of(JAVA_INT, JAVA_INT, JAVA_INT, JAVA_INT));
  private static final MethodHandle BIND = handle("bind", FunctionDescriptor.of(JAVA_INT, JAVA_INT, JAVA_LONG, JAVA_INT));
  private static final MethodHandle CONNECT = handle("connect", FunctionDescriptor.of(JAVA_INT, JAVA_INT, JAVA_LONG, JAVA_INT));
  private static final MethodHandle LISTEN = handle("listen", FunctionDescriptor.of(JAVA_INT, JAVA_INT, JAVA_INT));
  private static final MethodHandle ACCEPT4 = handle("accept4", FunctionDescriptor.of(JAVA_INT, JAVA_INT, JAVA_LONG, JAVA_LONG, JAVA_INT));
  private static final MethodHandle SHUTDOWN = handle("shutdown", FunctionDescriptor.of(JAVA_INT, JAVA_INT, JAVA_INT));
  private static final MethodHandle SETSOCKOPT = handle("setsockopt", FunctionDescriptor.of(JAVA_INT, JAVA_INT, JAVA_INT, JAVA_INT, ADDRESS, JAVA_INT));
  private static final MethodHandle SEND = handle("send", FunctionDescriptor.of(JAVA_LONG, JAVA_INT, JAVA_LONG, JAVA_LONG, JAVA_INT));
  private static final MethodHandle SENDMSG = handle("sendmsg", FunctionDescriptor.of(JAVA_LONG, JAVA_INT, JAVA_LONG, JAVA_INT));
  private static final MethodHandle RECVMSG = handle("recvmsg", FunctionDescriptor.of(JAVA_LONG, JAVA_INT, JAVA_LONG, JAVA_INT));
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

  static int open(String path, int flags, int mode) { return (int) call((errno, arena) -> (int) OPEN.invokeExact(errno, arena.allocateFrom(path), flags, mode)); }

  static int close(int fd) { return (int) call((errno, arena) -> (int) CLOSE.invokeExact(errno, fd)); }

  static long lseek(int fd, long offset, int whence) { return call((errno, arena) -> (long) LSEEK.invokeExact(errno, fd, offset, whence)); }

  static int ftruncate(int fd, long size) { return (int) call((errno, arena) -> (int) FTRUNCATE.invokeExact(errno, fd, size)); }

  static int fcntl(int fd, int command, long argument) { return (int) call((errno, arena) -> (int) FCNTL.invokeExact(errno, fd, command, argument)); }

  static int memfd_create(String name, int flags) { return (int) call((errno, arena) -> (int) MEMFD_CREATE.invokeExact(errno, arena.allocateFrom(name), flags)); }

  static long mmap(long address, long length, int protection, int flags, int fd, long offset) { return call((errno, arena) -> (long) MMAP.invokeExact(errno, address, length, protection, flags, fd, offset)); }

  static int munmap(long address, long length) { return (int) call((errno, arena) -> (int) MUNMAP.invokeExact(errno, address, length)); }

  static int socket(int domain, int type, int protocol) { return (int) call((errno, arena) -> (int) SOCKET.invokeExact(errno, domain, type, protocol)); }

  static int bind(int fd, long address, int length) { return (int) call((errno, arena) -> (int) BIND.invokeExact(errno, fd, address, length)); }

  static int connect(int fd, long address, int length) { return (int) call((errno, arena) -> (int) CONNECT.invokeExact(errno, fd, address, length)); }

  static long send(int fd, long bytes, long length, int flags) { return call((errno, arena) -> (long) SEND.invokeExact(errno, fd, bytes, length, flags)); }

  static long sendmsg(int fd, long message, int flags) { return call((errno, arena) -> (long) SENDMSG.invokeExact(errno, fd, message, flags)); }

  static long recvmsg(int fd, long message, int flags) { return call((errno, arena) -> (long) RECVMSG.invokeExact(errno, fd, message, flags)); }

  static int listen(int fd, int backlog) { return (int) call((errno, arena) -> (int) LISTEN.invokeExact(errno, fd, backlog)); }

  /** The next one who connects, waited for. The address is nobody's business. */
  static int accept(int fd) { return (int) call((errno, arena) -> (int) ACCEPT4.invokeExact(errno, fd, 0L, 0L, SOCK_CLOEXEC)); }

  /** No call on the socket waits longer. */
  static void timeouts(int fd, int seconds) {
    for (int which : new int[] {SO_RCVTIMEO, SO_SNDTIMEO})
      call((errno, arena) -> {
        MemorySegment time = arena.allocate(16, 8); // struct timeval
        time.set(JAVA_LONG, 0, seconds);
        return (int) SETSOCKOPT.invokeExact(errno, fd, SOL_SOCKET, which, time, (int) time.byteSize());
      });
  }

  /** Wakes who waits in it. */
  static void shutdownQuietly(int fd) {
    try {
      call((errno, arena) -> (int) SHUTDOWN.invokeExact(errno, fd, SHUT_RDWR));
    } catch (Failure e) {
      // Then nobody waits.
    }
  }

  static String strerror(int errno) {
    try {
      return ((MemorySegment) STRERROR.invokeExact(errno)).getString(0);
    } catch (Throwable e) {
      return "error " + errno;
    }
  }

  static String text(Failure e) { return strerror(e.errno()); }

  static void closeQuietly(int fd) {
    try {
      close(fd);
    } catch (Failure e) {
      // It is closed all the same.
    }
  }
}
