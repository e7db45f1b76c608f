package lguest.launcher.memory;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertNotEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.io.IOException;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.Random;
import lguest.launcher.LaunchException;
import lguest.launcher.system.InputFile;
import lguest.memory.InvalidAddressException;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

class MappedMemoryTest {
  private static final long RAM = 4 << 20;

  @TempDir Path directory;

  @Test void isZeroAndEndsWithItsDevicePages() throws Exception {
    try (MappedMemory memory = new MappedMemory(RAM)) {
      assertEquals(RAM + 257 * 4096, memory.size());
      assertEquals(RAM + 4096, memory.addPages(2));
      assertEquals(RAM + 3 * 4096, memory.addPages(1));
      memory.takeBack(RAM + 4096, 2);
      assertEquals(RAM + 4 * 4096, memory.addPages(1), "only the last can be taken back");
      memory.takeBack(RAM + 4 * 4096, 1);
      assertEquals(RAM + 4 * 4096, memory.addPages(253));
      assertThrows(IllegalStateException.class, () -> memory.addPages(1));
      assertEquals(-1, memory.segment().mismatch(Arena.global().allocate(RAM + 257 * 4096)));
      memory.view(memory.size() - 4, 4).set(ValueLayout.JAVA_INT, 0, 7);
      assertEquals(7, memory.segment().get(ValueLayout.JAVA_INT, memory.size() - 4));
    }
  }

  @Test void everyBadAddressIsTheGuestsFault() throws Exception {
    try (MappedMemory memory = new MappedMemory(RAM)) {
      long top = memory.size();
      assertEquals(100, memory.view(top - 100, 100).byteSize(), "exactly at the top is fine (L32)");
      for (long[] range : new long[][] {{top - 99, 100}, {top + 1, 0}, {0xFFFF_FFFFL, 1}, {0, top + 1}, {-1, 1}, {0, -1}, {Long.MAX_VALUE, Long.MAX_VALUE}}) {
        assertFalse(memory.contains(range[0], range[1]));
        String message = assertThrows(InvalidAddressException.class, () -> memory.view(range[0], range[1])).getMessage();
        assertTrue(message.startsWith("Invalid address 0x"), message);
      }
      assertThrows(InvalidAddressException.class, () -> memory.pageIdentity(top));
    }
  }

  @Test void aLateAccessIsAnExceptionAndNotACrash() throws Exception {
    MappedMemory memory = new MappedMemory(RAM);
    MemorySegment view = memory.view(0, 100);
    Arena borrower = Arena.ofShared();
    MemorySegment lent = memory.lend(0, 100, borrower);
    lent.set(ValueLayout.JAVA_BYTE, 5, (byte) 1);
    assertEquals(1, view.get(ValueLayout.JAVA_BYTE, 5));
    borrower.close();
    assertThrows(IllegalStateException.class, () -> lent.get(ValueLayout.JAVA_BYTE, 5));
    memory.close();
    assertThrows(IllegalStateException.class, () -> view.get(ValueLayout.JAVA_BYTE, 5));
    assertThrows(IllegalStateException.class, () -> memory.view(0, 100).get(ValueLayout.JAVA_BYTE, 5));
  }

  @Test void loadsAnyPartOfAFileToAnyAddress() throws Exception {
    byte[] content = new byte[40_000];
    new Random(3).nextBytes(content);
    Path path = Files.write(directory.resolve("file"), content);
    Random random = new Random(4);
    try (InputFile file = InputFile.open("file", path, "")) {
      for (int i = 0; i < 200; i++) {
        try (MappedMemory memory = new MappedMemory(RAM)) {
          int offset = random.nextInt(content.length), length = random.nextInt(content.length - offset);
          long address = random.nextInt(100_000);
          // Half of them at the same place in the page.
          if (random.nextBoolean()) address = address & ~4095 | offset & 4095;
          memory.load(file, offset, address, length);
          assertEquals(-1, memory.view(address, length).mismatch(MemorySegment.ofArray(content).asSlice(offset, length)), offset + "+" + length + " to " + address);
          assertEquals(-1, memory.view(address + length, 10_000).mismatch(MemorySegment.ofArray(new byte[10_000])), "zero behind");
          assertEquals(-1, memory.view(0, address).mismatch(MemorySegment.ofArray(new byte[(int) address])), "zero before");
        }
      }
    }
  }

  @Test void aFileMayBeCutOffOnceItIsLoaded() throws Exception {
    byte[] content = new byte[40_000];
    new Random(5).nextBytes(content);
    Path path = Files.write(directory.resolve("file"), content);
    try (InputFile file = InputFile.open("file", path, ""); MappedMemory memory = new MappedMemory(RAM)) {
      memory.load(file, 0, 3 * 4096, content.length);
      Files.write(path, new byte[1]);
      assertEquals(-1, memory.view(3 * 4096, content.length).mismatch(MemorySegment.ofArray(content)));
    }
  }

  @Test void aSharedPageIsTheSameMemoryWhereverItIsMapped() throws Exception {
    Path file = Files.write(directory.resolve("net"), new byte[4096]), other = Files.write(directory.resolve("other"), new byte[4096]);
    Path link = Files.createLink(directory.resolve("link"), file);
    try (MappedMemory one = new MappedMemory(RAM); MappedMemory two = new MappedMemory(2 * RAM)) {
      long first = one.addPages(1), second = two.addPages(2) + 4096;
      assertNotEquals(one.pageIdentity(first), two.pageIdentity(second));
      one.share(file, first);
      two.share(link, second);
      one.view(first, 4096).set(ValueLayout.JAVA_BYTE, 100, (byte) 42);
      assertEquals(42, two.view(second, 4096).get(ValueLayout.JAVA_BYTE, 100));
      assertEquals(42, Files.readAllBytes(file)[100]);
      assertEquals(one.pageIdentity(first + 4095), two.pageIdentity(second));
      assertNotEquals(one.pageIdentity(0), two.pageIdentity(0));
      assertNotEquals(one.pageIdentity(0), one.pageIdentity(4096));
      assertEquals(one.pageIdentity(0), one.pageIdentity(4095));
      two.share(other, second);
      assertNotEquals(one.pageIdentity(first), two.pageIdentity(second));
      assertThrows(IOException.class, () -> one.share(Files.write(directory.resolve("short"), new byte[4095]), first), "would kill us when touched");
    }
  }

  @Test void givesItsAddressSpaceBack() throws Exception {
    for (int i = 0; i < 3; i++) {
      MappedMemory memory = new MappedMemory(64 << 20);
      String start = "%x-".formatted(memory.segment().address());
      assertTrue(mapped(start));
      memory.close();
      assertFalse(mapped(start));
    }
  }

  private static boolean mapped(String start) throws IOException {
    List<String> maps = Files.readAllLines(Path.of("/proc/self/maps"));
    return maps.stream().anyMatch(line -> line.startsWith(start));
  }

  @Test void theLargestGuestIsPossible() throws LaunchException {
    try (MappedMemory memory = new MappedMemory(MappedMemory.MAX_RAM)) {
      memory.addPages(MappedMemory.MAX_DEVICE_PAGES);
      assertEquals((1L << 32) - 4096, memory.size(), "a processor takes less than 4 GiB");
    }
    assertThrows(IllegalArgumentException.class, () -> new MappedMemory(MappedMemory.MAX_RAM + 4096));
    assertThrows(IllegalArgumentException.class, () -> new MappedMemory(4097));
    assertThrows(IllegalArgumentException.class, () -> new MappedMemory(0));
  }
}
