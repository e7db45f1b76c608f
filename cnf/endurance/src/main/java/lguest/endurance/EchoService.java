package lguest.endurance;

import java.io.IOException;
import java.net.InetSocketAddress;
import java.nio.ByteBuffer;
import java.nio.channels.ClosedChannelException;
import java.nio.channels.DatagramChannel;

/** The host's end of the tap: sends back every datagram that comes to UDP port 7. */
final class EchoService implements AutoCloseable {
  private final DatagramChannel channel = DatagramChannel.open();

  EchoService(String address) throws IOException {
    channel.bind(new InetSocketAddress(address, 7));
    Thread.ofPlatform().daemon().name("echo").start(this::serve);
  }

  private void serve() {
    ByteBuffer datagram = ByteBuffer.allocateDirect(2048);
    try {
      while (true) {
        datagram.clear();
        var from = channel.receive(datagram);
        channel.send(datagram.flip(), from);
      }
    } catch (ClosedChannelException e) {
      // The end.
    } catch (IOException e) {
      System.err.println("soak: the host's echo service has failed: " + e.getMessage());
    }
  }

  @Override public void close() throws IOException { channel.close(); }
}
