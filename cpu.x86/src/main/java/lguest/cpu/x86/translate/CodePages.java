package lguest.cpu.x86.translate;

import lguest.cpu.x86.decode.Mnemonic;

/** Emitted blocks by guest-physical page, so that a store to a page finds what it spoils. */
final class CodePages {
  /** The code of one block, or the knowledge that its first instruction is the interpreter's. */
  static final class Block {
    /** Guest-physical address of its first byte. */
    final int physical;
    final int eip;
    final int mode;
    /** 0: the interpreter's. */
    final int instructions;
    /** Where jumps with flags in state.SAVED_FLAGS come in, and those with them in host flags: offsets in code memory. */
    final int entry;
    final int direct;
    /** The interpreter's form of the one instruction, once it was needed. */
    Object interpreted;
    /** Its first instruction. */
    Mnemonic mnemonic;
    /** How often it was about to be run on its own, see {@link Translator#next}. */
    int runs;
    /** It reaches into the next page. */
    boolean crosses;
    private final Block next;

    private Block(int physical, int eip, int mode, int instructions, int entry, int direct, Block next) {
      this.physical = physical;
      this.eip = eip;
      this.mode = mode;
      this.instructions = instructions;
      this.entry = entry;
      this.direct = direct;
      this.next = next;
    }
  }

  private static final int BUCKETS = 64;
  private static final class Page {
    final Block[] buckets = new Block[BUCKETS];
    /** Which 64-byte lines of the page hold code: a bit each. */
    long lines;
  }

  private final Page[] pages;

  CodePages(int count) { pages = new Page[count]; }

  Block find(int physical, int eip, int mode) {
    Page page = pages[physical >>> 12];
    if (page == null) return null;
    for (Block b = page.buckets[physical & BUCKETS - 1]; b != null; b = b.next) {
      if (b.physical == physical && b.eip == eip && b.mode == mode) return b;
    }
    return null;
  }

  /** {@code bytes}: how many the block's instructions take. */
  Block add(int physical, int eip, int mode, int instructions, int bytes, int entry, int direct) {
    int number = physical >>> 12;
    if (pages[number] == null) pages[number] = new Page();
    Page page = pages[number];
    page.lines |= lines(physical, bytes);
    int bucket = physical & BUCKETS - 1;
    return page.buckets[bucket] = new Block(physical, eip, mode, instructions, entry, direct, page.buckets[bucket]);
  }

  boolean has(int page) { return pages[page] != null; }

  boolean touches(int physical, int bytes) {
    Page page = pages[physical >>> 12];
    return page != null && (page.lines & lines(physical, bytes)) != 0;
  }

  /** Whether there was anything to forget. */
  boolean drop(int page) {
    boolean had = pages[page] != null;
    pages[page] = null;
    return had;
  }

  void dropAll() { java.util.Arrays.fill(pages, null); }

  private static long lines(int physical, int bytes) {
    int first = physical >>> 6 & 63;
    int last = Math.min((physical & 0xFFF) + bytes - 1 >>> 6, 63);
    return -1L >>> 63 - (last - first) << first;
  }
}
