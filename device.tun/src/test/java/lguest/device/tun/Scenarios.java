package lguest.device.tun;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertNotNull;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.lang.System.Logger.Level;
import java.lang.foreign.ValueLayout;
import java.net.DatagramPacket;
import java.net.DatagramSocket;
import java.net.InetAddress;
import java.net.NetworkInterface;
import java.nio.ByteBuffer;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Optional;
import java.util.function.Predicate;
import lguest.device.Device;
import lguest.device.DeviceConfig;
import lguest.device.DeviceException;
import lguest.device.DeviceState;
import lguest.device.fake.FakeContext;
import lguest.device.fake.FakeRequest;
import org.junit.platform.engine.TestExecutionResult;
import org.junit.platform.engine.discovery.DiscoverySelectors;
import org.junit.platform.launcher.TestExecutionListener;
import org.junit.platform.launcher.TestIdentifier;
import org.junit.platform.launcher.core.LauncherDiscoveryRequestBuilder;
import org.junit.platform.launcher.core.LauncherFactory;

/** What {@link NamespaceTest} runs inside of a namespace: guests that speak Ethernet by hand with the real network of Linux. */
final class Scenarios {
  private Scenarios() {}

  public static void main(String[] args) {
    try {
      Scenarios.class.getDeclaredMethod(args[0]).invoke(null);
      System.out.println("done " + args[0]);
      System.exit(0);
    } catch (java.lang.reflect.InvocationTargetException e) {
      e.getCause().printStackTrace(System.out);
    } catch (ReflectiveOperationException e) {
      e.printStackTrace(System.out);
    }
    System.exit(1);
  }

  private static final long LIMIT = 20_000_000_000L;
  private static final byte[] BROADCAST = {-1, -1, -1, -1, -1, -1};

  /** A guest with one network card. */
  private static final class Guest implements AutoCloseable {
    final FakeContext machine = new FakeContext();
    final byte[] mac, ip;
    final Device device;
    final List<FakeRequest> buffers = new ArrayList<>();

    Guest(String argument, Optional<DeviceState> state, int number, String ip) throws Exception {
      mac = new byte[] {2, 0, (byte) number, 0, 0, 0};
      this.ip = InetAddress.getByName(ip).getAddress();
      try {
        device = new TunProvider().open(new DeviceConfig(argument, state), machine);
      } catch (DeviceException e) {
        machine.close();
        throw e;
      }
      assertEquals(2, machine.type());
      assertEquals(0x8001, machine.features());
      assertEquals(1, machine.pages());
      assertEquals(2, machine.channels());
      assertEquals(1, machine.watched().size());
    }

    Guest(String argument, String ip) throws Exception { this(argument, Optional.empty(), 1, ip); }

    void offer(int count) { for (int i = 0; i < count; i++) buffers.add(machine.offer(1, 1000, 514)); }

    boolean send(byte[]... parts) throws Exception {
      FakeRequest request = machine.send(0, parts);
      device.request(request);
      assertTrue(request.isComplete());
      return request.completedLength() == request.length() && request.length() > 0;
    }

    /** The next frame, in the order of the buffers; null when there is none now. */
    byte[] receive() throws Exception {
      device.service();
      if (buffers.isEmpty() || !buffers.getFirst().isComplete()) return null;
      return buffers.removeFirst().received();
    }

    byte[] await(Predicate<byte[]> wanted) throws Exception {
      byte[] frame = await(wanted, LIMIT);
      if (frame == null) throw new AssertionError("no such frame came; log: " + machine.lines());
      return frame;
    }

    private byte[] await(Predicate<byte[]> wanted, long nanos) throws Exception {
      for (long end = System.nanoTime() + nanos; System.nanoTime() < end; Thread.sleep(1)) {
        if (buffers.isEmpty()) offer(8);
        byte[] frame = receive();
        if (frame != null && frame.length >= 14 && wanted.test(frame)) return frame;
      }
      return null;
    }

    /** Asks again and again, as everybody does: an interface that has just come up may not listen yet. */
    byte[] resolve(byte[] address) throws Exception {
      for (long end = System.nanoTime() + LIMIT; System.nanoTime() < end;) {
        assertTrue(send(frame(BROADCAST, mac, 0x0806, ByteBuffer.allocate(28).putShort((short) 1).putShort((short) 0x800).put((byte) 6).put((byte) 4).putShort((short) 1)
          .put(mac).put(ip).put(new byte[6]).put(address).array())));
        byte[] answer = await(f -> type(f) == 0x806 && f[21] == 2 && Arrays.equals(Arrays.copyOfRange(f, 28, 32), address), 1_000_000_000L);
        if (answer != null) return Arrays.copyOfRange(answer, 22, 28);
      }
      throw new AssertionError("nobody has that address; log: " + machine.lines());
    }

    void ping(String address) throws Exception {
      byte[] target = InetAddress.getByName(address).getAddress(), payload = new byte[1400];
      new java.util.Random(1).nextBytes(payload);
      byte[] echo = ByteBuffer.allocate(8 + payload.length).put((byte) 8).put((byte) 0).putShort((short) 0).putShort((short) 77).putShort((short) 1).put(payload).array();
      ByteBuffer.wrap(echo).putShort(2, checksum(echo));
      byte[] packet = ip(1, target, echo);
      byte[] whole = frame(resolve(target), mac, 0x800, packet);
      // In odd pieces, as a guest with scatter lists sends.
      assertTrue(send(Arrays.copyOf(whole, 14), Arrays.copyOfRange(whole, 14, 35), Arrays.copyOfRange(whole, 35, whole.length)));
      byte[] answer = await(f -> type(f) == 0x800 && f[23] == 1 && f[34] == 0 && f[38] == 0 && f[39] == 77);
      assertArrayEquals(payload, Arrays.copyOfRange(answer, 42, 42 + payload.length));
      assertArrayEquals(mac, Arrays.copyOf(answer, 6));
    }

    byte[] ip(int protocol, byte[] target, byte[] body) {
      byte[] packet = ByteBuffer.allocate(20 + body.length).put((byte) 0x45).put((byte) 0).putShort((short) (20 + body.length)).putInt(0)
        .put((byte) 64).put((byte) protocol).putShort((short) 0).put(ip).put(target).put(body).array();
      ByteBuffer.wrap(packet).putShort(10, checksum(Arrays.copyOf(packet, 20)));
      return packet;
    }

    List<String> said(Level level) { return machine.lines().stream().filter(line -> line.level() == level).map(FakeContext.LogLine::text).toList(); }

    @Override public void close() throws Exception {
      device.close();
      assertEquals(List.of(), machine.watched());
      machine.close();
    }
  }

  private static byte[] frame(byte[] to, byte[] from, int type, byte[] body) {
    return ByteBuffer.allocate(14 + body.length).put(to).put(from).putShort((short) type).put(body).array();
  }

  private static int type(byte[] frame) { return ByteBuffer.wrap(frame).getShort(12) & 0xFFFF; }

  static short checksum(byte[] bytes) {
    int sum = 0;
    for (int i = 0; i < bytes.length; i += 2) sum += (bytes[i] & 0xFF) << 8 | (i + 1 < bytes.length ? bytes[i + 1] & 0xFF : 0);
    while (sum > 0xFFFF) sum = (sum & 0xFFFF) + (sum >> 16);
    return (short) ~sum;
  }

  private static String shell(String command) throws Exception {
    Process process = new ProcessBuilder("sh", "-c", command).redirectErrorStream(true).start();
    String output = new String(process.getInputStream().readAllBytes()).strip();
    assertEquals(0, process.waitFor(), command + ": " + output);
    return output;
  }

  private static String refusal(String argument) {
    String message = assertThrows(DeviceException.class, () -> new Guest(argument, "10.9.9.9")).getMessage();
    assertFalse(message.contains("\n"), message);
    return message;
  }

  // The scenarios.

  static void address() throws Exception {
    try (Guest guest = new Guest("192.168.19.1", "192.168.19.2")) {
      NetworkInterface tap = NetworkInterface.getByName("tap0");
      assertTrue(tap.isUp());
      assertEquals("192.168.19.1/24", shell("ip -4 -o addr show tap0 | awk '{print $4}'"));
      byte[] slot = guest.machine.page(0).asSlice(0, 6).toArray(ValueLayout.JAVA_BYTE), address = tap.getHardwareAddress();
      assertEquals(address[0] | 1, slot[0], "promiscuous");
      assertArrayEquals(Arrays.copyOfRange(address, 1, 6), Arrays.copyOfRange(slot, 1, 6));
      guest.ping("192.168.19.1");

      try (DatagramSocket socket = new DatagramSocket(4000, InetAddress.getByName("192.168.19.1"))) {
        socket.setSoTimeout(20_000);
        socket.send(new DatagramPacket("over".getBytes(), 4, InetAddress.getByName("192.168.19.2"), 4001));
        byte[] asked = guest.await(f -> type(f) == 0x800 && f[23] == 17 && f[36] == 4001 >> 8 && f[37] == (byte) 4001);
        assertEquals("over", new String(asked, 42, 4));
        guest.send(frame(Arrays.copyOfRange(asked, 6, 12), guest.mac, 0x800, guest.ip(17, InetAddress.getByName("192.168.19.1").getAddress(),
          ByteBuffer.allocate(13).putShort((short) 4001).putShort((short) 4000).putShort((short) 13).putShort((short) 0).put("there".getBytes()).array())));
        DatagramPacket answer = new DatagramPacket(new byte[100], 100);
        socket.receive(answer);
        assertEquals("there", new String(answer.getData(), 0, answer.getLength()));
      }
      assertEquals(List.of(), guest.said(Level.WARNING));
      assertEquals(0, guest.machine.counters().get("frames.dropped"));
    }
    assertEquals(null, NetworkInterface.getByName("tap0"), "gone with the guest");
  }

  static void prefix() throws Exception {
    try (Guest guest = new Guest("192.168.19.1/30", "192.168.19.2")) {
      assertEquals("192.168.19.1/30", shell("ip -4 -o addr show tap0 | awk '{print $4}'"));
      guest.ping("192.168.19.1");
    }
  }

  private static void broadcast(DatagramSocket socket, int number) throws Exception {
    byte[] data = ByteBuffer.allocate(100).putInt(number).array();
    socket.send(new DatagramPacket(data, data.length, InetAddress.getByName("192.168.19.255"), 4001));
  }

  private static boolean isNumbered(byte[] f) { return type(f) == 0x800 && f[23] == 17 && f[36] == 4001 >> 8 && f[37] == (byte) 4001; }

  static void order() throws Exception {
    try (Guest guest = new Guest("192.168.19.1", "192.168.19.2"); DatagramSocket socket = new DatagramSocket()) {
      socket.setBroadcast(true);
      for (int i = 0; i < 200; i++) broadcast(socket, i);
      guest.device.service();
      assertEquals(1, guest.machine.retries(), "no buffer: asks for time");
      for (int i = 0; i < 200; i++) assertEquals(i, ByteBuffer.wrap(guest.await(Scenarios::isNumbered)).getInt(42));
      int before = guest.machine.interrupts();
      guest.offer(64);
      for (int i = 0; i < 50; i++) broadcast(socket, i);
      guest.device.service();
      assertTrue(guest.machine.interrupts() >= before + 50, "many at one go");
    }
  }

  static void late() throws Exception {
    try (Guest guest = new Guest("192.168.19.1", "192.168.19.2"); DatagramSocket socket = new DatagramSocket()) {
      socket.setBroadcast(true);
      for (int i = 0; i < 20; i++) broadcast(socket, i);
      awaitDropped(guest, 20);
      assertEquals(List.of(), guest.said(Level.WARNING), "a guest that has not begun is no news");
      guest.send(new byte[60]);
      broadcast(socket, 20);
      broadcast(socket, 21);
      // The host's own frames (neighbour discovery) count as dropped too, so the count does not tell when ours have been.
      for (long end = System.nanoTime() + LIMIT; guest.said(Level.WARNING).isEmpty() && System.nanoTime() < end; Thread.sleep(1)) guest.device.service();
      assertEquals(List.of("frames from tap0 are dropped, for the guest takes none"), guest.said(Level.WARNING));
      guest.offer(8);
      broadcast(socket, 22);
      assertEquals(22, ByteBuffer.wrap(guest.await(Scenarios::isNumbered)).getInt(42), "what is on time comes");
    }
  }

  private static void awaitDropped(Guest guest, long count) throws Exception {
    for (long end = System.nanoTime() + LIMIT; guest.machine.counters().get("frames.dropped") < count; Thread.sleep(1)) {
      assertTrue(System.nanoTime() < end, guest.machine.counters().toString());
      guest.device.service();
    }
  }

  static void odd() throws Exception {
    try (Guest guest = new Guest("192.168.19.1", "192.168.19.2")) {
      assertFalse(guest.send(), "nothing");
      assertFalse(guest.send(new byte[1]), "less than a header");
      assertFalse(guest.send(new byte[13]));
      guest.send(new byte[60]);
      byte[][] pages = new byte[16][4096];
      guest.send(pages);
      FakeRequest wrong = guest.machine.send(1, new byte[60]);
      guest.device.request(wrong);
      assertEquals(0, wrong.completedLength(), "its own place");
      assertEquals(List.of(), guest.said(Level.WARNING));
      // Larger than the guest's buffer: dropped whole, and the next one comes.
      shell("ip link set tap0 mtu 4000");
      try (DatagramSocket socket = new DatagramSocket()) {
        socket.setBroadcast(true);
        socket.send(new DatagramPacket(new byte[3000], 3000, InetAddress.getByName("192.168.19.255"), 4001));
        broadcast(socket, 5);
        byte[] next = guest.await(Scenarios::isNumbered);
        assertEquals(5, ByteBuffer.wrap(next).getInt(42));
        assertTrue(guest.machine.counters().get("frames.dropped") >= 1);
      }
      guest.ping("192.168.19.1");
    }
  }

  /** The whole test kit. */
  static void testKit() {
    List<String> failures = new ArrayList<>();
    int[] passed = {0};
    LauncherFactory.create().execute(LauncherDiscoveryRequestBuilder.request().selectors(DiscoverySelectors.selectClass(TunKit.class)).build(), new TestExecutionListener() {
      @Override public void executionFinished(TestIdentifier test, TestExecutionResult result) {
        if (result.getThrowable().isPresent()) failures.add(test.getDisplayName() + ": " + result.getThrowable().get());
        else if (test.isTest()) passed[0]++;
      }
    });
    assertEquals(List.of(), failures);
    assertTrue(passed[0] >= 9, "the kit has more tests than " + passed[0]);
  }

  static void handOver() throws Exception {
    Guest first = new Guest("192.168.19.1", "192.168.19.2");
    first.ping("192.168.19.1");
    int index = NetworkInterface.getByName("tap0").getIndex();
    first.buffers.clear();
    Guest second;
    try (DatagramSocket socket = new DatagramSocket()) {
      socket.setBroadcast(true);
      FakeContext bare = first.machine;
      // Take the old guest's buffers away, so that a frame waits in the device.
      while (bare.offered(1).isPresent()) {}
      broadcast(socket, 1);
      for (long end = System.nanoTime() + LIMIT; bare.retries() == 0 && System.nanoTime() < end; Thread.sleep(1)) first.device.service();
      Optional<DeviceState> state = first.device.drain();
      first.close();
      broadcast(socket, 2);
      second = new Guest("192.168.19.1", state, 1, "192.168.19.2");
      assertEquals(1, ByteBuffer.wrap(second.await(Scenarios::isNumbered)).getInt(42), "the one that waited");
      assertEquals(2, ByteBuffer.wrap(second.await(Scenarios::isNumbered)).getInt(42), "the one that came meanwhile");
    }
    second.ping("192.168.19.1");
    assertEquals(index, NetworkInterface.getByName("tap0").getIndex(), "the same interface");
    second.close();
    assertEquals(null, NetworkInterface.getByName("tap0"));
  }

  static void vanished() throws Exception {
    try (Guest guest = new Guest("192.168.19.1", "192.168.19.2")) {
      guest.ping("192.168.19.1");
      shell("ip link del tap0");
      guest.device.service();
      List<String> said = guest.said(Level.ERROR);
      assertEquals(1, said.size(), said.toString());
      assertTrue(said.getFirst().startsWith("cannot receive from tap0: "), said.getFirst());
      assertTrue(said.getFirst().endsWith("; this network is closed, the guest goes on without it"), said.getFirst());
      assertEquals(List.of(), guest.machine.watched());
      guest.device.service();
      assertFalse(guest.send(new byte[60]));
      assertEquals(1, guest.said(Level.ERROR).size());
      assertEquals(List.of(), guest.said(Level.WARNING));
    }
  }

  static void bridge() throws Exception {
    try (Guest one = new Guest("bridge:br0", Optional.empty(), 1, "10.1.1.11"); Guest two = new Guest("bridge:br0", Optional.empty(), 2, "10.1.1.12")) {
      assertEquals("2", shell("ip -o link show master br0 | wc -l"));
      assertEquals("", shell("ip -4 -o addr show tap0"), "no address of its own");
      one.ping("10.1.1.1");
      two.ping("10.1.1.1");
      byte[] hello = frame(BROADCAST, one.mac, 0x88B5, new byte[50]);
      one.send(hello);
      assertArrayEquals(hello, two.await(f -> type(f) == 0x88B5));
      byte[] answer = frame(one.mac, two.mac, 0x88B6, new byte[1400]);
      two.send(answer);
      assertArrayEquals(answer, one.await(f -> type(f) == 0x88B6));
    }
    assertEquals("0", shell("ip -o link show master br0 | wc -l"));
  }

  static void missing() throws Exception {
    assertEquals("there is no bridge 'br7'; make one with: ip link add br7 type bridge && ip link set br7 up", refusal("bridge:br7"));
    assertTrue(refusal("bridge:lo").startsWith("cannot add tap0 to 'lo': Operation not supported; 'lo' is not a bridge, name one that "), refusal("bridge:lo"));
    assertEquals("there is no tap 'tap7'; have an administrator make it with: ip tuntap add dev tap7 mode tap user " + System.getProperty("user.name")
      + " && ip link set tap7 up", refusal("tap:tap7"));
    assertTrue(refusal("tap:lo").startsWith("cannot use tap 'lo': Invalid argument; it is not a plain tap, so name another or "), refusal("tap:lo"));
    assertEquals("", shell("ip -o link show type tun"), "nothing is left behind");
  }

  static void prepared() throws Exception {
    try (Guest guest = new Guest("tap:mine", "10.2.2.2")) {
      guest.ping("10.2.2.1");
      assertEquals("cannot use tap 'mine': Device or resource busy; another guest or program has it, so end that or use another tap", refusal("tap:mine"));
    }
    assertNotNull(NetworkInterface.getByName("mine"), "stays");
    String making = "cannot make a tap interface: Operation not permitted; that takes root (CAP_NET_ADMIN). Without it, have an administrator make it with: "
      + "ip tuntap add dev tap0 mode tap user root && ip link set tap0 up, and say tunnet=tap:tap0";
    assertEquals(making, refusal("10.3.3.1"));
    assertEquals(making, refusal("bridge:br0"));
    try (Guest guest = new Guest("tap:down", "10.2.2.2")) {
      assertFalse(guest.send(new byte[60]));
      assertFalse(guest.send(new byte[60]));
      assertEquals(List.of("cannot send on down: Input/output error; bring it up with: ip link set down up"), guest.said(Level.WARNING));
    }
  }

  static void stranger() {
    assertTrue(refusal("tap:hers").startsWith("cannot use tap 'hers': Operation not permitted; it is somebody else's, so have an administrator make it with: "), refusal("tap:hers"));
  }

  static void noModule() {
    assertEquals("cannot open /dev/net/tun: No such file or directory; the kernel's module is missing, load it as root with: modprobe tun", refusal("10.3.3.1"));
  }

  static void noPermission() {
    assertEquals("cannot open /dev/net/tun: Permission denied; have an administrator permit it with: chmod 666 /dev/net/tun", refusal("10.3.3.1"));
  }
}
