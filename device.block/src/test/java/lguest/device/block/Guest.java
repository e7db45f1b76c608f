package lguest.device.block;

import static org.junit.jupiter.api.Assertions.assertEquals;

import java.lang.System.Logger.Level;
import java.lang.foreign.ValueLayout;
import java.time.Duration;
import java.util.Arrays;
import java.util.List;
import java.util.Optional;
import java.util.Random;
import lguest.device.Device;
import lguest.device.DeviceConfig;
import lguest.device.DeviceException;
import lguest.device.DeviceState;
import lguest.device.fake.FakeContext;
import lguest.device.fake.FakeRequest;

/** A guest with a disk, as Linux's driver uses it. */
final class Guest implements AutoCloseable {
  static final ValueLayout.OfInt INT = ValueLayout.JAVA_INT;
  static final Duration LIMIT = Duration.ofSeconds(20);

  final FakeContext machine = new FakeContext();
  final Device device;

  Guest(BlockProvider provider, String argument) throws DeviceException { this(provider, argument, Optional.empty()); }

  Guest(BlockProvider provider, String argument, Optional<DeviceState> state) throws DeviceException {
    Device opened;
    try {
      opened = provider.open(new DeviceConfig(argument, state), machine);
    } catch (DeviceException e) {
      machine.close();
      throw e;
    }
    device = opened;
  }

  void ask(int type, int sector, int bytes) {
    machine.page(0).set(INT, 0, type);
    machine.page(0).set(INT, 4, sector);
    machine.page(0).set(INT, 8, bytes);
    machine.page(0).set(INT, 12, 0);
  }

  int result() { return machine.page(0).get(INT, 12); }

  FakeRequest read(int sector, int... sizes) throws Exception {
    FakeRequest reply = machine.offer(0, sizes);
    ask(0, sector, Arrays.stream(sizes).sum());
    FakeRequest sent = machine.send(0);
    device.request(sent);
    reply.await(LIMIT);
    sent.await(LIMIT);
    return reply;
  }

  FakeRequest write(int sector, byte[]... parts) throws Exception {
    FakeRequest reply = machine.offer(0, 512);
    ask(1, sector, Arrays.stream(parts).mapToInt(part -> part.length).sum());
    FakeRequest sent = machine.send(0, parts);
    device.request(sent);
    reply.await(LIMIT);
    sent.await(LIMIT);
    assertEquals(0, reply.completedLength());
    return sent;
  }

  List<String> warnings() {
    return machine.lines().stream().filter(line -> line.level() == Level.WARNING).map(FakeContext.LogLine::text).toList();
  }

  @Override public void close() throws Exception {
    device.close();
    machine.close();
  }

  static byte[] bytes(int length, int seed) {
    byte[] bytes = new byte[length];
    new Random(seed).nextBytes(bytes);
    return bytes;
  }
}
