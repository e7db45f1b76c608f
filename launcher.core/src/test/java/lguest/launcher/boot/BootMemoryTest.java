package lguest.launcher.boot;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertDoesNotThrow;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.lang.foreign.ValueLayout;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import java.util.Random;
import lguest.launcher.GuestSpec;
import lguest.launcher.LaunchException;
import lguest.launcher.image.Images;
import lguest.launcher.image.Images.Segment;
import lguest.launcher.memory.MappedMemory;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

class BootMemoryTest {
  private static final long MIB = 1 << 20;

  @TempDir Path directory;
  private final List<String> log = new ArrayList<>();
  private MappedMemory memory;

  @AfterEach void close() { if (memory != null) memory.close(); }

  private BootMemory fill(long ram, byte[] image, byte[] initrd, String arguments) throws Exception {
    close();
    Path kernel = Files.write(directory.resolve("kernel"), image);
    Optional<Path> disk = initrd == null ? Optional.empty() : Optional.of(Files.write(directory.resolve("disk"), initrd));
    memory = new MappedMemory(ram);
    return BootMemory.fill(memory, new GuestSpec("", ram, kernel, disk, List.of(), arguments), (level, text, cause) -> log.add(text));
  }

  private void refused(long ram, byte[] image, byte[] initrd, String arguments, String... words) {
    String message = assertThrows(LaunchException.class, () -> fill(ram, image, initrd, arguments)).getMessage();
    for (String word : words) assertTrue(message.contains(word), message);
  }

  private int word(long address) { return memory.segment().get(ValueLayout.JAVA_INT_UNALIGNED, address); }

  private int at(long address) { return memory.segment().get(ValueLayout.JAVA_BYTE, address) & 0xFF; }

  @Test void theExampleOfTheAbi() throws Exception {
    // ABI §4.5: 64 MiB and no initrd.
    BootMemory boot = fill(64 * MIB, Images.smallElf(), null, "");
    assertEquals(new BootMemory(0x03FF_F000, 0xC010_000DL, 0xC000_0000L), boot);
    assertEquals(0x03FE_F007, word(0x03FF_F000 + 768 * 4));
    assertEquals(0x03FE_F007 + 15 * 4096, word(0x03FF_F000 + 783 * 4));
    for (int entry = 0; entry < 1024; entry++) if (entry < 768 || entry > 783) assertEquals(0, word(0x03FF_F000 + entry * 4));
    for (int page = 0; page < 16384; page++) assertEquals(page << 12 | 7, word(0x03FE_F000 + page * 4));
  }

  /** What a processor would find, walking the tables. −1: no page. */
  private long translate(BootMemory boot, long virtual) {
    int directory = word(boot.pageDirectory() + (virtual >>> 22) * 4);
    if ((directory & 1) == 0) return -1;
    int entry = word((directory & 0xFFFF_F000L) + (virtual >>> 12 & 1023) * 4);
    return (entry & 1) == 0 ? -1 : (entry & 0xFFFF_F000L) + (virtual & 4095);
  }

  @Test void allOfMemoryIsMappedFromThePageOffsetAsFarAsAddressesGo() throws Exception {
    Random random = new Random(6);
    for (long offset : new long[] {0xC000_0000L, 0x8000_0000L, 0xF000_0000L}) {
      for (long ram : new long[] {4 * MIB, 5 * MIB + 4096, 64 * MIB, 300 * MIB}) {
        BootMemory boot = fill(ram, Images.elf(Segment.load(0x10_0000, offset, Images.kernel())), null, "");
        long mapped = Math.min(ram, (1L << 32) - offset);
        for (int i = 0; i < 500; i++) {
          long virtual = random.nextLong(1L << 32);
          assertEquals(virtual >= offset && virtual < offset + mapped ? virtual - offset : -1, translate(boot, virtual), Long.toHexString(virtual));
        }
        assertEquals(mapped - 1, translate(boot, offset + mapped - 1));
        if (offset + mapped < 1L << 32) assertEquals(-1, translate(boot, offset + mapped));
        assertEquals(-1, translate(boot, 0x10_0000));
      }
    }
  }

  @Test void bootParametersWithoutInitrd() throws Exception {
    fill(5 * MIB, Images.smallElf(), null, "console=hvc0 root=/dev/lgba");
    byte[] expected = new byte[4096];
    expected[0x1E8] = 1;
    expected[0x228 + 1] = 0x10;
    expected[0x23C] = 1;
    expected[0x2D0 + 8 + 2] = 0x50;
    expected[0x2D0 + 16] = 1;
    assertArrayEquals(expected, memory.view(0, 4096).toArray(ValueLayout.JAVA_BYTE));
    assertEquals("console=hvc0 root=/dev/lgba", memory.view(4096, 2048).getString(0));
  }

  @Test void anInitrdLiesAtTheTopInWholePages() throws Exception {
    byte[] disk = new byte[10_000];
    new Random(7).nextBytes(disk);
    BootMemory boot = fill(8 * MIB, Images.smallElf(), disk, "");
    long start = 8 * MIB - 3 * 4096;
    assertEquals(-1, memory.view(start, disk.length).mismatch(java.lang.foreign.MemorySegment.ofArray(disk)));
    assertArrayEquals(new byte[3 * 4096 - 10_000], memory.view(start + disk.length, 3 * 4096 - 10_000).toArray(ValueLayout.JAVA_BYTE));
    assertEquals(0xFF, at(0x210));
    assertEquals(start, word(0x218));
    assertEquals(3 * 4096, word(0x21C));
    assertEquals(start - 4096, boot.pageDirectory());
    assertEquals(-1, Files.mismatch(directory.resolve("disk"), Files.write(directory.resolve("copy"), disk)));
    memory.view(start, 4096).fill((byte) 0);
    assertEquals(-1, Files.mismatch(directory.resolve("disk"), directory.resolve("copy")), "the guest's writes stay its own");
  }

  @Test void whatDoesNotFitIsRefused() throws Exception {
    byte[] kernel = Images.smallElf();
    refused(4 * MIB, kernel, new byte[(int) (4 * MIB) + 1], "", "initrd", "does not fit", "4 MiB");
    refused(4 * MIB, kernel, new byte[(int) (3 * MIB)], "", "initrd", "segment 0", "lie on each other", "more memory");
    refused(4 * MIB, kernel, new byte[(int) (4 * MIB) - 4096], "", "initrd", "lie on each other");
    // The page tables would lie on the kernel's last page.
    refused(4 * MIB, Images.elf(Segment.load(0x10_0000, Images.kernel()), Segment.load(4 * MIB - 4096, new byte[10])), null, "", "page tables", "segment 1");
    refused(4 * MIB, Images.elf(Segment.load(0x10_0000, Images.kernel()), Segment.load(4 * MIB - 8192, new byte[10])), null, "", "page tables", "segment 1");
    fill(4 * MIB, Images.elf(Segment.load(0x10_0000, Images.kernel()), Segment.load(4 * MIB - 3 * 4096, new byte[4096])), null, "");
    refused(4 * MIB, Images.elf(Segment.load(0x10_0000, Images.kernel()), Segment.load(0, new byte[10])), null, "", "boot parameters", "segment 1");
    refused(4 * MIB, Images.elf(Segment.load(0x10_0000, Images.kernel()), Segment.load(0x17FF, new byte[10])), null, "", "command line", "segment 1");
    refused(4 * MIB, Images.bzImage(new byte[4096], java.util.Arrays.copyOf(Images.code(0xC0, 4), (int) (3 * MIB))), null, "", "unpacked", "page tables");
    refused(8 * MIB, Images.elf(Segment.load(0x10_0000, 0xFFC0_0000L, Images.kernel())), null, "", "page offset", "0xffc00000");
    refused(8 * MIB, Images.elf(Segment.load(0x10_0000, 0xC010_0000L, Images.kernel())), null, "", "page offset", "4 MiB");
  }

  @Test void aCommandLineHas2047BytesAtMost() throws Exception {
    String longest = "x".repeat(2045) + "ä";
    assertEquals(2047, longest.getBytes(StandardCharsets.UTF_8).length);
    fill(4 * MIB, Images.smallElf(), null, longest);
    assertEquals(longest, memory.view(4096, 2048).getString(0));
    assertEquals(0, at(4096 + 2047));
    refused(4 * MIB, Images.smallElf(), null, longest + "x", "2048 bytes", "2047");
    refused(4 * MIB, Images.smallElf(), null, "a\0b", "zero byte");
  }

  @Test void memorySizesThatNoGuestCanHaveAreRefused() {
    for (long bad : new long[] {0, -MIB, 3 * MIB, 4 * MIB - 4096, 4096 * MIB, 1 << 30 << 3, Long.MAX_VALUE, Long.MIN_VALUE, 4 * MIB + 1, 64 * MIB + 4095, MappedMemory.MAX_RAM + 4096})
      assertThrows(LaunchException.class, () -> BootMemory.check(bad), () -> "memory of " + bad);
    for (long good : new long[] {4 * MIB, 4 * MIB + 4096, 64 * MIB, 4094 * MIB, MappedMemory.MAX_RAM}) assertDoesNotThrow(() -> BootMemory.check(good));
    assertEquals("3 MiB of memory are too little for a guest; it needs 4 MiB at least", assertThrows(LaunchException.class, () -> BootMemory.check(3 * MIB)).getMessage());
    assertEquals("4096 MiB of memory are more than a guest can address; it can have 4094 MiB at most", assertThrows(LaunchException.class, () -> BootMemory.check(4096 * MIB)).getMessage());
  }

  @Test void theLogTellsWhereThingsAre() throws Exception {
    fill(8 * MIB, Images.smallElf(), new byte[5000], "");
    assertEquals(List.of("Section 0: 26 bytes at 0x100000", "initrd: 5000 bytes at 0x7fe000",
      "Linear mapping: 2048 pages from 0xc0000000, tables at 0x7fb000, page directory at 0x7fd000"), log);
  }
}
