package lguest.launcher.run;

import java.io.IOException;
import java.lang.foreign.MemorySegment;
import java.nio.ByteBuffer;
import java.nio.channels.FileChannel;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardOpenOption;

/** Memory, byte for byte, as a file with holes for zeros. */
final class MemoryDump {
  private static final int PIECE = 64 << 10;
  private static final MemorySegment ZEROS = MemorySegment.ofArray(new byte[PIECE]);

  private MemoryDump() {}

  /** Makes {@code file}, which must not be there yet. Nothing is left of it when that fails. */
  static void write(MemorySegment memory, Path file) throws IOException {
    try (FileChannel channel = FileChannel.open(file, StandardOpenOption.CREATE_NEW, StandardOpenOption.WRITE, StandardOpenOption.SPARSE)) {
      try {
        for (long at = 0; at < memory.byteSize(); at += PIECE) {
          MemorySegment piece = memory.asSlice(at, Math.min(PIECE, memory.byteSize() - at));
          boolean last = at + piece.byteSize() == memory.byteSize();
          // The last piece makes the file as long as it has to be.
          if (!last && piece.mismatch(ZEROS.asSlice(0, piece.byteSize())) < 0) continue;
          ByteBuffer bytes = piece.asByteBuffer();
          while (bytes.hasRemaining()) channel.write(bytes, at + bytes.position());
        }
      } catch (IOException | RuntimeException e) {
        Files.delete(file);
        throw e;
      }
    }
  }
}
