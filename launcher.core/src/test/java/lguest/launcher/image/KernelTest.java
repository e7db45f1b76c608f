package lguest.launcher.image;

import static java.nio.charset.StandardCharsets.ISO_8859_1;
import static lguest.launcher.image.Images.PAGE_OFFSET;
import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Random;
import java.util.stream.IntStream;
import lguest.launcher.LaunchException;
import lguest.launcher.boot.Placements;
import lguest.launcher.image.Images.Segment;
import lguest.launcher.memory.MappedMemory;
import lguest.launcher.system.InputFile;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

class KernelTest {
  private static final int RAM = 8 << 20;
  private static final byte[] PAGE = new byte[4096];

  @TempDir Path directory;
  private final MappedMemory memory = memory();
  private final List<String> log = new ArrayList<>();

  private static MappedMemory memory() {
    try {
      return new MappedMemory(RAM);
    } catch (LaunchException e) {
      throw new AssertionError(e);
    }
  }

  @AfterEach void close() { memory.close(); }

  private Kernel load(byte[] file) throws Exception {
    Path path = Files.write(directory.resolve("image"), file);
    try (InputFile image = InputFile.open("kernel image", path, "name an ELF vmlinux or a bzImage")) {
      return Kernel.load(image, memory, new Placements(RAM), (level, text, cause) -> log.add(text));
    }
  }

  private void refused(byte[] file, String... words) {
    String message = assertThrows(LaunchException.class, () -> load(file)).getMessage();
    for (String word : words) assertTrue(message.contains(word), message);
    assertTrue(message.contains("image"), "which file: " + message);
    assertEquals(-1, message.indexOf('\n'), "one line: " + message);
  }

  private byte[] read(long address, int length) { return memory.view(address, length).toArray(java.lang.foreign.ValueLayout.JAVA_BYTE); }

  private static byte[] edit(byte[] file, int at, int... bytes) {
    byte[] edited = file.clone();
    for (int i = 0; i < bytes.length; i++) edited[at + i] = (byte) bytes[i];
    return edited;
  }

  // ELF.

  @Test void elfSegmentsComeToTheirPhysicalAddresses() throws Exception {
    byte[] text = new byte[10_000], data = new byte[5000];
    new Random(1).nextBytes(text);
    new Random(2).nextBytes(data);
    System.arraycopy(Images.kernel(), 0, text, 6000, Images.kernel().length);
    Kernel kernel = load(Images.elf(new Segment(4, 0, 0, 0, PAGE, 4096, 4096), Segment.load(0x10_0000, text), Segment.load(0x20_0123, data)));
    assertEquals(new Kernel(0xC010_0000L + 6000 + 13, PAGE_OFFSET), kernel);
    assertArrayEquals(text, read(0x10_0000, text.length));
    assertArrayEquals(data, read(0x20_0123, data.length));
    assertArrayEquals(new byte[2000], read(0x10_0000 + 10_000, 2000), "zero behind a segment");
    assertEquals(List.of("Section 1: 10000 bytes at 0x100000", "Section 2: 5000 bytes at 0x200123"), log);
  }

  @Test void anElfFileStaysAsItIs() throws Exception {
    byte[] text = new byte[3 * 4096 + 100];
    System.arraycopy(Images.kernel(), 0, text, 0, Images.kernel().length);
    load(Images.elf(Segment.load(0x10_0000, text)));
    Path file = directory.resolve("image");
    byte[] before = Files.readAllBytes(file);
    // The kernel of the host is the witness: nobody who cuts the file off can take pages from a guest.
    assertTrue(Files.readAllLines(Path.of("/proc/self/maps")).stream().noneMatch(line -> line.endsWith(file.toString())));
    memory.view(0x10_0000, 4096).fill((byte) 9);
    assertArrayEquals(before, Files.readAllBytes(file));
  }

  @Test void aFirstSegmentMayBeMappedWhereItLiesAndALaterOneMustNot() throws Exception {
    assertEquals(PAGE_OFFSET, load(Images.elf(Segment.load(0x30_0000, 0, PAGE), Segment.load(0x10_0000, Images.kernel()))).pageOffset());
    refused(Images.elf(Segment.load(0x10_0000, Images.kernel()), Segment.load(0x20_0000, 0xD000_0000L, PAGE)), "Page offset of section 1 different");
  }

  @Test void theMagicMaySpanThePiecesThatAreSearched() throws Exception {
    byte[] text = new byte[200_000];
    for (int at : new int[] {65536 - 5, 65536, 131072 - 13, 200_000 - 13}) {
      Arrays.fill(text, (byte) 'G');
      System.arraycopy("GenuineLguest".getBytes(ISO_8859_1), 0, text, at, 13);
      assertEquals(0xC010_0000L + at + 13, load(Images.elf(Segment.load(0x10_0000, text))).entry());
    }
  }

  @Test void anImageWithoutTheMagicIsRefused() {
    refused(Images.elf(Segment.load(0x10_0000, "GenuineLgues".getBytes(ISO_8859_1))), "Is this image a genuine lguest?");
    refused(Images.bzImage(PAGE, edit(Images.code(0xC0, 4), 0, 'X')), "Is this image a genuine lguest?");
  }

  @Test void whatIsNoElfForAnI386IsRefused() {
    byte[] good = Images.smallElf();
    refused(Arrays.copyOf(good, 40), "Malformed elf header", "cut off");
    refused(edit(good, 4, 2), "Malformed elf header", "64-bit");
    refused(edit(good, 5, 2), "Malformed elf header", "big endian");
    refused(edit(good, 18, 62), "Malformed elf header", "machine number 62");
    refused(edit(good, 16, 3), "Malformed elf header", "type is 3");
    refused(edit(good, 42, 56), "Malformed elf header", "56 bytes");
    refused(edit(good, 44, 0, 0), "Malformed elf header", "0 program headers");
    refused(edit(good, 44, 1, 8), "Malformed elf header", "2049 program headers");
    refused(edit(good, 28, 0, 0x20, 0, 0), "Malformed elf header", "behind its end");
    refused(edit(good, 28, 0xF0, 0xFF, 0xFF, 0xFF), "Malformed elf header", "behind its end");
    refused(edit(good, 52, 4), "Malformed elf header", "none of its segments");
  }

  @Test void aSegmentOutsideOfTheFileIsRefused() {
    refused(Arrays.copyOf(Images.smallElf(), 0x1005), "segment 0 lies behind its end");
    refused(Images.elf(new Segment(1, 0xFFFF_F000L, PAGE_OFFSET, 0, PAGE, 4096, 4096)), "segment 0 lies behind its end");
    refused(Images.elf(new Segment(1, -1, PAGE_OFFSET + 0x10_0000, 0x10_0000, PAGE, 0xFFFF_FFFFL, 0xFFFF_FFFFL)), "segment 0 lies behind its end");
    refused(Images.elf(new Segment(1, -1, PAGE_OFFSET + 0x10_0000, 0x10_0000, PAGE, 4096, 100)), "4096 bytes in the file but 100 in memory");
  }

  @Test void aSegmentOutsideOfMemoryIsRefused() {
    refused(Images.elf(Segment.load(RAM - 100, Images.kernel()), Segment.load(RAM, Images.kernel())), "segment 1", "does not fit", "8 MiB");
    refused(Images.elf(Segment.load(0xFFFF_F000L, PAGE_OFFSET, PAGE)), "segment 0", "does not fit");
    refused(Images.elf(new Segment(1, -1, PAGE_OFFSET + 0x10_0000, 0x10_0000, PAGE, 4096, RAM)), "segment 0", "does not fit");
  }

  @Test void overlappingSegmentsAreRefused() {
    refused(Images.elf(Segment.load(0x10_0000, PAGE), Segment.load(0x10_0FFF, PAGE)), "segments 0 and 1 lie on each other");
    refused(Images.elf(new Segment(1, -1, PAGE_OFFSET + 0x10_0000, 0x10_0000, PAGE, 4096, 0x20_0000), Segment.load(0x20_0000, PAGE)), "segments 0 and 1 lie on each other");
  }

  @Test void noBytesOfAHeaderCrashTheLoader() throws Exception {
    Random random = new Random(20_071_009);
    byte[] good = Images.elf(Segment.load(0x10_0000, Images.kernel()), Segment.load(0x20_0000, PAGE));
    for (int i = 0; i < 1000; i++) {
      byte[] file = good.clone();
      for (int changes = 1 + random.nextInt(4); changes > 0; changes--) file[4 + random.nextInt(112)] = (byte) (random.nextBoolean() ? random.nextInt() : random.nextBoolean() ? 0xFF : 0);
      try {
        load(file);
      } catch (LaunchException expected) {
        // Refused in words; anything else is a bug.
      }
    }
  }

  // bzImage.

  @Test void aBzImageIsUnpackedToOneMebibyte() throws Exception {
    byte[] code = Images.code(0xC0, 4);
    assertEquals(new Kernel(0xC010_000DL, PAGE_OFFSET), load(Images.bzImage(new byte[7000], code)));
    assertArrayEquals(code, read(0x10_0000, code.length));
    assertEquals(List.of("Unpacked size 20000 at 0x100000"), log);
  }

  @Test void thePageOffsetIsTheFirstTopByteSeenFourTimes() throws Exception {
    assertEquals(0x8000_0000L, load(Images.bzImage(PAGE, Images.code(0x80, 4))).pageOffset());
    byte[] both = Images.join(Images.code(0xC0, 3), Images.code(0x80, 4), Images.code(0xC0, 9));
    assertEquals(0x8000_0000L, load(Images.bzImage(PAGE, both)).pageOffset());
    refused(Images.bzImage(PAGE, Images.code(0xC0, 3)), "could not determine page offset");
    // The fourth lies with its top byte as the last of the image.
    byte[] end = Arrays.copyOf(Images.code(0xC0, 4), Images.kernel().length + 4 * 6 - 1);
    assertEquals(PAGE_OFFSET, load(Images.bzImage(PAGE, end)).pageOffset());
    refused(Images.bzImage(PAGE, Arrays.copyOf(end, end.length - 1)), "could not determine page offset");
  }

  @Test void whatOnlyLooksLikeAStreamIsPassedOver() throws Exception {
    byte[] code = Images.code(0xC0, 4);
    byte[] otherSystem = edit(Images.gzip(new byte[50]), 9, 0);
    byte[] garbage = edit(Images.gzip(new byte[50]), 10, 0xFF, 0xFF, 0xFF);
    // Unpacks 100000 bytes of 1 before its checksum turns out to be wrong: they must not stay in memory.
    byte[] ones = new byte[100_000];
    Arrays.fill(ones, (byte) 1);
    byte[] wrongSum = Images.gzip(ones);
    wrongSum[wrongSum.length - 8]++;
    assertEquals(PAGE_OFFSET, load(Images.bzImage(Images.join(PAGE, otherSystem, garbage, wrongSum, new byte[] {0x1F, (byte) 0x8B}), code)).pageOffset());
    assertTrue(IntStream.range(0, 100_000 - code.length).allMatch(i -> memory.segment().get(java.lang.foreign.ValueLayout.JAVA_BYTE, 0x10_0000 + code.length + i) == 0));
  }

  @Test void aStreamWithNameCommentAndExtraIsUnpacked() throws Exception {
    byte[] plain = Images.gzip(Images.code(0xC0, 4));
    byte[] header = {0x1F, (byte) 0x8B, 8, 2 | 4 | 8 | 16, 0, 0, 0, 0, 0, 3, 3, 0, 1, 2, 3, 'v', 'm', 0, 'c', 0, 1, 2};
    assertEquals(PAGE_OFFSET, load(Images.join(PAGE, header, Arrays.copyOfRange(plain, 10, plain.length))).pageOffset());
  }

  @Test void aStreamThatEndsEarlyIsRefused() {
    byte[] whole = Images.join(PAGE, Images.gzip(noise(300_000)));
    for (int cut : new int[] {1, 4, 8, 9, 1000, 100_000, 299_990}) refused(Arrays.copyOf(whole, whole.length - cut), "ends early", "byte 4096");
    refused(Arrays.copyOf(whole, 4096 + 10), "ends early");
  }

  @Test void aCorruptStreamIsRefused() {
    byte[] code = Images.code(0xC0, 4);
    byte[] sum = Images.gzip(code), length = Images.gzip(code);
    sum[sum.length - 5] ^= 1;
    length[length.length - 1] ^= 1;
    refused(Images.join(PAGE, sum), "corrupt", "checksum");
    refused(Images.join(PAGE, length), "corrupt", "checksum");
    refused(Images.join(PAGE, edit(Images.gzip(code), 10, 0xFF)), "corrupt");
    refused(Images.join(PAGE, edit(Images.gzip(code), 2, 7)), "damaged");
  }

  @Test void aStreamIsUnpackedNoFurtherThanMemoryGoes() throws Exception {
    // 64 MiB in 64 KiB: refused after 7 MiB.
    byte[] bomb = Images.gzip(new byte[64 << 20]);
    refused(Images.join(PAGE, bomb), "7 MiB", "does not fit");
    // One that ends exactly at the top of memory is no bomb.
    byte[] exact = Arrays.copyOf(Images.code(0xC0, 4), 7 << 20);
    assertEquals(PAGE_OFFSET, load(Images.bzImage(PAGE, exact)).pageOffset());
    refused(Images.bzImage(PAGE, Arrays.copyOf(exact, (7 << 20) + 1)), "7 MiB", "does not fit");
  }

  @Test void whatIsNoKernelAtAllIsRefused() {
    refused("#!/bin/sh\n".repeat(100).getBytes(ISO_8859_1), "Could not find kernel in bzImage");
    refused(new byte[] {0x1F}, "Could not find kernel in bzImage");
    refused(new byte[] {0x7F, 'E', 'L'}, "Could not find kernel in bzImage");
    refused(Arrays.copyOf(ByteBuffer.allocate(4).order(ByteOrder.LITTLE_ENDIAN).putInt(0x464C457F).array(), 4), "Malformed elf header");
  }

  private static byte[] noise(int length) {
    byte[] noise = new byte[length];
    new Random(5).nextBytes(noise);
    return noise;
  }
}
