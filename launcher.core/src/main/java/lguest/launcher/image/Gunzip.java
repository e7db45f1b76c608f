package lguest.launcher.image;

import java.lang.foreign.MemorySegment;
import java.nio.ByteBuffer;
import java.util.zip.CRC32;
import java.util.zip.DataFormatException;
import java.util.zip.Inflater;
import lguest.launcher.LaunchException;
import lguest.launcher.system.InputFile;

/** Unpacks one gzip stream (RFC 1952) out of the middle of a file straight into guest memory, never more than there is room for. */
final class Gunzip {
  sealed interface Result {}

  record Unpacked(long size) implements Result {}

  /** @param why for the user: what is wrong and what to do */
  record Refusal(String why) implements Result {}

  private static final int HEADER_CRC = 2, EXTRA = 4, NAME = 8, COMMENT = 16, RESERVED = 0xE0, DEFLATE = 8;
  private static final int CHUNK = 1 << 20;

  private final InputFile file;
  private final CRC32 crc = new CRC32();
  private long at;
  private ByteBuffer input = ByteBuffer.allocate(0);

  private Gunzip(InputFile file, long start) {
    this.file = file;
    this.at = start;
  }

  /** Unpacks what starts at {@code start}. {@code target} is zero behind what was unpacked; all of it when refused. */
  static Result unpack(InputFile file, long start, MemorySegment target) throws LaunchException {
    Gunzip gunzip = new Gunzip(file, start);
    long[] written = {0};
    String refused;
    try {
      gunzip.header();
      gunzip.inflate(target, written);
      gunzip.trailer(written[0]);
      return new Unpacked(written[0]);
    } catch (EndOfFile e) {
      refused = "its gzip stream at byte %d ends early; the file is cut off, copy it again".formatted(start);
    } catch (Damaged e) {
      refused = "its gzip stream at byte %d is %s".formatted(start, e.getMessage());
    }
    target.asSlice(0, written[0]).fill((byte) 0);
    return new Refusal(refused);
  }

  private void header() throws LaunchException, Damaged, EndOfFile {
    skip(2);
    int method = next(), flags = next();
    if (method != DEFLATE || (flags & RESERVED) != 0) throw new Damaged("of a kind gzip never wrote; the file is damaged");
    skip(6);
    if ((flags & EXTRA) != 0) skip(next() | next() << 8);
    if ((flags & NAME) != 0) while (next() != 0) {}
    if ((flags & COMMENT) != 0) while (next() != 0) {}
    if ((flags & HEADER_CRC) != 0) skip(2);
  }

  private void inflate(MemorySegment target, long[] written) throws LaunchException, Damaged, EndOfFile {
    Inflater inflater = new Inflater(true);
    try {
      while (!inflater.finished()) {
        long room = target.byteSize() - written[0];
        // One byte beside the target tells a stream that ends exactly at the top of memory from one that goes on.
        ByteBuffer output = room > 0 ? target.asSlice(written[0], Math.min(room, CHUNK)).asByteBuffer() : ByteBuffer.allocate(1);
        if (!input.hasRemaining()) fill();
        inflater.setInput(input);
        int got = inflater.inflate(output);
        if (got > 0 && room == 0) throw new Damaged("more than %d MiB unpacked, which does not fit in memory; give the guest more".formatted(target.byteSize() >> 20));
        crc.update(output.flip());
        written[0] += got;
        if (got == 0 && inflater.needsDictionary()) throw new Damaged("of a kind gzip never wrote; the file is damaged");
      }
    } catch (DataFormatException e) {
      throw new Damaged("corrupt (" + e.getMessage() + "); the file is damaged, copy it again");
    } finally {
      inflater.end();
    }
  }

  private void trailer(long size) throws LaunchException, Damaged, EndOfFile {
    if (word() != crc.getValue() || word() != (size & 0xFFFF_FFFFL)) throw new Damaged("corrupt (its checksum is wrong); the file is damaged, copy it again");
  }

  private long word() throws LaunchException, EndOfFile { return next() | next() << 8 | next() << 16 | (long) next() << 24; }

  private int next() throws LaunchException, EndOfFile {
    if (!input.hasRemaining()) fill();
    return input.get() & 0xFF;
  }

  private void skip(int count) throws LaunchException, EndOfFile { for (int i = 0; i < count; i++) next(); }

  private void fill() throws LaunchException, EndOfFile {
    int length = (int) Math.min(CHUNK, file.size() - at);
    if (length <= 0) throw new EndOfFile();
    input = file.read(at, length);
    at += length;
  }

  private static final class EndOfFile extends Exception {
    private static final long serialVersionUID = 1;
  }

  private static final class Damaged extends Exception {
    private static final long serialVersionUID = 1;

    Damaged(String why) { super(why); }
  }
}
