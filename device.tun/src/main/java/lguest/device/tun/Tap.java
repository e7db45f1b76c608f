package lguest.device.tun;

import java.io.IOException;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.util.Arrays;
import java.util.List;
import java.util.Optional;
import lguest.device.DeviceException;
import lguest.device.tun.TunOptions.Address;
import lguest.device.tun.TunOptions.Bridge;
import lguest.device.tun.TunOptions.Existing;

/**
 * A tap: a network interface of the host at whose other end is not a cable but a file descriptor. Each read is a frame the host sends, each write one it receives; neither
 * ever blocks. A tap made here goes away with its descriptor. One thread at a time.
 */
final class Tap {
  /** Bytes in the longest frame. */
  static final int MAX_FRAME = 65536;
  private static final String CLONE = "/dev/net/tun";
  private static final int IFREQ = 40, NAME = 16, IOVEC = 16, MAX_VECTOR = 16;
  private static final short IFF_UP = 1, IFF_TAP = 2, IFF_NO_PI = 0x1000;

  private final int fd;
  private final String name;
  private final MemorySegment vector = Arena.ofAuto().allocate(MAX_VECTOR * IOVEC, 8), errno = Libc.errnoPlace(Arena.ofAuto());

  /** One that is open already: what a previous implementation has left. */
  Tap(int fd, String name) {
    this.fd = fd;
    this.name = name;
  }

  int fd() { return fd; }

  String name() { return name; }

  // Making one.

  /** Makes or attaches the wanted tap. Nothing stays of it if that fails, which is told in a line for the user. */
  static Tap open(TunOptions options) throws DeviceException {
    try (Control control = new Control()) {
      if (options instanceof Bridge(String bridge) && !control.exists(bridge))
        throw new DeviceException("there is no bridge '" + bridge + "'; make one with: ip link add " + bridge + " type bridge && ip link set " + bridge + " up");
      if (options instanceof Existing(String tap) && !control.exists(tap))
        throw new DeviceException("there is no tap '" + tap + "'; " + prepare(tap));
      Tap tap = attach(openClone(), options instanceof Existing(String wanted) ? wanted : null);
      try {
        control.configure(tap, options);
      } catch (DeviceException e) {
        tap.close();
        throw e;
      }
      return tap;
    }
  }

  private static String prepare(String name) {
    return "have an administrator make it with: ip tuntap add dev " + name + " mode tap user " + System.getProperty("user.name") + " && ip link set " + name + " up";
  }

  private static int openClone() throws DeviceException {
    try {
      return Libc.open(CLONE, Libc.O_RDWR | Libc.O_NONBLOCK | Libc.O_CLOEXEC);
    } catch (Libc.Failure e) {
      throw new DeviceException("cannot open " + CLONE + ": " + text(e) + switch (e.errno()) {
        case Libc.ENOENT, Libc.ENODEV, Libc.ENXIO -> "; the kernel's module is missing, load it as root with: modprobe tun";
        case Libc.EACCES, Libc.EPERM -> "; have an administrator permit it with: chmod 666 " + CLONE;
        default -> "; check the kernel's tun module";
      }, e);
    }
  }

  private static Tap attach(int fd, String wanted) throws DeviceException {
    try (Arena arena = Arena.ofConfined()) {
      MemorySegment request = Control.request(arena, wanted == null ? "tap%d" : wanted);
      request.set(ValueLayout.JAVA_SHORT, NAME, (short) (IFF_TAP | IFF_NO_PI));
      Libc.ioctl(fd, Libc.TUNSETIFF, request.address());
      return new Tap(fd, request.getString(0));
    } catch (Libc.Failure e) {
      close(fd);
      boolean denied = e.errno() == Libc.EPERM || e.errno() == Libc.EACCES;
      if (wanted == null)
        throw new DeviceException("cannot make a tap interface: " + text(e) + (denied ? "; that takes root (CAP_NET_ADMIN). Without it, "
          + prepare("tap0") + ", and say tunnet=tap:tap0" : "; check the kernel's tun module"), e);
      throw new DeviceException("cannot use tap '" + wanted + "': " + text(e) + switch (e.errno()) {
        case Libc.EBUSY -> "; another guest or program has it, so end that or use another tap";
        case Libc.EINVAL -> "; it is not a plain tap, so name another or " + prepare("tap0");
        default -> denied ? "; it is somebody else's, so " + prepare("tap0") : "; check it with: ip tuntap show";
      }, e);
    }
  }

  private static String text(Libc.Failure e) { return Libc.strerror(e.errno()); }

  /** The socket by which interfaces are asked and told things; a {@code struct ifreq} is a name of 16 bytes and what it is about. */
  private static final class Control implements AutoCloseable {
    private final int socket;

    Control() throws DeviceException {
      try {
        socket = Libc.socket(Libc.AF_INET, Libc.SOCK_DGRAM | Libc.SOCK_CLOEXEC, 0);
      } catch (Libc.Failure e) {
        throw new DeviceException("cannot open a socket to set up the network: " + text(e) + "; check the limits of this process", e);
      }
    }

    static MemorySegment request(Arena arena, String name) {
      MemorySegment request = arena.allocate(IFREQ, 8);
      request.setString(0, name);
      return request;
    }

    boolean exists(String name) {
      try (Arena arena = Arena.ofConfined()) {
        Libc.ioctl(socket, Libc.SIOCGIFINDEX, request(arena, name).address());
        return true;
      } catch (Libc.Failure e) {
        return false;
      }
    }

    void configure(Tap tap, TunOptions options) throws DeviceException {
      switch (options) {
        case Address wanted -> {
          setAddress(tap, Libc.SIOCSIFADDR, wanted.address(), "cannot give " + tap.name + " the address " + wanted);
          if (wanted.prefix().isPresent()) setAddress(tap, Libc.SIOCSIFNETMASK, mask(wanted.prefix().getAsInt()), "cannot give " + tap.name + " the netmask of " + wanted);
          up(tap);
        }
        case Bridge(String bridge) -> {
          join(tap, bridge);
          up(tap);
        }
        // Whoever made it has set it up. We try, but may not be allowed to.
        case Existing existing -> tryUp(tap);
      }
    }

    private static byte[] mask(int prefix) {
      int mask = -1 << 32 - prefix;
      return new byte[] {(byte) (mask >> 24), (byte) (mask >> 16), (byte) (mask >> 8), (byte) mask};
    }

    private void setAddress(Tap tap, long what, byte[] address, String failure) throws DeviceException {
      try (Arena arena = Arena.ofConfined()) {
        MemorySegment request = request(arena, tap.name);
        request.set(ValueLayout.JAVA_SHORT, NAME, (short) Libc.AF_INET);
        MemorySegment.copy(address, 0, request, ValueLayout.JAVA_BYTE, NAME + 4, 4);
        Libc.ioctl(socket, what, request.address());
      } catch (Libc.Failure e) {
        throw new DeviceException(failure + ": " + text(e) + "; choose another address, or run as root", e);
      }
    }

    private void join(Tap tap, String bridge) throws DeviceException {
      try (Arena arena = Arena.ofConfined()) {
        MemorySegment port = request(arena, tap.name);
        Libc.ioctl(socket, Libc.SIOCGIFINDEX, port.address());
        MemorySegment request = request(arena, bridge);
        request.set(ValueLayout.JAVA_INT, NAME, port.get(ValueLayout.JAVA_INT, NAME));
        Libc.ioctl(socket, Libc.SIOCBRADDIF, request.address());
      } catch (Libc.Failure e) {
        throw new DeviceException("cannot add " + tap.name + " to '" + bridge + "': " + text(e) + switch (e.errno()) {
          case Libc.EOPNOTSUPP, Libc.EINVAL -> "; '" + bridge + "' is not a bridge, name one that 'ip link show type bridge' lists";
          case Libc.EPERM, Libc.EACCES -> "; run as root, or have an administrator prepare a tap on that bridge and say tap:<name>";
          default -> "; check the bridge with: ip link show " + bridge;
        }, e);
      }
    }

    private void up(Tap tap) throws DeviceException {
      try {
        setUp(tap);
      } catch (Libc.Failure e) {
        throw new DeviceException("cannot bring " + tap.name + " up: " + text(e) + "; run as root", e);
      }
    }

    private void tryUp(Tap tap) {
      try {
        setUp(tap);
      } catch (Libc.Failure e) {
        // The first send tells if it is down.
      }
    }

    private void setUp(Tap tap) {
      try (Arena arena = Arena.ofConfined()) {
        MemorySegment request = request(arena, tap.name);
        Libc.ioctl(socket, Libc.SIOCGIFFLAGS, request.address());
        short flags = request.get(ValueLayout.JAVA_SHORT, NAME);
        if ((flags & IFF_UP) != 0) return;
        request.set(ValueLayout.JAVA_SHORT, NAME, (short) (flags | IFF_UP));
        Libc.ioctl(socket, Libc.SIOCSIFFLAGS, request.address());
      }
    }

    @Override public void close() { Tap.close(socket); }
  }

  // Using it.

  /** The interface's hardware address, 6 bytes. */
  byte[] hardwareAddress() throws DeviceException {
    try (Arena arena = Arena.ofConfined()) {
      MemorySegment request = Control.request(arena, name);
      Libc.ioctl(fd, Libc.SIOCGIFHWADDR, request.address());
      return Arrays.copyOfRange(request.toArray(ValueLayout.JAVA_BYTE), NAME + 2, NAME + 8);
    } catch (Libc.Failure e) {
      throw new DeviceException("cannot find the hardware address of " + name + ": " + text(e) + "; check it with: ip link show " + name, e);
    }
  }

  /** The next frame's length, which is then in {@code frame}; empty when there is none now. An exception when there will be none any more. */
  Optional<Integer> read(MemorySegment frame) throws IOException {
    int done = (int) Libc.read(errno, fd, frame.address(), frame.byteSize());
    if (done >= 0) return Optional.of(done);
    if (done == -Libc.EAGAIN || done == -Libc.EINTR) return Optional.empty();
    throw new IOException(Libc.strerror(-done));
  }

  /** Sends a frame: 0, or the errno with which the host did not take it. */
  int write(List<MemorySegment> parts) {
    int count = 0;
    for (MemorySegment part : parts) {
      vector.set(ValueLayout.JAVA_LONG, (long) count * IOVEC, part.address());
      vector.set(ValueLayout.JAVA_LONG, (long) count++ * IOVEC + 8, part.byteSize());
    }
    return (int) -Math.min(Libc.writev(errno, fd, vector.address(), count), 0);
  }

  void close() { close(fd); }

  private static void close(int fd) {
    try {
      Libc.close(fd);
    } catch (Libc.Failure e) {
      // It is closed all the same.
    }
  }
}
