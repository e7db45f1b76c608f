package lguest.device.console;

import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.nio.ByteBuffer;

/** What was typed and not yet read by the guest: bytes in order, bounded. Not thread-safe. */
final class InputQueue {
  static final int CAPACITY = 64 << 10;

  private final byte[] bytes = new byte[CAPACITY];
  private int start;
  private int size;

  boolean isEmpty() { return size == 0; }

  boolean isFull() { return size == CAPACITY; }

  /** Takes as much of {@code data} as there is room for. */
  void put(ByteBuffer data) {
    while (data.hasRemaining() && size < CAPACITY) {
      int at = (start + size) % CAPACITY;
      int length = Math.min(data.remaining(), Math.min(CAPACITY - size, CAPACITY - at));
      data.get(bytes, at, length);
      size += length;
    }
  }

  /** Moves as much as there is into {@code part}; returns how much. */
  long take(MemorySegment part) {
    long moved = 0;
    while (size > 0 && moved < part.byteSize()) {
      int length = (int) Math.min(part.byteSize() - moved, Math.min(size, CAPACITY - start));
      MemorySegment.copy(bytes, start, part, ValueLayout.JAVA_BYTE, moved, length);
      start = (start + length) % CAPACITY;
      size -= length;
      moved += length;
    }
    return moved;
  }

  /** A copy of all of it. */
  byte[] content() {
    byte[] content = new byte[size];
    int tail = Math.min(size, CAPACITY - start);
    System.arraycopy(bytes, start, content, 0, tail);
    System.arraycopy(bytes, 0, content, tail, size - tail);
    return content;
  }
}
