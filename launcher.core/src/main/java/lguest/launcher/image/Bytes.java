package lguest.launcher.image;

import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;

/** Looks through native memory. Pieces are copied to the heap first: a Java array can be searched fast even before the compiler has woken up. */
final class Bytes {
  private static final int PIECE = 1 << 16;

  /** Looks at a piece. */
  @FunctionalInterface
  interface Look {
    /** Looks at the positions below {@code to} of {@code bytes}, of which {@code length} are there to be read. Returns the position found, or −1. */
    int at(byte[] bytes, int to, int length);
  }

  private Bytes() {}

  /** The offset at which {@code wanted} first occurs, or −1. */
  static long find(MemorySegment memory, byte[] wanted) {
    return scan(memory, 0, wanted.length - 1, (bytes, to, length) -> {
      for (int at = 0; at < to && at + wanted.length <= length; at++)
        if (bytes[at] == wanted[0] && java.util.Arrays.equals(bytes, at, at + wanted.length, wanted, 0, wanted.length)) return at;
      return -1;
    });
  }

  /** Looks through memory from {@code start} on in pieces that each show {@code ahead} bytes more than they cover. Returns the offset found or −1. */
  static long scan(MemorySegment memory, long start, int ahead, Look look) {
    byte[] bytes = new byte[PIECE + ahead];
    for (long piece = start; piece < memory.byteSize(); piece += PIECE) {
      int length = (int) Math.min(bytes.length, memory.byteSize() - piece);
      MemorySegment.copy(memory, ValueLayout.JAVA_BYTE, piece, bytes, 0, length);
      int found = look.at(bytes, Math.min(PIECE, length), length);
      if (found >= 0) return piece + found;
    }
    return -1;
  }
}
