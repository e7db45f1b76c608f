package lguest.device.net;

import com.sun.jna.LastErrorException;
import com.sun.jna.Native;
import com.sun.jna.NativeLibrary;

/** The operating system's calls we need, through JNA's direct mapping; numbers are those of 64-bit Linux. None of them is given guest memory. */
final class Libc {
  static final int O_RDWR = 2, O_CREAT = 0x40, O_CLOEXEC = 0x80000, O_PATH = 0x200000;
  static final int SEEK_END = 2;
  static final int F_OFD_SETLK = 37, F_ADD_SEALS = 1033, F_GET_SEALS = 1034;
  static final short F_WRLCK = 1;
  static final int F_SEAL_SEAL = 1, F_SEAL_SHRINK = 2, F_SEAL_GROW = 4;
  static final int MFD_CLOEXEC = 1, MFD_ALLOW_SEALING = 2;
  static final int PROT_READ = 1, PROT_WRITE = 2, MAP_SHARED = 1;
  static final int AF_UNIX = 1, SOCK_DGRAM = 2, SOCK_NONBLOCK = 0x800, SOCK_CLOEXEC = 0x80000;
  static final int SOL_SOCKET = 1, SCM_RIGHTS = 1;
  static final int MSG_NOSIGNAL = 0x4000, MSG_CMSG_CLOEXEC = 0x40000000;
  static final int EINTR = 4, EAGAIN = 11, EACCES = 13, EISDIR = 21, EINVAL = 22, EADDRINUSE = 98;

  static {
    Native.register(NativeLibrary.getProcess());
  }

  private Libc() {}

  static native int open(String path, int flags, int mode) throws LastErrorException;

  static native int close(int fd) throws LastErrorException;

  static native long lseek(int fd, long offset, int whence) throws LastErrorException;

  static native int ftruncate(int fd, long size) throws LastErrorException;

  static native int fcntl(int fd, int command, long argument) throws LastErrorException;

  static native int memfd_create(String name, int flags) throws LastErrorException;

  static native long mmap(long address, long length, int protection, int flags, int fd, long offset) throws LastErrorException;

  static native int munmap(long address, long length) throws LastErrorException;

  static native int socket(int domain, int type, int protocol) throws LastErrorException;

  static native int bind(int fd, long address, int length) throws LastErrorException;

  static native int connect(int fd, long address, int length) throws LastErrorException;

  static native long sendmsg(int fd, long message, int flags) throws LastErrorException;

  static native long recvmsg(int fd, long message, int flags) throws LastErrorException;

  static native String strerror(int errno);

  static String text(LastErrorException e) { return strerror(e.getErrorCode()); }

  static void closeQuietly(int fd) {
    try {
      close(fd);
    } catch (LastErrorException e) {
      // It is closed all the same.
    }
  }
}
