package lguest.host.software;

import static lguest.host.software.GuestKilled.hex;

import lguest.cpu.x86.Cpu;

/**
 * The guest's page tables, seen through what it tells about them (ABI §7). The original kept shadow copies and these calls kept
 * them true; our processor walks the guest's own tables, so a call says which remembered translations to forget. It never
 * writes the new entry: the guest has done that, and uses a false value of 0 just to have a translation dropped.
 */
final class PageTables {
  /** Bits that a present directory entry, and a used table entry, must not have (ABI §7.1). */
  static final int DIRECTORY_FORBIDDEN = 0xFFF & ~0x067, TABLE_FORBIDDEN = 0x088;

  /** From here on virtual space was the Switcher's, and is nobody's now (ABI §7.5). */
  static final int SWITCHER = 0xFFC0_0000;

  private static final int PRESENT = 1, WRITABLE = 2, ACCESSED_DIRTY = 0x60, LAST_DIRECTORY_INDEX = 1023;
  private static final long PAGE = 4096, DIRECTORY_SPAN = 4L << 20;

  private final Cpu cpu;
  private final Ram ram;
  private final int pageOffset;
  private int directory;

  PageTables(Cpu cpu, Ram ram, int pageOffset, int firstDirectory) {
    this.cpu = cpu;
    this.ram = ram;
    this.pageOffset = pageOffset;
    loadDirectory(firstDirectory);
  }

  /** NEW_PGTABLE. A directory outside memory is found out when it is first used. */
  void loadDirectory(int physical) {
    directory = physical & ~0xFFF;
    cpu.setPageDirectory(directory);
  }

  /** FLUSH_TLB. */
  void flush(boolean kernelToo) {
    if (kernelToo) cpu.flushTlb();
    else cpu.flushTlbRange(0, Integer.toUnsignedLong(pageOffset));
  }

  /** SET_PTE. The processor remembers translations of one address space only, so those of another are gone already. */
  void entrySet(int inDirectory, int linear) {
    if (Integer.compareUnsigned(linear, SWITCHER) >= 0) throw switcher();
    if (Integer.compareUnsigned(linear, pageOffset) >= 0 || isCurrent(inDirectory)) cpu.flushTlbPage(linear);
  }

  /** SET_PMD. */
  void directoryEntrySet(int inDirectory, int index) {
    if (Integer.compareUnsigned(index, LAST_DIRECTORY_INDEX) >= 0) return;
    if (isCurrent(inDirectory)) cpu.flushTlbRange(index << 22, DIRECTORY_SPAN);
  }

  private boolean isCurrent(int physical) { return (physical & ~0xFFF) == directory; }

  /**
   * SET_STACK: each page of the kernel stack must take a write, and counts as written from now on, as when the original pinned
   * it.
   */
  void checkStack(int top, int pages) {
    for (int i = 0; i < pages; i++) {
      int linear = top - 1 - i * (int) PAGE;
      if (Integer.compareUnsigned(linear, SWITCHER) >= 0) throw switcher();
      if (!touchForWrite(linear)) throw new GuestKilled("bad stack page " + hex(linear));
    }
  }

  /** What a supervisor's write does to the tables: false when it would fault. */
  private boolean touchForWrite(int linear) {
    int directoryEntry = ram.read32(Integer.toUnsignedLong(directory) + (linear >>> 22) * 4L);
    if ((directoryEntry & PRESENT) == 0) return false;
    if ((directoryEntry & DIRECTORY_FORBIDDEN) != 0 || !isPage(directoryEntry)) throw badDirectoryEntry();
    long at = Integer.toUnsignedLong(directoryEntry & ~0xFFF) + (linear >>> 12 & 0x3FF) * 4L;
    int entry = ram.get32(at);
    if ((entry & PRESENT) == 0 || (entry & directoryEntry & WRITABLE) == 0) return false;
    if ((entry & TABLE_FORBIDDEN) != 0 || !isPage(entry)) throw badTableEntry();
    if ((entry & ACCESSED_DIRTY) != ACCESSED_DIRTY) ram.set32(at, entry | ACCESSED_DIRTY);
    return true;
  }

  private boolean isPage(int entry) { return ram.contains(Integer.toUnsignedLong(entry & ~0xFFF), PAGE); }

  /** A fault up there is an ordinary one, unless the guest has mapped something over the Switcher. */
  void checkNotSwitcher(int linear) {
    if (Integer.compareUnsigned(linear, SWITCHER) < 0) return;
    if ((ram.read32(Integer.toUnsignedLong(directory) + LAST_DIRECTORY_INDEX * 4L) & PRESENT) != 0) throw switcher();
  }

  /** The processor's walk met a bad directory entry; a directory outside memory altogether had its own reason in the original. */
  GuestKilled badDirectoryEntryFor(int linear) {
    long at = Integer.toUnsignedLong(directory) + (linear >>> 22) * 4L;
    return ram.contains(at, 4) ? badDirectoryEntry() : new GuestKilled("bad read address " + hex(at));
  }

  static GuestKilled badTableEntry() { return new GuestKilled("bad page table entry"); }

  private static GuestKilled badDirectoryEntry() { return new GuestKilled("bad page directory entry"); }

  private static GuestKilled switcher() { return new GuestKilled("attempt to access switcher pages"); }
}
