package lguest.cpu.x86.interpret;

import java.util.Arrays;
import lguest.cpu.x86.mmu.Mmu;

/**
 * All decoded blocks, by physical page.
 *
 * <p>
 * Tour 5.9: Code that changes under our feet
 *
 * <p>A guest may store into code it is about to run, or is running: a program that loads another does, and Linux patches its own kernel at boot. So a page with
 * decoded blocks is never open for plain stores. A store there first asks which lines of the page hold code, and only if it hits one are the page's blocks dropped;
 * a dropped block that is just running finds that its next instruction has become an exit.
 *
 * <p>In front of it stands the jump cache, by EIP: it is only right as long as translations stay, so every TLB flush empties it.
 */
final class BlockCache implements Mmu.CodeWatcher {
  private static final int JUMPS = 4096;
  private static final int JUMP_PAGES = 4096;
  private final CodePage[] pages;
  private final Block[] jumps = new Block[JUMPS];
  /** Which pages, by the low bits of their numbers, the jump cache has blocks of: a change of another page's translation leaves it alone. */
  private final long[] jumpPages = new long[JUMP_PAGES / 64];
  /** The block last found in a place, translations aside: where it still lies physically where it did, as after a task switch, nobody needs to search. */
  private final Block[] hints = new Block[JUMPS];
  private Mmu mmu;
  long decoded;
  long dropped;

  BlockCache(long memorySize) {
    pages = new CodePage[(int) (memorySize >>> 12)];
  }

  void mmu(Mmu mmu) {
    this.mmu = mmu;
  }

  Block jump(int eip, int mode) {
    Block b = jumps[slot(eip)];
    return b != null && b.eip == eip && b.mode == mode ? b : null;
  }

  /** A block found at a linear address. */
  void remember(Block b, int linear) {
    int slot = slot(b.eip);
    jumps[slot] = b;
    hints[slot] = b;
    note(linear >>> 12);
    if (b.spill != 0) note((linear >>> 12) + 1);
  }

  private void note(int page) {
    jumpPages[page >>> 6 & jumpPages.length - 1] |= 1L << page;
  }

  void forgetJumps() {
    Arrays.fill(jumps, null);
    Arrays.fill(jumpPages, 0);
  }

  /** Translations in [linear, linear + length) have changed. */
  void forgetJumps(int linear, long length) {
    if (length <= 0) return;
    long pages = ((linear & 0xFFF) + length + 0xFFF) >>> 12;
    if (pages >= JUMP_PAGES) {
      forgetJumps();
      return;
    }
    for (int page = linear >>> 12, last = page + (int) pages; page < last; page++) {
      if ((jumpPages[page >>> 6 & jumpPages.length - 1] & 1L << page) == 0) continue;
      forgetJumps();
      return;
    }
  }

  private static int slot(int eip) {
    return (eip ^ eip >>> 12) & JUMPS - 1;
  }

  Block find(int physical, int eip, int mode) {
    Block hint = hints[slot(eip)];
    if (hint != null && hint.physical == physical && hint.eip == eip && hint.mode == mode) return hint;
    CodePage page = pages[physical >>> 12];
    return page == null ? null : page.find(physical, eip, mode);
  }

  /** The page's stores are watched before its bytes are read, so that none is missed. */
  void watch(int physical) {
    mmu.watch(physical >>> 12);
  }

  void add(Block b) {
    decoded++;
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
    if (page == null || page.touches(physical, bytes)) dropPage(physical >>> 12);
  }

  void dropPage(int number) {
    CodePage page = pages[number];
    if (page != null) {
      page.drop();
      pages[number] = null;
      dropped++;
    }
    mmu.unwatch(number);
  }

  void dropAll() {
    for (int i = 0; i < pages.length; i++) if (pages[i] != null) dropPage(i);
  }

  int pages() {
    return pages.length;
  }
}
