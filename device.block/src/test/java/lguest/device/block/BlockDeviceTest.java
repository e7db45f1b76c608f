package lguest.device.block;

import static lguest.device.block.Guest.INT;
import static lguest.device.block.Guest.LIMIT;
import static lguest.device.block.Guest.bytes;
import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;
import static org.junit.jupiter.api.Assumptions.abort;
import static org.junit.jupiter.api.Assumptions.assumeTrue;

import java.io.IOException;
import java.io.RandomAccessFile;
import java.nio.file.Files;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Random;
import java.util.Set;
import lguest.device.GuestFaultException;
import lguest.device.fake.FakeRequest;
import org.junit.jupiter.api.Test;

/** What a guest's block driver notices. */
class BlockDeviceTest extends WithDisk {
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
    assumeTrue(Set.of("ext4", "xfs", "btrfs", "tmpfs").contains(Files.getFileStore(file).type()), "a cache that is this machine's");
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
      } catch (IOException e) {
        abort("this file system has no files of 3 TiB: " + e.getMessage());
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
}
