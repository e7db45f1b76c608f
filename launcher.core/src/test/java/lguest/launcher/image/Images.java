package lguest.launcher.image;

import java.io.ByteArrayOutputStream;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.charset.StandardCharsets;
import java.util.ArrayList;
import java.util.List;
import java.util.zip.GZIPOutputStream;

/** Small kernel images, whole and broken, for tests. */
public final class Images {
  public static final long PAGE_OFFSET = 0xC000_0000L;

  /** A program header to be; {@code offset} −1: the bytes are put at the next page of the file. */
  public record Segment(int type, long offset, long virtual, long physical, byte[] bytes, long fileSize, long memorySize) {
    public static Segment load(long physical, byte[] bytes) { return load(physical, PAGE_OFFSET, bytes); }

    public static Segment load(long physical, long pageOffset, byte[] bytes) { return new Segment(1, -1, physical + pageOffset & 0xFFFF_FFFFL, physical, bytes, bytes.length, bytes.length); }
  }

  private Images() {}

  /** An ELF executable for i386 that holds the magic in a segment at 1 MiB; its entry is 0xC010000D. */
  public static byte[] smallElf() { return elf(Segment.load(0x10_0000, kernel())); }

  /** Bytes with the magic at their start. */
  public static byte[] kernel() { return "GenuineLguest\u00f4 and no more".getBytes(StandardCharsets.ISO_8859_1); }

  public static byte[] elf(Segment... segments) {
    List<Segment> all = List.of(segments);
    List<Long> offsets = new ArrayList<>();
    long end = 0x1000;
    for (Segment segment : all) {
      offsets.add(segment.offset >= 0 ? segment.offset : end);
      if (segment.offset < 0) end += segment.bytes.length + 0xFFF & -0x1000;
    }
    ByteBuffer file = ByteBuffer.allocate((int) end).order(ByteOrder.LITTLE_ENDIAN);
    file.put(new byte[] {0x7F, 'E', 'L', 'F', 1, 1, 1}).position(16);
    file.putShort((short) 2).putShort((short) 3).putInt(1).putInt(0x1234).putInt(52).putInt(0).putInt(0).putShort((short) 52).putShort((short) 32).putShort((short) all.size());
    for (int i = 0; i < all.size(); i++) {
      Segment segment = all.get(i);
      file.position(52 + 32 * i);
      file.putInt(segment.type).putInt((int) (long) offsets.get(i)).putInt((int) segment.virtual).putInt((int) segment.physical).putInt((int) segment.fileSize).putInt((int) segment.memorySize).putInt(7).putInt(0x1000);
      if (segment.offset < 0) file.position((int) (long) offsets.get(i)).put(segment.bytes);
    }
    return file.array();
  }

  /** A stretch of code with the magic, and {@code times} loads of EAX from an address with this top byte. */
  public static byte[] code(int top, int times) {
    ByteBuffer code = ByteBuffer.allocate(20_000).put(kernel());
    for (int i = 0; i < times; i++) code.put(new byte[] {(byte) 0xA1, 1, 2, 3, (byte) top, (byte) 0x90});
    return code.array();
  }

  /** A bzImage: {@code front} bytes of something, then {@code payload} in a gzip stream as gzip on Unix writes it, then a tail. */
  public static byte[] bzImage(byte[] front, byte[] payload) { return join(front, gzip(payload), new byte[100]); }

  public static byte[] gzip(byte[] payload) {
    ByteArrayOutputStream bytes = new ByteArrayOutputStream();
    try (GZIPOutputStream stream = new GZIPOutputStream(bytes)) {
      stream.write(payload);
    } catch (IOException e) {
      throw new UncheckedIOException(e);
    }
    byte[] all = bytes.toByteArray();
    all[9] = 3;
    return all;
  }

  public static byte[] join(byte[]... parts) {
    ByteArrayOutputStream bytes = new ByteArrayOutputStream();
    for (byte[] part : parts) bytes.writeBytes(part);
    return bytes.toByteArray();
  }
}
