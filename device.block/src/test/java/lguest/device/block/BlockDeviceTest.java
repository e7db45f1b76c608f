package lguest.device.block;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.io.RandomAccessFile;
import java.lang.System.Logger.Level;
import java.lang.foreign.ValueLayout;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardCopyOption;
import java.time.Duration;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Optional;
import java.util.Random;
import lguest.device.Device;
import lguest.device.DeviceConfig;
import lguest.device.DeviceException;
import lguest.device.DeviceState;
import lguest.device.GuestFaultException;
import lguest.device.fake.FakeContext;
import lguest.device.fake.FakeRequest;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** What a guest's block driver, and its user, notice. */
class BlockDeviceTest {
  static final ValueLayout.OfInt INT = ValueLayout.JAVA_INT;
  static final Duration LIMIT = Duration.ofSeconds(20);
  static final int SECTORS = 1000;

  @TempDir Path folder;
  Path file;
  byte[] content;

  @BeforeEach void makeDisk() throws Exception {
    file = folder.resolve("disk.img");
    content = new byte[SECTORS * 512];
    new Random(1).nextBytes(content);
    Files.write(file, content);
  }

  /** A guest with a disk, as Linux's driver uses it. */
  static final class Guest implements AutoCloseable {
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
  }

  Guest guest(String options) throws DeviceException { return new Guest(new BlockProvider(), file + options); }

  static byte[] bytes(int length, int seed) {
    byte[] bytes = new byte[length];
    new Random(seed).nextBytes(bytes);
    return bytes;
  }

  @Test void describesItself() throws Exception {
    try (Guest guest = guest("")) {
      assertEquals(3, guest.machine.type());
      assertEquals(0x8000, guest.machine.features());
      assertEquals(1, guest.machine.pages());
      assertEquals(SECTORS, guest.machine.page(0).get(INT, 16));
    }
  }

  @Test void readsScatteredParts() throws Exception {
    try (Guest guest = guest("")) {
      FakeRequest reply = guest.read(7, 512, 1024, 1, 4095, 512);
      assertEquals(1, guest.result());
      assertArrayEquals(Arrays.copyOfRange(content, 7 * 512, 7 * 512 + 6144), reply.received());
      assertEquals(1, guest.machine.interrupts());
    }
  }

  @Test void writesScatteredPartsAndNothingElse() throws Exception {
    byte[] one = bytes(513, 2), two = bytes(1023, 3);
    try (Guest guest = guest("")) {
      FakeRequest sent = guest.write(9, one, two);
      assertTrue(sent.isDeferred(), "the guest runs on meanwhile");
      assertEquals(1, guest.result());
      assertEquals(1, guest.machine.interrupts());
      // What is acknowledged is with the system, not with us.
      System.arraycopy(one, 0, content, 9 * 512, one.length);
      System.arraycopy(two, 0, content, 9 * 512 + one.length, two.length);
      assertArrayEquals(content, Files.readAllBytes(file));
    }
    assertArrayEquals(content, Files.readAllBytes(file));
  }

  @Test void whatTakesNoTimeIsDoneBeforeTheGuestRunsOn() throws Exception {
    org.junit.jupiter.api.Assumptions.assumeTrue(java.util.Set.of("ext4", "xfs", "btrfs", "tmpfs").contains(Files.getFileStore(file).type()), "a cache that is this machine's");
    for (String options : new String[] {"", ",overlay=" + folder.resolve("overlay")})
      try (Guest guest = guest(options)) {
        byte[] data = bytes(8192, 20);
        guest.write(16, data);
        System.arraycopy(data, 0, content, 16 * 512, data.length);
        // Again, for the overlay has it now, and the one before may have been the slow one.
        int atOnce = 0;
        for (int i = 0; i < 100; i++) {
          FakeRequest reply = guest.machine.offer(0, 512), sent = guest.machine.send(0, data);
          guest.ask(1, 16, data.length);
          guest.device.request(sent);
          if (reply.isComplete() && !sent.isDeferred() && guest.result() == 1) atOnce++;
          reply.await(LIMIT);
          FakeRequest buffer = guest.machine.offer(0, 4096, 4096);
          sent = guest.machine.send(0);
          guest.ask(0, 16, 8192);
          guest.device.request(sent);
          if (buffer.isComplete() && !sent.isDeferred() && guest.result() == 1) atOnce++;
          buffer.await(LIMIT);
          assertArrayEquals(data, buffer.received());
          if (atOnce < 2 * i) Thread.sleep(10);
        }
        assertTrue(atOnce > 10, "at once: " + atOnce + " of 200" + options);
        if (options.isEmpty()) assertArrayEquals(content, Files.readAllBytes(file));
      }
  }

  @Test void whatIsNotOnTheMediumYetIsSaidToTheNextImplementation() throws Exception {
    Optional<DeviceState> state;
    try (Guest guest = guest("")) {
      guest.read(0, 512);
      state = guest.device.drain();
      assertEquals(false, state.orElseThrow().values().get("unsynced"));
    }
    try (Guest guest = new Guest(new BlockProvider(), file.toString(), state)) {
      guest.write(0, bytes(4096, 21));
      state = guest.device.drain();
    }
    assertEquals(true, state.orElseThrow().values().get("unsynced"));
    try (Guest guest = new Guest(new BlockProvider(), file.toString(), state)) {
      Thread.sleep(1500);
      assertEquals(false, guest.device.drain().orElseThrow().values().get("unsynced"), "it has synced what the other one wrote");
    }
  }

  @Test void lastSectorIsWhole() throws Exception {
    byte[] last = bytes(512, 4);
    try (Guest guest = guest("")) {
      guest.write(SECTORS - 1, last);
      assertArrayEquals(last, guest.read(SECTORS - 1, 512).received());
    }
    assertEquals(content.length, Files.size(file));
  }

  @Test void offsetsHave64Bits() throws Exception {
    long size = 3L << 40;
    try (RandomAccessFile big = new RandomAccessFile(file.toFile(), "rw")) {
      try {
        big.setLength(size);
      } catch (java.io.IOException e) {
        org.junit.jupiter.api.Assumptions.abort("this file system has no files of 3 TiB: " + e.getMessage());
      }
    }
    byte[] data = bytes(4096, 5);
    long offset = 0xFFFFFFF0L * 512;
    try (Guest guest = guest("")) {
      assertEquals(-1, guest.machine.page(0).get(INT, 16), "as many sectors as 32 bits can say");
      assertTrue(guest.warnings().getFirst().contains("the first 4294967295 only"), guest.warnings().toString());
      guest.write(0xFFFFFFF0, data);
      assertEquals(1, guest.result());
      assertArrayEquals(data, guest.read(0xFFFFFFF0, 4096).received());
    }
    try (RandomAccessFile big = new RandomAccessFile(file.toFile(), "r")) {
      byte[] there = new byte[4096];
      big.seek(offset);
      big.readFully(there);
      assertArrayEquals(data, there);
    }
  }

  @Test void wrongByteCountIsResultTwo() throws Exception {
    try (Guest guest = guest("")) {
      FakeRequest reply = guest.machine.offer(0, 512);
      guest.ask(0, 0, 1024);
      guest.device.request(guest.machine.send(0));
      assertEquals(512, reply.await(LIMIT));
      assertEquals(2, guest.result());
    }
  }

  @Test void readPastTheEndIsShort() throws Exception {
    try (Guest guest = guest("")) {
      FakeRequest reply = guest.read(SECTORS - 1, 1024);
      assertEquals(512, reply.completedLength());
      assertEquals(2, guest.result());
      assertEquals(List.of(), guest.warnings());
    }
  }

  @Test void guestThatBreaksTheProtocolEnds() throws Exception {
    try (Guest guest = guest("")) {
      guest.ask(0, SECTORS, 512);
      guest.machine.offer(0, 512);
      assertEquals("Bad offset 512000 vs 512000",
        assertThrows(GuestFaultException.class, () -> guest.device.request(guest.machine.send(0))).getMessage());
    }
    try (Guest guest = guest("")) {
      guest.ask(0, -1, 512);
      assertEquals("Bad offset 2199023255040 vs 512000",
        assertThrows(GuestFaultException.class, () -> guest.device.request(guest.machine.send(0))).getMessage());
    }
    try (Guest guest = guest("")) {
      guest.ask(0, 0, 512);
      assertEquals("Block request didn't give us a dma buffer",
        assertThrows(GuestFaultException.class, () -> guest.device.request(guest.machine.send(0))).getMessage());
    }
    try (Guest guest = guest("")) {
      guest.ask(1, SECTORS - 1, 513);
      guest.machine.offer(0, 512);
      assertEquals("Write past end 511488+513",
        assertThrows(GuestFaultException.class, () -> guest.device.request(guest.machine.send(0, new byte[513]))).getMessage());
    }
    assertArrayEquals(content, Files.readAllBytes(file), "and the disk is as it was, in size too");
  }

  @Test void requestsComeBackInOrder() throws Exception {
    Random random = new Random(6);
    try (Guest guest = guest("")) {
      List<FakeRequest> replies = new ArrayList<>();
      List<byte[]> written = new ArrayList<>();
      for (int i = 0; i < 100; i++) {
        replies.add(guest.machine.offer(0, 512));
        byte[] data = bytes(512 * (1 + random.nextInt(8)), i);
        written.add(data);
        // Some are whole pages, which are written at once if nothing is before them.
        guest.ask(1, 104, data.length);
        guest.device.request(guest.machine.send(0, data));
        // The later one is looked at first: meanwhile both may complete.
        for (int j = 1; j < replies.size(); j++) assertTrue(!replies.get(j).isComplete() || replies.get(j - 1).isComplete());
      }
      replies.getLast().await(LIMIT);
      for (byte[] data : written) System.arraycopy(data, 0, content, 104 * 512, data.length);
    }
    assertArrayEquals(content, Files.readAllBytes(file), "each over the one before");
  }

  @Test void aGuestCannotMakeItTalkWithoutEnd() throws Exception {
    try (Guest guest = guest(",ro")) {
      for (int i = 0; i < 300; i++) {
        guest.write(0, content);
        assertEquals(2, guest.result());
        guest.read(0, 512);
        assertEquals(1, guest.result());
      }
      assertEquals(100, guest.warnings().size());
      assertTrue(guest.warnings().getLast().endsWith("more of this is not told"), guest.warnings().getLast());
    }
  }

  @Test void readOnlyDiskIsNeverWritten() throws Exception {
    try (Guest guest = guest(",ro")) {
      guest.write(0, bytes(512, 7));
      assertEquals(2, guest.result());
      guest.write(0, bytes(512, 7));
      assertEquals(1, guest.warnings().size(), "said once");
      assertTrue(guest.warnings().getFirst().contains("disk.img' is read-only"), guest.warnings().toString());
      assertArrayEquals(Arrays.copyOf(content, 512), guest.read(0, 512).received());
      assertEquals(1, guest.result());
    }
    assertArrayEquals(content, Files.readAllBytes(file));
  }

  @Test void shrunkDiskIsAnErrorForTheGuestAndALineForTheUser() throws Exception {
    try (Guest guest = guest("")) {
      try (RandomAccessFile other = new RandomAccessFile(file.toFile(), "rw")) { other.setLength(1000); }
      FakeRequest reply = guest.read(0, 4096);
      assertEquals(2, guest.result());
      assertEquals(1000, reply.completedLength());
      assertTrue(guest.warnings().getFirst().contains("has got shorter: it ends at byte 1000, not 512000"), guest.warnings().toString());
      guest.read(8, 4096);
      assertEquals(2, guest.result());
      assertEquals(1, guest.warnings().size(), guest.warnings().toString());
      byte[] data = bytes(512, 8);
      guest.write(20, data);
      assertEquals(1, guest.result(), "and the guest goes on");
      assertArrayEquals(data, guest.read(20, 512).received());
    }
  }

  @Test void deletedDiskIsSaidAtTheEnd() throws Exception {
    Guest guest = guest("");
    Files.delete(file);
    guest.write(0, bytes(512, 9));
    assertEquals(1, guest.result());
    guest.device.close();
    assertTrue(guest.warnings().getLast().contains("has been deleted while the guest used it"), guest.warnings().toString());
    guest.machine.close();
  }

  @Test void secondWriterIsRefusedByName() throws Exception {
    BlockProvider provider = new BlockProvider();
    String sharing = "; guests can share it if all of them add ,ro or an ,overlay=<file> of their own";
    try (Guest guest = new Guest(provider, file.toString())) {
      assertEquals("disk '" + file + "' is in use by guest 'fake' (block 0)" + sharing,
        assertThrows(DeviceException.class, () -> new Guest(provider, file.toString())).getMessage());
      Path other = Files.createLink(folder.resolve("same.img"), file);
      assertEquals("disk '" + other + "' is in use by guest 'fake' (block 0), which writes to it" + sharing,
        assertThrows(DeviceException.class, () -> new Guest(provider, other + ",ro")).getMessage());
      guest.write(0, bytes(512, 10));
      assertEquals(1, guest.result(), "and the first notices nothing");
      assertThrows(DeviceException.class, () -> new Guest(provider, file.toString()), "the refusal has not freed the lock either");
    }
    try (Guest one = new Guest(provider, file + ",ro"); Guest two = new Guest(provider, file + ",ro")) {
      assertArrayEquals(one.read(3, 512).received(), two.read(3, 512).received());
      assertThrows(DeviceException.class, () -> new Guest(provider, file.toString()));
    }
    new Guest(provider, file.toString()).close();
  }

  @Test void writerInAnotherProcessIsNamed() throws Exception {
    Process other = new ProcessBuilder("python3", "-c",
      "import fcntl,sys,struct\nf=open(sys.argv[1],'r+b')\nfcntl.lockf(f,fcntl.LOCK_EX|fcntl.LOCK_NB)\nprint('locked',flush=True)\nsys.stdin.read()", file.toString())
      .redirectErrorStream(true).start();
    try {
      String said = other.inputReader().readLine();
      org.junit.jupiter.api.Assumptions.assumeTrue("locked".equals(said), "needs python3");
      String message = assertThrows(DeviceException.class, () -> guest("")).getMessage();
      assertTrue(message.startsWith("disk '" + file + "' is in use by process " + other.pid() + " (python3"), message);
    } finally {
      other.destroyForcibly().waitFor();
    }
    guest("").close();
  }

  @Test void nextImplementationGoesOn() throws Exception {
    BlockProvider provider = new BlockProvider();
    Optional<DeviceState> state;
    byte[] data = bytes(512, 11);
    try (Guest guest = new Guest(provider, file.toString())) {
      guest.write(5, data);
      state = guest.device.drain();
    }
    // Larger by now, but the guest has read its size long ago.
    try (RandomAccessFile other = new RandomAccessFile(file.toFile(), "rw")) { other.setLength(content.length + 512); }
    try (Guest guest = new Guest(new BlockProvider(), file.toString(), state)) {
      assertEquals(SECTORS, guest.machine.page(0).get(INT, 16));
      assertArrayEquals(data, guest.read(5, 512).received());
      guest.ask(0, SECTORS, 512);
      assertThrows(GuestFaultException.class, () -> guest.device.request(guest.machine.send(0)));
    }
    String message = assertThrows(DeviceException.class, () -> new Guest(provider, file.toString(), Optional.of(new DeviceState(9, state.get().values())))).getMessage();
    assertTrue(message.contains("does not know what version 9 has left"), message);
  }

  @Test void nextImplementationGoesOnWithTheOpenFilesWhateverBecomesOfTheirNames() throws Exception {
    Path overlay = folder.resolve("overlay"), away = folder.resolve("away");
    for (String options : new String[] {"", ",overlay=" + overlay}) {
      byte[] first = bytes(512, 12), second = bytes(512, 13);
      DeviceState state;
      try (Guest guest = guest(options)) {
        guest.write(5, first);
        state = guest.device.drain().orElseThrow();
      }
      assertEquals(options.isEmpty() ? 2 : 4, state.descriptors().size(), "two for each file, one of them for direct I/O: " + state);
      // Locked still, though there is no device.
      assertTrue(assertThrows(DeviceException.class, () -> guest(options)).getMessage().contains(" is in use by "));
      Files.move(file, away);
      Files.write(file, content);
      DeviceState next;
      try (Guest guest = new Guest(new BlockProvider(), file + options, Optional.of(state))) {
        assertArrayEquals(first, guest.read(5, 512).received());
        guest.write(6, second);
        next = guest.device.drain().orElseThrow();
      }
      // An open that fails leaves them to the next.
      assertThrows(DeviceException.class, () -> new Guest(new BlockProvider(), file + options, Optional.of(new DeviceState(3, next.values(), next.descriptors()))));
      try (Guest guest = new Guest(new BlockProvider(), file + options, Optional.of(next))) {
        assertArrayEquals(second, guest.read(6, 512).received());
      }
      if (options.isEmpty()) assertArrayEquals(second, Arrays.copyOfRange(Files.readAllBytes(away), 6 * 512, 7 * 512));
      Files.move(away, file, StandardCopyOption.REPLACE_EXISTING);
      guest(options).close();
      makeDisk();
    }
  }

  @Test void drainGivesBackWhatItHasNotBegun() throws Exception {
    Guest guest = guest("");
    List<FakeRequest> replies = new ArrayList<>();
    for (int i = 0; i < 20; i++) {
      replies.add(guest.machine.offer(0, 65536, 65536, 65536));
      guest.ask(0, 0, 3 * 65536);
      guest.device.request(guest.machine.send(0));
    }
    guest.device.drain();
    List<Boolean> then = replies.stream().map(FakeRequest::isComplete).toList();
    guest.device.close();
    assertEquals(then, replies.stream().map(FakeRequest::isComplete).toList(), "none is touched after draining");
    assertFalse(then.indexOf(false) >= 0 && then.lastIndexOf(true) > then.indexOf(false), "none was skipped: " + then);
    guest.machine.close();
  }

  @Test void closeFinishesWhatWasAsked() throws Exception {
    Guest guest = guest("");
    List<FakeRequest> replies = new ArrayList<>();
    for (int i = 0; i < 20; i++) {
      replies.add(guest.machine.offer(0, 512));
      guest.ask(1, i, 512);
      guest.device.request(guest.machine.send(0, bytes(512, 100 + i)));
      System.arraycopy(bytes(512, 100 + i), 0, content, 512 * i, 512);
    }
    guest.device.close();
    for (FakeRequest reply : replies) assertTrue(reply.isComplete());
    assertArrayEquals(content, Files.readAllBytes(file));
    guest.machine.close();
  }

  @Test void saysEachRequestInDetail() throws Exception {
    try (Guest guest = guest("")) {
      guest.write(3, bytes(512, 12));
      guest.read(4, 512);
      assertEquals(List.of("WRITE at offset 1536", "READ at offset 2048"), guest.machine.lines().stream().map(FakeContext.LogLine::text).toList());
      assertEquals("{bytes.read=512, bytes.written=512, errors=0, reads=1, writes=1}", guest.machine.counters().toString());
    }
  }

  @Test void userErrorsAreOneClearLine() throws Exception {
    Path missing = folder.resolve("missing"), empty = Files.createFile(folder.resolve("empty")), broken = folder.resolve("no/such/folder");
    Files.writeString(folder.resolve("text"), "not an overlay, is it?".repeat(300));
    for (String[] wrong : new String[][] {
      {"", "a block device needs a file: block=<filename>[,ro][,overlay=<file>]"},
      {file + ",rw", "'rw' is no option of a block device: block=<filename>[,ro][,overlay=<file>] (a comma in a name is written twice)"},
      {file + ",overlay=", "'overlay=' is no option of a block device: "},
      {file + ",ro,overlay=x", "a block device is either ro or has an overlay"},
      {missing.toString(), "disk '" + missing + "' does not exist; check the path, or make a disk of 1 GiB with: truncate -s 1G <filename>"},
      {folder.toString(), "disk '" + folder + "' is a directory; name a file or a block device"},
      {"/dev/null", "disk '/dev/null' is neither a file nor a block device; name one of these"},
      {empty.toString(), "disk '" + empty + "' is empty; give it a size, 1 GiB for instance, with: truncate -s 1G " + empty},
      {"a\0b", "'a\0b' cannot be a file's name"},
      {file + ",overlay=" + broken, "cannot open overlay '" + broken + "' for writing: No such file or directory; its directory must exist"},
      {file + ",overlay=" + folder.resolve("text"), "overlay '" + folder.resolve("text") + "' is not an overlay, so it is left as it is"},
      {file + ",overlay=" + file, "overlay '" + file + "' is in use by guest 'fake' (block 0); name another file for the overlay"},
    }) {
      String message = assertThrows(DeviceException.class, () -> new Guest(new BlockProvider(), wrong[0]), wrong[0]).getMessage();
      assertTrue(message.startsWith(wrong[1]), message);
      assertFalse(message.contains("\n"));
    }
    assertFalse(Files.exists(missing));
    assertArrayEquals(content, Files.readAllBytes(file));
    new Guest(new BlockProvider(), file.toString()).close();
  }

  @Test void commaInANameIsWrittenTwice() throws Exception {
    Path odd = Files.move(file, folder.resolve("a,b"));
    try (Guest guest = new Guest(new BlockProvider(), odd.toString().replace(",", ",,") + ",ro")) {
      assertArrayEquals(Arrays.copyOf(content, 512), guest.read(0, 512).received());
    }
  }
}
