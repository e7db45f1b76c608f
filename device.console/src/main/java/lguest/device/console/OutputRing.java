package lguest.device.console;

import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.nio.ByteBuffer;
import java.util.ArrayList;
import java.util.List;

/**
 * The guest's output: one ring for all who are attached, each with a position of its own. Nothing is overwritten that somebody
 * has still to write out; what everybody has stays for replay until its room is needed. Guarded by its owner's lock, except
 * that a reader may use the bytes it was shown without the lock: they stay until it moves on.
 */
final class OutputRing {
  /** What a newcomer gets to see. */
  static final int REPLAY = 64 << 10;
  static final int CAPACITY = 256 << 10;
  /** The most a reader is shown at once, so that writing out and filling up overlap. */
  static final int LARGEST_PIECE = 64 << 10;

  private final byte[] bytes = new byte[CAPACITY];
  private final List<Reader> readers = new ArrayList<>();
  /** All bytes ever put; byte n lies at n modulo the capacity. */
  private long end;

  /** One who is attached. */
  final class Reader {
    private long position;
    private int shown;

    private Reader(long position) { this.position = position; }

    /** Whether all is read that was there when the ring ended at {@code mark}. */
    boolean past(long mark) { return position >= mark; }

    boolean upToDate() { return position == end; }

    /** Shows the next piece, not empty unless {@link #upToDate}; it stays until {@link #advance}. */
    ByteBuffer piece() {
      int at = (int) (position % CAPACITY);
      shown = (int) Math.min(end - position, Math.min(CAPACITY - at, LARGEST_PIECE));
      return ByteBuffer.wrap(bytes, at, shown);
    }

    /** The piece shown has been used. */
    void advance() {
      position += shown;
      shown = 0;
    }

    /** What it has not even been shown. */
    int unseen() { return (int) (end - position - shown); }
  }

  /** Attaches one who gets the last {@code before} bytes as far as they exist, and then all that comes. */
  Reader attach(long before) {
    Reader reader = new Reader(Math.max(0, end - before));
    readers.add(reader);
    return reader;
  }

  void detach(Reader reader) { readers.remove(reader); }

  long end() { return end; }

  /**
   * Takes what there is room for of {@code part} from {@code offset} on; returns how much. With nobody attached there is
   * always room.
   */
  long put(MemorySegment part, long offset) {
    long slowest = end;
    for (Reader reader : readers) slowest = Math.min(slowest, reader.position);
    long room = readers.isEmpty() ? Long.MAX_VALUE : CAPACITY - (end - slowest);
    long length = Math.min(part.byteSize() - offset, room);
    for (long done = 0; done < length; ) {
      int at = (int) (end % CAPACITY);
      int run = (int) Math.min(length - done, CAPACITY - at);
      MemorySegment.copy(part, ValueLayout.JAVA_BYTE, offset + done, bytes, at, run);
      done += run;
      end += run;
    }
    return length;
  }

  /** The last {@code length} bytes, as far as they exist; at most the capacity. */
  byte[] last(int length) {
    byte[] history = new byte[(int) Math.min(end, length)];
    for (int i = 0; i < history.length; i++) history[i] = bytes[(int) ((end - history.length + i) % CAPACITY)];
    return history;
  }
}
