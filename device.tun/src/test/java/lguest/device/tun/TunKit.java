package lguest.device.tun;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;

import java.net.DatagramPacket;
import java.net.DatagramSocket;
import java.net.InetAddress;
import java.net.NetworkInterface;
import java.nio.ByteBuffer;
import java.util.Arrays;
import java.util.List;
import java.util.Map;
import java.util.WeakHashMap;
import java.util.concurrent.atomic.AtomicInteger;
import lguest.device.DeviceProvider;
import lguest.device.testkit.DeviceTestKit;
import lguest.device.testkit.TestGuest;

/**
 * The tap network under the test kit. Run by {@link NamespaceTest} inside a network namespace: what the host sends to a broadcast address comes to the guest, and what the guest sends
 * comes to the host's socket.
 */
class TunKit extends DeviceTestKit {
  private static final int PORT = 4321;
  private final AtomicInteger networks = new AtomicInteger();
  private final Map<TestGuest, Integer> numbers = new WeakHashMap<>();

  @Override protected DeviceProvider provider() { return new TunProvider(); }

  @Override protected String argument() { return "10." + networks.incrementAndGet() / 250 + "." + networks.get() % 250 + ".1/24"; }

  @Override protected List<String> wrongArguments() { return List.of("", "10.1.2", "bridge:nobody", "tap:nobody", "300.1.1.1"); }

  @Override protected void converse(TestGuest guest, int number) throws Exception {
    byte[] hardware = guest.page(0).asSlice(0, 6).toArray(java.lang.foreign.ValueLayout.JAVA_BYTE);
    byte[] mine = ByteBuffer.allocate(6).put((byte) 2).put(Arrays.copyOfRange(hardware, 1, 6)).array();
    mine[5] ^= 1;
    hardware[0] &= ~1;
    NetworkInterface tap = NetworkInterface.networkInterfaces().filter(candidate -> has(candidate, hardware)).findFirst().orElseThrow();
    byte[] host = tap.inetAddresses().filter(address -> address.getAddress().length == 4).findFirst().orElseThrow().getAddress();
    byte[] guests = host.clone();
    guests[3] = 2;
    byte[] payload = ("datagram " + number).getBytes();
    try (DatagramSocket socket = new DatagramSocket(PORT, InetAddress.getByAddress(host))) {
      socket.setSoTimeout(20_000);
      byte[] udp = ByteBuffer.allocate(8 + payload.length).putShort((short) 77).putShort((short) PORT).putShort((short) (8 + payload.length)).putShort((short) 0).put(payload).array();
      byte[] packet = ByteBuffer.allocate(20 + udp.length).put((byte) 0x45).put((byte) 0).putShort((short) (20 + udp.length)).putInt(0).put((byte) 64).put((byte) 17)
          .putShort((short) 0).put(guests).put(host).put(udp).array();
      ByteBuffer.wrap(packet).putShort(10, Scenarios.checksum(Arrays.copyOf(packet, 20)));
      byte[] frame = ByteBuffer.allocate(14 + packet.length).put(hardware).put(mine).putShort((short) 0x800).put(packet).array();
      assertEquals(frame.length, guest.send(0, Arrays.copyOf(frame, 14), packet));
      DatagramPacket received = new DatagramPacket(new byte[1000], 1000);
      socket.receive(received);
      assertArrayEquals(payload, Arrays.copyOf(received.getData(), received.getLength()));

      // And back, to everybody on this network, so that nobody has to be asked for an address first. Other traffic may come before it.
      socket.setBroadcast(true);
      byte[] everybody = host.clone();
      everybody[3] = (byte) 255;
      socket.send(new DatagramPacket(payload, payload.length, InetAddress.getByAddress(everybody), 78));
      while (true) {
        byte[] came = guest.await(guest.lend(1, 1000, 514));
        if (came.length >= 42 + payload.length && came[23] == 17 && Arrays.equals(payload, Arrays.copyOfRange(came, 42, 42 + payload.length))) return;
      }
    }
  }

  private static boolean has(NetworkInterface candidate, byte[] hardware) {
    try {
      return Arrays.equals(hardware, candidate.getHardwareAddress());
    } catch (java.net.SocketException e) {
      return false;
    }
  }
}
