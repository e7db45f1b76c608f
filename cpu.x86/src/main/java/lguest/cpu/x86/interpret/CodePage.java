package lguest.cpu.x86.interpret;

/** The blocks of one physical page: those that start in it, and those that reach into it from the page before. */
final class CodePage {
  private static final int BUCKETS = 256;
  private final Block[] buckets = new Block[BUCKETS];
  /** Which 64-byte lines of the page hold code: a bit each. */
  private long lines;
  private Block[] spilled = new Block[0];

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
    spilled = java.util.Arrays.copyOf(spilled, spilled.length + 1);
    spilled[spilled.length - 1] = b;
    lines |= lines(0, b.spill);
  }

  boolean touches(int physical, int bytes) {
    return (lines & lines(physical, bytes)) != 0;
  }

  void drop() {
    for (Block first : buckets) for (Block b = first; b != null; b = b.next) b.drop();
    for (Block b : spilled) b.drop();
  }

  private static long lines(int physical, int bytes) {
    int first = physical >>> 6 & 63;
    int last = (physical & 0xFFF) + bytes - 1 >>> 6;
    return -1L >>> 63 - (Math.min(last, 63) - first) << first;
  }
}
