package lguest.cpu.x86.translate;

import java.util.Arrays;
import lguest.cpu.x86.decode.Mnemonic;

/** Emitted blocks: by address, so that they are found, and by guest-physical page, so that a store to a page finds what it spoils. */
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
    /** In its place of the table, and of its page. */
    private Block next;
    private final Block onPage;

    private Block(int physical, int eip, int mode, int instructions, int entry, int direct, Block onPage) {
      this.physical = physical;
      this.eip = eip;
      this.mode = mode;
      this.instructions = instructions;
      this.entry = entry;
      this.direct = direct;
      this.onPage = onPage;
    }

    private boolean is(int physical, int eip, int mode) { return this.eip == eip && this.physical == physical && this.mode == mode; }
  }

  private static final class Page {
    Block blocks;
    /** Which 64-byte lines of the page hold code: a bit each. */
    long lines;
  }

  private static final int SMALLEST = 1 << 12;

  private final Page[] pages;
  /** By a hash of what makes a block one; a power of two long. */
  private Block[] table = new Block[SMALLEST];
  private int blocks;

  /** Whom emitted code asks. */
  private final BlockTable emitted;

  CodePages(int count, BlockTable emitted) {
    pages = new Page[count];
    this.emitted = emitted;
  }

  private static int hash(int physical, int eip, int mode) {
    int h = eip ^ (physical >>> 12) * 0x9E3779B1 ^ mode << 18;
    return h ^ h >>> 14;
  }

  Block find(int physical, int eip, int mode) {
    for (Block b = table[hash(physical, eip, mode) & table.length - 1]; b != null; b = b.next) if (b.is(physical, eip, mode)) return b;
    return null;
  }

  /** {@code bytes}: how many the block's instructions take. */
  Block add(int physical, int eip, int mode, int instructions, int bytes, int entry, int direct) {
    if (blocks++ > table.length) grow();
    int number = physical >>> 12;
    if (pages[number] == null) pages[number] = new Page();
    Page page = pages[number];
    page.lines |= lines(physical, bytes);
    page.blocks = new Block(physical, eip, mode, instructions, entry, direct, page.blocks);
    enter(page.blocks);
    return page.blocks;
  }

  private void enter(Block b) {
    int place = hash(b.physical, b.eip, b.mode) & table.length - 1;
    b.next = table[place];
    table[place] = b;
  }

  private void grow() {
    table = new Block[table.length * 4];
    for (Page page : pages) if (page != null) for (Block b = page.blocks; b != null; b = b.onPage) enter(b);
  }

  boolean has(int page) { return pages[page] != null; }

  boolean touches(int physical, int bytes) {
    Page page = pages[physical >>> 12];
    return page != null && (page.lines & lines(physical, bytes)) != 0;
  }

  /** Whether there was anything to forget. */
  boolean drop(int number) {
    Page page = pages[number];
    if (page == null) return false;
    for (Block b = page.blocks; b != null; b = b.onPage) remove(b);
    pages[number] = null;
    return true;
  }

  private void remove(Block gone) {
    blocks--;
    emitted.remove(gone);
    int place = hash(gone.physical, gone.eip, gone.mode) & table.length - 1;
    if (table[place] == gone) {
      table[place] = gone.next;
      return;
    }
    for (Block b = table[place]; ; b = b.next) {
      if (b.next != gone) continue;
      b.next = gone.next;
      return;
    }
  }

  /** How many there are. */
  int blocks() { return blocks; }

  void dropAll() {
    Arrays.fill(pages, null);
    emitted.clear();
    table = new Block[SMALLEST];
    blocks = 0;
  }

  private static long lines(int physical, int bytes) {
    int first = physical >>> 6 & 63;
    int last = Math.min((physical & 0xFFF) + bytes - 1 >>> 6, 63);
    return -1L >>> 63 - (last - first) << first;
  }
}
