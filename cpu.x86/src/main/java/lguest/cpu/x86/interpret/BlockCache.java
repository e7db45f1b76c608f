package lguest.cpu.x86.interpret;

import java.util.Arrays;
import lguest.cpu.x86.mmu.Mmu;
import lguest.cpu.x86.translate.Translator;

/**
 * All decoded blocks, by physical page.
 *
 * <p>
 * Tour 5.9: Code that changes under our feet
 *
 * <p>A guest may store into code it is about to run, or is running: a program that loads another does, and Linux patches its
 * own kernel at boot. So a page with
 * decoded blocks is never open for plain stores. A store there first asks which lines of the page hold code, and only if it
 * hits one are the page's blocks dropped;
 * a dropped block that is just running finds that its next instruction has become an exit.
 *
 * <p>In front of it stands the jump cache, by EIP. What it knows is only right as long as translations stay: each TLB flush
 * starts a new generation, and a block of an older
 * one is taken again only after its address has been translated again.
 */
final class BlockCache implements Mmu.CodeWatcher {
  private static final int JUMPS = 16384;
  private static final int FILTER = 4096;
  /**
   * Instructions kept, about 100 bytes each. A guest that wants more (one page mapped at thousands of addresses does) starts
   * afresh.
   */
  private static final int MOST_INSTRUCTIONS = 1 << 20;
  private final CodePage[] pages;
  private final Block[] jumps = new Block[JUMPS];
  /**
   * Which pages, by the low bits of their numbers, blocks were looked up on in this generation: a change of another page's
   * translation does not end it.
   */
  private final long[] looked = new long[FILTER / 64];
  private Mmu mmu;
  /** Instructions of all blocks that can still be found. */
  private int instructions;
  private Translator translator;
  long decoded;
  long dropped;

  BlockCache(long memorySize) {
    pages = new CodePage[(int) (memorySize >>> 12)];
  }

  void translator(Translator translator) {
    this.translator = translator;
  }

  void mmu(Mmu mmu) {
    this.mmu = mmu;
  }

  /** Whatever was last found at eip; its generation says whether that still holds. */
  Block jump(int eip, int mode) {
    Block b = jumps[slot(eip)];
    return b != null && b.eip == eip && b.mode == mode ? b : null;
  }

  /** A block looked up at a linear address. */
  void remember(Block b, int linear) {
    jumps[slot(b.eip)] = b;
    note(linear >>> 12);
    if (b.spill != 0) note((linear >>> 12) + 1);
  }

  private void note(int page) {
    looked[page >>> 6 & looked.length - 1] |= 1L << page;
  }

  void newGeneration() {
    Arrays.fill(looked, 0);
  }

  /** Whether any block may have been looked up on these pages in this generation. */
  boolean looked(int linear, long length) {
    long pages = (linear & 0xFFF) + length + 0xFFF >>> 12;
    if (length <= 0) return false;
    if (pages >= FILTER) return true;
    for (int page = linear >>> 12, last = page + (int) pages; page < last; page++) {
      if ((looked[page >>> 6 & looked.length - 1] & 1L << page) != 0) return true;
    }
    return false;
  }

  private static int slot(int eip) {
    return (eip ^ eip >>> 12) & JUMPS - 1;
  }

  Block find(int physical, int eip, int mode) {
    CodePage page = pages[physical >>> 12];
    return page == null ? null : page.find(physical, eip, mode);
  }

  /** The page's stores are watched before its bytes are read, so that none is missed. */
  void watch(int physical) {
    mmu.watch(physical >>> 12);
  }

  void add(Block b) {
    if (instructions + b.instructions > MOST_INSTRUCTIONS) dropAll();
    watch(b.physical);
    if (b.spill != 0) watch(b.spillPhysical);
    decoded++;
    instructions += b.instructions;
    page(b.physical).add(b);
    if (b.spill != 0) page(b.spillPhysical).addSpilled(b);
  }

  private CodePage page(int physical) {
    int number = physical >>> 12;
    if (pages[number] == null) pages[number] = new CodePage();
    return pages[number];
  }

  @Override
  public void storing(int physical, int bytes) {
    CodePage page = pages[physical >>> 12];
    boolean translated = translator != null && translator.hasCode(physical >>> 12);
    boolean spoils = page != null && page.touches(physical, bytes) || translated && translator.touches(physical, bytes);
    // A page that is watched for nothing is released as well.
    if (spoils || page == null && !translated) dropPage(physical >>> 12);
  }

  void dropPage(int number) {
    CodePage page = pages[number];
    if (page != null) {
      instructions -= page.drop();
      pages[number] = null;
      dropped++;
    }
    if (translator != null) translator.dropPage(number);
    mmu.unwatch(number);
  }

  void dropAll() {
    for (int i = 0; i < pages.length; i++) if (pages[i] != null) dropPage(i);
  }

  int pages() {
    return pages.length;
  }
}
