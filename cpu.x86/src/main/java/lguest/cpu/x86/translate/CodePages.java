package lguest.cpu.x86.translate;

import java.util.Arrays;
import java.util.BitSet;
import java.util.function.IntConsumer;
import java.util.function.Predicate;
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
    /** Number of the guest-physical page that its one instruction reaches into, or {@link #NOWHERE}. */
    final int second;
    /** In its place of the table, and of its page. */
    private Block next;
    private final Block onPage;
    private Block onSecond;

    private Block(int physical, int eip, int mode, int instructions, int entry, int direct, int second, Block onPage) {
      this.physical = physical;
      this.eip = eip;
      this.mode = mode;
      this.instructions = instructions;
      this.entry = entry;
      this.direct = direct;
      this.second = second;
      this.onPage = onPage;
    }

    boolean crosses() { return second != NOWHERE; }

    private boolean is(int physical, int eip, int mode) { return this.eip == eip && this.physical == physical && this.mode == mode; }
  }

  private static final class Page {
    Block blocks;
    /** Those that reach into this page. */
    Block reaching;
    /** Which 64-byte lines of the page hold code: a bit each. */
    long lines;
    /** Jumps of its code, three numbers each: the EIP they lead to, the mode, and their exit until there is a block. */
    int[] waiting = NOBODY;
    int waits;
  }

  /** In {@link Block#second}: the block lies in one page. */
  static final int NOWHERE = -1;
  private static final int[] NOBODY = {};

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

  /**
   * @param lines 64-byte lines of its page that it depends on: a bit each
   * @param second see {@link Block#second}; {@code secondLines} are those of that page
   */
  Block add(int physical, int eip, int mode, int instructions, int entry, int direct, long lines, int second, long secondLines) {
    if (blocks++ > table.length) grow();
    Page page = page(physical >>> 12);
    page.lines |= lines;
    Block block = page.blocks = new Block(physical, eip, mode, instructions, entry, direct, second, page.blocks);
    if (second != NOWHERE) {
      Page other = page(second);
      other.lines |= secondLines;
      block.onSecond = other.reaching;
      other.reaching = block;
    }
    enter(block);
    return block;
  }

  private Page page(int number) {
    if (pages[number] == null) pages[number] = new Page();
    return pages[number];
  }

  /** The jump of the CHAIN exit {@code id}, in code of that page, is to lead to {@code eip} when there is a block. */
  void await(int number, int eip, int mode, int id) {
    Page page = pages[number];
    if (page.waits == page.waiting.length) page.waiting = Arrays.copyOf(page.waiting, Math.max(48, page.waits * 2));
    page.waiting[page.waits++] = eip;
    page.waiting[page.waits++] = mode;
    page.waiting[page.waits++] = id;
  }

  /** Hands over the exits of jumps that waited for this block, and forgets them. */
  void awaited(Block block, IntConsumer exits) {
    Page page = pages[block.physical >>> 12];
    int[] waiting = page.waiting;
    for (int n = page.waits - 3; n >= 0; n -= 3) {
      if (waiting[n] != block.eip || waiting[n + 1] != block.mode) continue;
      exits.accept(waiting[n + 2]);
      page.waits -= 3;
      System.arraycopy(waiting, page.waits, waiting, n, 3);
    }
  }

  private void enter(Block b) {
    int place = hash(b.physical, b.eip, b.mode) & table.length - 1;
    b.next = table[place];
    table[place] = b;
  }

  private void grow() {
    Block[] old = table;
    table = new Block[old.length * 4];
    // Through the old one: a page's list also has blocks that are not found any more.
    for (Block chain : old) {
      for (Block b = chain; b != null; ) {
        Block next = b.next;
        enter(b);
        b = next;
      }
    }
  }

  boolean has(int page) { return pages[page] != null; }

  boolean touches(int physical, int bytes) {
    Page page = pages[physical >>> 12];
    return page != null && (page.lines & DecodedPage.lines(physical, bytes)) != 0;
  }

  /** Whether there was anything to forget. */
  boolean drop(int number) {
    Page page = pages[number];
    if (page == null) return false;
    for (Block b = page.blocks; b != null; b = b.onPage) remove(b);
    for (Block b = page.reaching; b != null; b = b.onSecond) remove(b);
    pages[number] = null;
    return true;
  }

  /**
   * Forgets all pages that have such a block, be it one that is not found any more: as jumps lead directly only within a page, none leads to it, and none of its own waits. Whether there
   * were any.
   */
  boolean dropWhere(Predicate<Block> such) {
    BitSet gone = new BitSet(pages.length);
    for (int number = 0; number < pages.length; number++) {
      if (pages[number] == null) continue;
      for (Block b = pages[number].blocks; b != null && !gone.get(number); b = b.onPage) if (such.test(b)) gone.set(number);
    }
    gone.stream().forEach(this::drop);
    return !gone.isEmpty();
  }

  /** It is not found any more. Jumps that lead to it stay as they are. */
  void remove(Block gone) {
    emitted.remove(gone);
    int place = hash(gone.physical, gone.eip, gone.mode) & table.length - 1;
    if (table[place] == gone) {
      table[place] = gone.next;
      blocks--;
      return;
    }
    for (Block b = table[place]; b != null; b = b.next) {
      if (b.next != gone) continue;
      b.next = gone.next;
      blocks--;
      return;
    }
    // One of two pages that was dropped with the other.
  }

  /** How many there are. */
  int blocks() { return blocks; }

  void dropAll() {
    Arrays.fill(pages, null);
    emitted.clear();
    table = new Block[SMALLEST];
    blocks = 0;
  }
}
