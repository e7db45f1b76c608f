package lguest.cpu.x86.interpret;

import java.util.ArrayList;
import java.util.List;

/** The blocks of one physical page: those that start in it, and those that reach into it from the page before. */
final class CodePage {
  private static final int BUCKETS = 256;
  private final Block[] buckets = new Block[BUCKETS];
  /** Which 64-byte lines of the page hold code: a bit each. */
  private long lines;
  private final List<Block> spilled = new ArrayList<>(0);

  Block find(int physical, int eip, int mode) {
    for (Block b = buckets[physical & BUCKETS - 1]; b != null; b = b.next) {
      if (b.physical == physical && b.eip == eip && b.mode == mode) return b;
    }
    return null;
  }

  void add(Block b) {
    int bucket = b.physical & BUCKETS - 1;
    b.next = buckets[bucket];
    buckets[bucket] = b;
    lines |= lines(b.physical, b.bytes);
  }

  /** A block that reaches so many bytes into this page. */
  void addSpilled(Block b) {
    spilled.add(b);
    lines |= lines(0, b.spill);
  }

  boolean touches(int physical, int bytes) {
    return (lines & lines(physical, bytes)) != 0;
  }

  /** Returns how many instructions the page's own blocks had. */
  int drop() {
    int instructions = 0;
    for (Block first : buckets) {
      for (Block b = first; b != null; b = b.next) {
        instructions += b.instructions;
        b.drop();
      }
    }
    spilled.forEach(Block::drop);
    return instructions;
  }

  private static long lines(int physical, int bytes) {
    int first = physical >>> 6 & 63;
    int last = (physical & 0xFFF) + bytes - 1 >>> 6;
    return -1L >>> 63 - (Math.min(last, 63) - first) << first;
  }
}
