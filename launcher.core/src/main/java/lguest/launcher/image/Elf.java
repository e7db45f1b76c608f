package lguest.launcher.image;

import java.nio.ByteBuffer;
import java.util.ArrayList;
import java.util.List;
import lguest.launcher.GuestLog;
import lguest.launcher.LaunchException;
import lguest.launcher.boot.Placements;
import lguest.launcher.memory.MappedMemory;
import lguest.launcher.system.InputFile;

/** ELF images, such as vmlinux (L10, L11): a header that points at program headers, of which each PT_LOAD says what part of the file belongs where in memory. */
final class Elf {
  static final int HEADER_SIZE = 52, PROGRAM_HEADER_SIZE = 32, MAX_PROGRAM_HEADERS = 2048;
  private static final int CLASS_32 = 1, LITTLE_ENDIAN = 1, ET_EXEC = 2, EM_386 = 3, PT_LOAD = 1;

  /** A PT_LOAD program header; all numbers unsigned 32-bit. */
  private record Segment(int number, long offset, long virtual, long physical, long fileSize, long memorySize) {
    long pageOffset() { return virtual - physical & 0xFFFF_FFFFL; }

    boolean overlaps(Segment other) {
      return memorySize > 0 && other.memorySize > 0 && physical < other.physical + other.memorySize && other.physical < physical + memorySize;
    }
  }

  private Elf() {}

  static boolean isElf(InputFile image) throws LaunchException {
    return image.size() >= 4 && image.read(0, 4).getInt(0) == 0x464C_457F;
  }

  static Kernel.Loaded load(InputFile image, MappedMemory memory, Placements places, GuestLog log) throws LaunchException {
    List<Segment> segments = segments(image);
    long pageOffset = pageOffset(image, segments);
    long start = Long.MAX_VALUE, end = 0;
    for (Segment segment : segments) {
      places.take("segment " + segment.number + " of " + image.name(), segment.physical, segment.memorySize);
      start = Math.min(start, segment.physical);
      end = Math.max(end, segment.physical + segment.fileSize);
    }
    for (Segment segment : segments) {
      log.line(System.Logger.Level.INFO, "Section %d: %d bytes at %#x".formatted(segment.number, segment.fileSize, segment.physical), null);
      memory.load(image, segment.offset, segment.physical, segment.fileSize);
    }
    return new Kernel.Loaded(start, end, pageOffset);
  }

  private static List<Segment> segments(InputFile image) throws LaunchException {
    if (image.size() < HEADER_SIZE) throw malformed(image, "it is cut off after %d bytes; copy it again".formatted(image.size()));
    ByteBuffer header = image.read(0, HEADER_SIZE);
    if (header.get(4) != CLASS_32) throw malformed(image, "it is a 64-bit ELF file; an lguest kernel is a 32-bit one, for i386");
    if (header.get(5) != LITTLE_ENDIAN) throw malformed(image, "it is big endian, for another machine; an lguest kernel is for i386");
    int type = header.getShort(16) & 0xFFFF, machine = header.getShort(18) & 0xFFFF;
    if (machine != EM_386) throw malformed(image, "it is for machine number %d; an lguest kernel is for i386, number %d".formatted(machine, EM_386));
    if (type != ET_EXEC) throw malformed(image, "its type is %d, not %d, an executable at fixed addresses; take vmlinux, not an object file or a library".formatted(type, ET_EXEC));
    long table = Integer.toUnsignedLong(header.getInt(28));
    int entrySize = header.getShort(42) & 0xFFFF, count = header.getShort(44) & 0xFFFF;
    if (entrySize != PROGRAM_HEADER_SIZE) throw malformed(image, "its program headers are %d bytes long, not %d; the file is damaged".formatted(entrySize, PROGRAM_HEADER_SIZE));
    if (count < 1 || count > MAX_PROGRAM_HEADERS) throw malformed(image, "it has %d program headers; 1 to %d are possible".formatted(count, MAX_PROGRAM_HEADERS));
    if (table + (long) count * PROGRAM_HEADER_SIZE > image.size()) throw malformed(image, "its program headers lie behind its end; the file is cut off, copy it again");

    ByteBuffer headers = image.read(table, count * PROGRAM_HEADER_SIZE);
    List<Segment> segments = new ArrayList<>();
    for (int number = 0; number < count; number++) {
      int at = number * PROGRAM_HEADER_SIZE;
      if (headers.getInt(at) == PT_LOAD) segments.add(check(image, segments, new Segment(number, word(headers, at + 4), word(headers, at + 8), word(headers, at + 12), word(headers, at + 16), word(headers, at + 20))));
    }
    if (segments.isEmpty()) throw malformed(image, "none of its segments is to be loaded; take vmlinux");
    return segments;
  }

  private static Segment check(InputFile image, List<Segment> others, Segment segment) throws LaunchException {
    if (segment.offset + segment.fileSize > image.size()) throw malformed(image, "segment %d lies behind its end; the file is cut off, copy it again".formatted(segment.number));
    if (segment.memorySize < segment.fileSize) throw malformed(image, "segment %d has %d bytes in the file but %d in memory; the file is damaged".formatted(segment.number, segment.fileSize, segment.memorySize));
    for (Segment other : others)
      if (segment.overlaps(other)) throw malformed(image, "segments %d and %d lie on each other; the file is damaged".formatted(other.number, segment.number));
    return segment;
  }

  /** The kernel is to be mapped by one difference between virtual and physical addresses; a leading segment may have none (L11). */
  private static long pageOffset(InputFile image, List<Segment> segments) throws LaunchException {
    long pageOffset = 0;
    for (Segment segment : segments) {
      if (pageOffset == 0) pageOffset = segment.pageOffset();
      else if (pageOffset != segment.pageOffset())
        throw new LaunchException("Page offset of section %d different: %#x, not %#x, in %s; a guest's kernel needs one for all, so this is no lguest kernel".formatted(segment.number, segment.pageOffset(), pageOffset, image.name()));
    }
    return pageOffset;
  }

  private static long word(ByteBuffer bytes, int at) { return Integer.toUnsignedLong(bytes.getInt(at)); }

  private static LaunchException malformed(InputFile image, String why) {
    return new LaunchException("Malformed elf header: " + image.name() + " cannot be booted: " + why);
  }
}
