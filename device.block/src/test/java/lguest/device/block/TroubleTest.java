package lguest.device.block;

import static lguest.device.block.Guest.bytes;
import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.io.RandomAccessFile;
import java.nio.file.Files;
import java.util.Arrays;
import java.util.List;
import lguest.device.fake.FakeContext;
import lguest.device.fake.FakeRequest;
import org.junit.jupiter.api.Test;

/** Disks that are shut, shrink or disappear, and what the user hears of it and of all else. */
class TroubleTest extends WithDisk {
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

  @Test void saysEachRequestInDetail() throws Exception {
    try (Guest guest = guest("")) {
      guest.write(3, bytes(512, 12));
      guest.read(4, 512);
      assertEquals(List.of("WRITE at offset 1536", "READ at offset 2048"), guest.machine.lines().stream().map(FakeContext.LogLine::text).toList());
      assertEquals("{bytes.read=512, bytes.written=512, errors=0, reads=1, writes=1}", guest.machine.counters().toString());
    }
  }
}
