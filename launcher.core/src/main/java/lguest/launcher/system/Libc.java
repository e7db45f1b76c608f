package lguest.launcher.system;

import com.sun.jna.LastErrorException;
import com.sun.jna.Native;
import com.sun.jna.NativeLibrary;

/**
 * The operating system's calls we need and Java does not offer, through JNA's direct mapping. Addresses and lengths are plain 64-bit numbers, the memory behind them is a
 * {@link java.lang.foreign.MemorySegment}'s. Numbers are those of 64-bit Linux. A call that fails throws with errno; {@link OsException} makes a message of it.
 */
final class Libc {
  static final int O_RDONLY = 0, O_RDWR = 2, O_CLOEXEC = 0x80000;
  static final int SEEK_END = 2;
  static final int PROT_READ = 1, PROT_WRITE = 2;
  static final int MAP_SHARED = 1, MAP_PRIVATE = 2, MAP_FIXED = 0x10, MAP_ANONYMOUS = 0x20, MAP_NORESERVE = 0x4000;
  static final int EFD_NONBLOCK = 0x800, EFD_CLOEXEC = 0x80000;
  static final int F_DUPFD_CLOEXEC = 1030;
  static final int EINTR = 4, EAGAIN = 11;
  static final short POLLIN = 1, POLLERR = 8, POLLHUP = 0x10, POLLNVAL = 0x20;

  static {
    Native.register(NativeLibrary.getProcess());
  }

  private Libc() {}

  static native int open(String path, int flags) throws LastErrorException;

  static native int fcntl(int fd, int command, long argument) throws LastErrorException;

  static native int close(int fd) throws LastErrorException;

  static native long lseek(int fd, long offset, int whence) throws LastErrorException;

  static native long pread(int fd, long buffer, long length, long offset) throws LastErrorException;

  static native long read(int fd, long buffer, long length) throws LastErrorException;

  static native long write(int fd, long buffer, long length) throws LastErrorException;

  static native long mmap(long address, long length, int protection, int flags, int fd, long offset) throws LastErrorException;

  static native int munmap(long address, long length) throws LastErrorException;

  static native int eventfd(int initial, int flags) throws LastErrorException;

  /** {@code fds} is an array of {@code struct pollfd {int fd; short events; short revents;}}. */
  static native int poll(long fds, long count, int timeoutMillis) throws LastErrorException;

  static native String strerror(int errno);
}
