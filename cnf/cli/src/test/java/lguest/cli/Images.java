package lguest.cli;

import java.io.ByteArrayOutputStream;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Arrays;
import java.util.function.Consumer;
import java.util.zip.GZIPOutputStream;

/** Kernel images with something wrong, made from the demo guest's good one. */
final class Images {
  private static final int E_CLASS = 4, E_MACHINE = 18, E_PHOFF = 28;
  private static final int P_OFFSET = 4, P_VADDR = 8, P_PADDR = 12, P_FILESZ = 16, P_MEMSZ = 20, PHENTSIZE = 32;
  private final Path directory;

  Images(Path directory) { this.directory = directory; }

  Path file(String name, byte[] content) throws IOException { return Files.write(directory.resolve(name), content); }

  private Path elf(String name, Consumer<ByteBuffer> damage) throws IOException {
    byte[] image = Files.readAllBytes(Lguest.demo());
    damage.accept(ByteBuffer.wrap(image).order(ByteOrder.LITTLE_ENDIAN));
    return file(name, image);
  }

  Path elf64() throws IOException { return elf("elf64", image -> image.put(E_CLASS, (byte) 2)); }

  Path otherMachine() throws IOException { return elf("arm", image -> image.putShort(E_MACHINE, (short) 40)); }

  Path truncatedElf() throws IOException { return file("short.elf", Arrays.copyOf(Files.readAllBytes(Lguest.demo()), 40)); }

  Path halfElf() throws IOException {
    byte[] image = Files.readAllBytes(Lguest.demo());
    return file("half.elf", Arrays.copyOf(image, image.length / 4));
  }

  Path headersOutsideFile() throws IOException { return elf("headers", image -> image.putInt(E_PHOFF, 0x7FFFFF00)); }

  Path segmentOutsideFile() throws IOException {
    return elf("segment", image -> image.putInt(image.getInt(E_PHOFF) + P_OFFSET, 0x7FFFF000));
  }

  Path segmentOutsideMemory() throws IOException {
    return elf("far", image -> {
      int header = image.getInt(E_PHOFF);
      image.putInt(header + P_MEMSZ, 0x70000000);
    });
  }

  Path overlappingSegments() throws IOException {
    return elf("overlap", image -> {
      int first = image.getInt(E_PHOFF), second = first + PHENTSIZE;
      for (int field : new int[] {P_VADDR, P_PADDR}) image.putInt(second + field, image.getInt(first + field));
    });
  }

  Path differentPageOffsets() throws IOException {
    return elf("offsets", image -> {
      int second = image.getInt(E_PHOFF) + PHENTSIZE;
      image.putInt(second + P_VADDR, image.getInt(second + P_VADDR) + 0x100000);
    });
  }

  /**
   * A gzip stream behind something else, as in a bzImage. {@code keep} bytes of it, with byte {@code broken} turned over
   * unless negative.
   */
  Path compressed(String name, byte[] content, int keep, int broken) throws IOException {
    ByteArrayOutputStream packed = new ByteArrayOutputStream();
    packed.write(new byte[512]);
    try (GZIPOutputStream gzip = new GZIPOutputStream(packed)) { gzip.write(content); }
    byte[] bytes = packed.toByteArray();
    bytes[512 + 3] = 0; // no flags
    bytes[512 + 9] = 3; // made on Unix
    if (broken >= 0) bytes[broken] ^= 0x55;
    return file(name, Arrays.copyOf(bytes, Math.min(keep, bytes.length)));
  }
}
