package lguest.device.net;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.lang.System.Logger.Level;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.nio.ByteBuffer;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.attribute.PosixFilePermissions;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Random;
import lguest.device.Device;
import lguest.device.DeviceConfig;
import lguest.device.DeviceException;
import lguest.device.DeviceState;
import lguest.device.fake.FakeContext;
import lguest.device.fake.FakeRequest;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/**
 * Guests on a network between which no Host moves anything, so that all goes the way between processes; in most tests both ends of that way are here.
 */
class NetDeviceTest {
  static final long LIMIT = 20_000_000_000L;
  @TempDir Path folder;

  Path net() { return folder.resolve("net"); }

  static final class Guest implements AutoCloseable {
    final FakeContext machine = new FakeContext();
    final Device device;
    final int place;
    final List<FakeRequest> buffers = new ArrayList<>();

    Guest(Path net, Optional<DeviceState> state) throws DeviceException {
      try {
        device = new NetProvider().open(new DeviceConfig(net.toString(), state), machine);
      } catch (DeviceException e) {
        machine.close();
        throw e;
      }
      assertEquals(2, machine.type());
      assertEquals(1, machine.pages());
      assertEquals(682, machine.channels());
      assertEquals(0x4000, machine.features() & 0xF000);
      place = machine.features() & 0xFFF;
    }

    Guest(Path net) throws DeviceException { this(net, Optional.empty()); }

    void up() {
      MemorySegment.copy(new byte[] {2, 0, (byte) place, 0, 0, 0}, 0, machine.page(0), ValueLayout.JAVA_BYTE, 6L * place, 6);
      offer(8);
    }

    byte[] line(int of) { return machine.page(0).asSlice(6L * of, 6).toArray(ValueLayout.JAVA_BYTE); }

    void offer(int count) { for (int i = 0; i < count; i++) buffers.add(machine.offer(place, 1000, 514)); }

    boolean send(int to, byte[]... parts) throws Exception {
      FakeRequest request = machine.send(to, parts);
      device.request(request);
      assertTrue(request.completedLength() == 0 || request.completedLength() == request.length());
      return request.completedLength() > 0;
    }

    /** The next frame; null when there is none now. */
    byte[] receive() throws Exception {
      if (buffers.isEmpty()) offer(8);
      device.service();
      return buffers.getFirst().isComplete() ? buffers.removeFirst().received() : null;
    }

    byte[] await() throws Exception {
      for (long end = System.nanoTime() + LIMIT; System.nanoTime() < end; Thread.sleep(1)) {
        byte[] frame = receive();
        if (frame != null) return frame;
      }
      throw new AssertionError("no frame came; log: " + machine.lines());
    }

    List<String> warnings() { return machine.lines().stream().filter(line -> line.level() == Level.WARNING).map(FakeContext.LogLine::text).toList(); }

    @Override public void close() throws Exception {
      device.close();
      assertEquals(List.of(), machine.watched());
      machine.close();
    }
  }

  static byte[] frame(int number, int length) {
    byte[] frame = new byte[length];
    new Random(number).nextBytes(frame);
    if (length >= 4) ByteBuffer.wrap(frame).putInt(number);
    return frame;
  }

  @Test void guestsSeeEachOthersLinesAndLeaveNone() throws Exception {
    try (Guest one = new Guest(net())) {
      assertEquals(0, one.place);
      one.up();
      try (Guest two = new Guest(net())) {
        assertEquals(1, two.place);
        two.up();
        assertArrayEquals(new byte[] {2, 0, 1, 0, 0, 0}, one.line(1));
        assertArrayEquals(new byte[] {2, 0, 0, 0, 0, 0}, two.line(0));
      }
      assertArrayEquals(new byte[6], one.line(1));
      // One that was killed leaves its line; who comes next begins with none.
      MemorySegment.copy(new byte[] {9, 9, 9, 9, 9, 9}, 0, one.machine.page(0), ValueLayout.JAVA_BYTE, 6, 6);
      try (Guest three = new Guest(net())) { assertArrayEquals(new byte[6], three.line(1)); }
    }
    assertArrayEquals(new byte[4096], Files.readAllBytes(net()));
    assertFalse(Files.exists(folder.resolve("net.peers")), "nothing is left behind");
  }

  @Test void framesGoBothWaysWholeAndInOrder() throws Exception {
    try (Guest one = new Guest(net()); Guest two = new Guest(net())) {
      one.up();
      two.up();
      Random random = new Random(1);
      for (int i = 0; i < 500; i++) {
        byte[] there = frame(i, 1 + random.nextInt(1514)), back = frame(-i, 1514);
        int cut = random.nextInt(there.length);
        assertTrue(cut == 0 ? one.send(1, there) : one.send(1, Arrays.copyOf(there, cut), Arrays.copyOfRange(there, cut, there.length)));
        assertTrue(two.send(0, back));
        assertArrayEquals(there, two.receive());
        assertArrayEquals(back, one.receive());
      }
      assertEquals(500L, two.machine.counters().get("frames.in"));
      assertEquals(500L * 1514, two.machine.counters().get("bytes.out"));
      assertEquals(List.of(), one.warnings());
      assertEquals(500, two.machine.interrupts());
    }
  }

  @Test void manyFramesComeAtOneGo() throws Exception {
    try (Guest one = new Guest(net()); Guest two = new Guest(net()); Guest three = new Guest(net())) {
      two.up();
      two.offer(92);
      for (int i = 0; i < 50; i++) {
        assertTrue(one.send(1, frame(i, 60)));
        assertTrue(three.send(1, frame(1000 + i, 60)));
      }
      two.device.service();
      List<Integer> numbers = two.buffers.stream().filter(FakeRequest::isComplete).map(buffer -> ByteBuffer.wrap(buffer.received()).getInt()).toList();
      assertEquals(100, numbers.size());
      assertEquals(java.util.stream.IntStream.range(0, 50).boxed().toList(), numbers.stream().filter(n -> n < 1000).toList());
      assertEquals(java.util.stream.IntStream.range(1000, 1050).boxed().toList(), numbers.stream().filter(n -> n >= 1000).toList());
    }
  }

  @Test void framesWaitForABusyGuestButNotForOneThatTakesNone() throws Exception {
    try (Guest one = new Guest(net()); Guest two = new Guest(net())) {
      for (int i = 0; i < 20; i++) assertTrue(one.send(1, frame(i, 1514)));
      two.device.service();
      assertEquals(1, two.machine.retries());
      assertEquals(0L, two.machine.counters().get("frames.dropped"));
      for (int i = 0; i < 20; i++) assertArrayEquals(frame(i, 1514), two.await());
      // Take the buffers away and send for as long as it takes.
      while (two.machine.offered(1).isPresent()) {}
      int sent = 0;
      for (long end = System.nanoTime() + LIMIT; two.machine.counters().get("frames.dropped") == 0; Thread.sleep(1)) {
        assertTrue(System.nanoTime() < end, two.machine.counters().toString());
        if (one.send(1, frame(100 + sent, 1514))) sent++;
        two.device.service();
      }
      two.device.service();
      two.buffers.clear();
      assertTrue(one.send(1, frame(7, 100)));
      assertArrayEquals(frame(7, 100), two.await());
    }
  }

  @Test void neighbourThatDoesNotKeepUpCostsFramesAndNoMemory() throws Exception {
    try (Guest one = new Guest(net()); Guest two = new Guest(net())) {
      int taken = 0;
      while (one.send(1, frame(taken, 1514))) taken++;
      assertTrue(taken > 100 && taken < 300, "took " + taken);
      assertFalse(one.send(1, frame(0, 1514)));
      assertEquals(2L, one.machine.counters().get("frames.unsent"));
      for (int i = 0; i < taken; i++) assertArrayEquals(frame(i, 1514), two.await());
      assertTrue(one.send(1, frame(1, 1514)));
      assertArrayEquals(frame(1, 1514), two.await());
    }
  }

  @Test void nobodyThereIsNotSent() throws Exception {
    try (Guest one = new Guest(net())) {
      assertFalse(one.send(1, frame(0, 60)), "a free place");
      assertFalse(one.send(681, frame(0, 60)));
      assertFalse(one.send(0, frame(0, 60)), "its own");
      assertFalse(one.send(1), "nothing");
      try (Guest two = new Guest(net())) {
        two.up();
        for (long end = System.nanoTime() + LIMIT; !one.send(1, frame(5, 60)); Thread.sleep(1)) assertTrue(System.nanoTime() < end, "found in the end");
        assertArrayEquals(frame(5, 60), two.await());
        byte[][] huge = new byte[16][4096];
        assertFalse(one.send(1, huge), "more than a frame can be");
        byte[][] large = new byte[15][4096];
        assertTrue(one.send(1, large), "a frame, if not for this guest");
        assertTrue(one.send(1, frame(6, 60)));
        assertEquals(0, two.await().length, "a buffer given back");
        assertArrayEquals(frame(6, 60), two.await());
        assertEquals(1L, two.machine.counters().get("frames.dropped"));
      }
    }
  }

  @Test void placeIsFoundAgainWhenItsGuestIsAnother() throws Exception {
    try (Guest one = new Guest(net())) {
      for (int life = 0; life < 3; life++)
        try (Guest two = new Guest(net())) {
          two.up();
          for (long end = System.nanoTime() + LIMIT; !one.send(1, frame(life, 60)); Thread.sleep(1)) assertTrue(System.nanoTime() < end);
          assertArrayEquals(frame(life, 60), two.await());
          assertTrue(two.send(0, frame(100 + life, 60)));
          assertArrayEquals(frame(100 + life, 60), one.await());
          // Some are left lying when it goes.
          for (int i = 0; i < 3; i++) one.send(1, frame(50, 60));
        }
    }
  }

  @Test void exchangeLosesNothing() throws Exception {
    Guest one = new Guest(net()), two = new Guest(net());
    for (int i = 0; i < 100; i++) {
      assertTrue(one.send(1, frame(i, 300)));
      if (i % 10 == 5) {
        Optional<DeviceState> state = one.device.drain();
        one.close();
        one = new Guest(net(), state);
        assertEquals(0, one.place);
      }
      if (i % 10 == 8) {
        Optional<DeviceState> state = two.device.drain();
        assertTrue(one.send(1, frame(1000 + i, 300)), "between the two");
        two.close();
        two = new Guest(net(), state);
        assertEquals(1, two.place);
        for (int n = i - 8; n <= i; n++) assertArrayEquals(frame(n, 300), two.await(), "frame " + n);
        assertArrayEquals(frame(1000 + i, 300), two.await());
      }
      if (i % 10 == 9) assertArrayEquals(frame(i, 300), two.await());
    }
    try (Guest three = new Guest(net())) { assertEquals(2, three.place, "the places are still taken"); }
    one.close();
    two.close();
    try (Guest three = new Guest(net())) { assertEquals(0, three.place); }
    String message = assertThrows(DeviceException.class, () -> new Guest(net(), Optional.of(new DeviceState(5, Map.of())))).getMessage();
    assertEquals("this version of the shared network does not know what version 5 has left; install that one again", message);
  }

  @Test void networksOfTheSameNameButAnotherFileAreApart() throws Exception {
    try (Guest old = new Guest(net())) {
      Files.delete(net());
      try (Guest one = new Guest(net()); Guest two = new Guest(net())) {
        assertEquals(0, one.place);
        two.up();
        one.up();
        assertFalse(old.send(1, frame(1, 60)));
        assertTrue(one.send(1, frame(2, 60)));
        assertArrayEquals(frame(2, 60), two.await());
      }
    }
  }

  @Test void nonsenseInTheBoxHarmsNobody() throws Exception {
    try (Guest one = new Guest(net()); Guest two = new Guest(net())) {
      two.up();
      Process vandal = new ProcessBuilder("python3", "-c", """
        import socket,sys,os,array,random
        random.seed(1)
        s=socket.socket(socket.AF_UNIX,socket.SOCK_DGRAM)
        s.setblocking(False)
        s.connect(sys.argv[1])
        m=os.memfd_create('x'); os.ftruncate(m,266240)
        hello=bytes.fromhex('314e676c')
        for i in range(8):
          data=random.choice([b'',b'x',os.urandom(8),os.urandom(100),hello+os.urandom(4),hello+bytes([3,0,0,0])])
          fds=random.choice([[],[m],[m,0,1],[0]])
          try: s.sendmsg([data],[(socket.SOL_SOCKET,socket.SCM_RIGHTS,array.array('i',fds))] if fds else [])
          except BlockingIOError: pass
        print('done')
        """, findBox(1).toString()).redirectErrorStream(true).start();
      String said = vandal.inputReader().readLine();
      org.junit.jupiter.api.Assumptions.assumeTrue("done".equals(said), "needs python3: " + said);
      long before = openFiles();
      two.device.service();
      assertTrue(openFiles() <= before, "descriptors that came are closed");
      for (long end = System.nanoTime() + LIMIT; !one.send(1, frame(5, 60)); Thread.sleep(1)) assertTrue(System.nanoTime() < end);
      assertArrayEquals(frame(5, 60), two.await());
    }
  }

  private Path findBox(int place) throws Exception {
    try (var boxes = Files.list(folder.resolve("net.peers"))) {
      return boxes.filter(box -> box.toString().endsWith("." + place)).findFirst().orElseThrow();
    }
  }

  private static long openFiles() throws Exception {
    try (var files = Files.list(Path.of("/proc/self/fd"))) {
      return files.count();
    }
  }

  @Test void guestsEndWithoutLeavingDescriptors() throws Exception {
    new Guest(net()).close();
    long before = openFiles();
    for (int i = 0; i < 5; i++)
      try (Guest one = new Guest(net()); Guest two = new Guest(net())) {
        one.send(1, frame(1, 60));
        two.send(0, frame(1, 60));
        one.receive();
        two.receive();
      }
    assertEquals(before, openFiles());
  }

  @Test void foreignFolderIsNotTrusted() throws Exception {
    Files.createDirectory(folder.resolve("net.peers"), PosixFilePermissions.asFileAttribute(PosixFilePermissions.fromString("rwxrwxrwx")));
    Files.setPosixFilePermissions(folder.resolve("net.peers"), PosixFilePermissions.fromString("rwxrwxrwx"));
    long before = openFiles();
    assertEquals("cannot use network file '" + net() + "': " + folder.toRealPath().resolve("net.peers") + " is not a folder of the network file's owner alone; remove it",
      assertThrows(DeviceException.class, () -> new Guest(net())).getMessage());
    assertEquals(before, openFiles());
  }

  /** In a process that maps the file itself the next look at its page would be the end of the process. */
  @Test void networkOutlivesItsFileBeingCutOffAndScribbledOn() throws Exception {
    try (Guest one = new Guest(net()); Guest two = new Guest(net())) {
      one.up();
      two.up();
      Files.write(net(), new byte[0]);
      assertArrayEquals(new byte[] {2, 0, 1, 0, 0, 0}, one.line(1));
      assertTrue(one.send(1, frame(1, 60)));
      assertArrayEquals(frame(1, 60), two.await());
      try (Guest three = new Guest(net())) {
        assertEquals(2, three.place, "and others can join");
        assertArrayEquals(new byte[] {2, 0, 0, 0, 0, 0}, three.line(0));
      }
      Files.writeString(net(), "x".repeat(5000));
      assertTrue(assertThrows(DeviceException.class, () -> new Guest(net())).getMessage().contains("is not a network file, which has 4096 bytes and not 5000"));
      // A guest that scribbles over everybody's line harms nobody but the network.
      one.machine.page(0).fill((byte) 0xFF);
      assertArrayEquals(new byte[] {-1, -1, -1, -1, -1, -1}, two.line(1));
      assertTrue(two.send(0, frame(2, 60)));
      assertArrayEquals(frame(2, 60), one.await());
    }
  }

  @Test void whoeverDoesNotAnswerIsNamed() throws Exception {
    Optional<DeviceState> state;
    try (Guest one = new Guest(net())) {
      state = one.device.drain();
      long begin = System.nanoTime();
      String message = assertThrows(DeviceException.class, () -> new Guest(net())).getMessage();
      assertEquals("the guests on network file '" + net() + "' do not answer (places [0]): are their processes stopped, or their networks parked? Let them go on, or take another file", message);
      assertTrue(System.nanoTime() - begin > 3_000_000_000L, "time for an exchange to be over");
    }
    new Guest(net(), state).close();
    new Guest(net()).close();
  }

  @Test void boxOfADeadPredecessorIsTakenOver() throws Exception {
    Path box;
    try (Guest keeper = new Guest(net()); Guest two = new Guest(net())) {
      box = findBox(1);
      two.device.close();
      Files.createFile(box);
      try (Guest again = new Guest(net())) {
        assertEquals(1, again.place);
        again.up();
        assertEquals(List.of(), again.warnings());
        assertTrue(keeper.send(1, frame(1, 60)));
        assertArrayEquals(frame(1, 60), again.await());
      }
      assertFalse(Files.exists(box));
    }
  }
}
