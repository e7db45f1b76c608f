package lguest.device.tun;

import com.sun.jna.LastErrorException;
import com.sun.jna.Native;
import com.sun.jna.NativeLibrary;

/**
 * The operating system's calls we need, through JNA's direct mapping; numbers are those of 64-bit Linux. Addresses are plain numbers: whoever passes one of guest
 * memory does so on the guest's thread and for a call that does not block, so the guest cannot end meanwhile.
 */
final class Libc {
  static final int O_RDWR = 2, O_NONBLOCK = 0x800, O_CLOEXEC = 0x80000;
  static final int AF_INET = 2, SOCK_DGRAM = 2, SOCK_CLOEXEC = 0x80000;
  static final int EPERM = 1, ENOENT = 2, EINTR = 4, EIO = 5, ENXIO = 6, EAGAIN = 11, EACCES = 13, EBUSY = 16, ENODEV = 19, EINVAL = 22, EOPNOTSUPP = 95;
  static final long TUNSETIFF = 0x400454CAL;
  static final long SIOCGIFFLAGS = 0x8913, SIOCSIFFLAGS = 0x8914, SIOCSIFADDR = 0x8916, SIOCSIFNETMASK = 0x891C, SIOCGIFHWADDR = 0x8927, SIOCGIFINDEX = 0x8933,
    SIOCBRADDIF = 0x89A2;

  static {
    Native.register(NativeLibrary.getProcess());
  }

  private Libc() {}

  static native int open(String path, int flags) throws LastErrorException;

  static native int close(int fd) throws LastErrorException;

  static native int socket(int domain, int type, int protocol) throws LastErrorException;

  static native int ioctl(int fd, long request, long argument) throws LastErrorException;

  static native long read(int fd, long buffer, long length) throws LastErrorException;

  static native long writev(int fd, long vector, int count) throws LastErrorException;

  static native String strerror(int errno);
}
