package lguest.launcher.boot;

import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.nio.ByteOrder;
import lguest.launcher.LaunchException;
import lguest.memory.GuestMemory;

/**
 * The page tables a guest starts on (L17, ABI §4.5): RAM appears from the page offset upwards, as far as the 32-bit address space goes, and nowhere else. The directory takes the
 * page below {@code top}, the tables lie below it. A guest moves to tables of its own within its first instructions.
 *
 * @param mapped pages of RAM that are mapped
 * @param tables address of the first page table
 * @param directory address of the page directory
 */
record PageTables(long pageOffset, long mapped, long tables, long directory) {
  private static final int PAGE_SIZE = GuestMemory.PAGE_SIZE, ENTRIES = 1024;
  private static final int PRESENT_WRITABLE_USER = 7;
  private static final ValueLayout.OfInt ENTRY = ValueLayout.JAVA_INT.withOrder(ByteOrder.LITTLE_ENDIAN);

  static PageTables below(long top, long ram, long pageOffset) {
    long mapped = Math.min(ram, (1L << 32) - pageOffset) / PAGE_SIZE;
    long count = (mapped + ENTRIES - 1) / ENTRIES;
    return new PageTables(pageOffset, mapped, top - PAGE_SIZE - count * PAGE_SIZE, top - PAGE_SIZE);
  }

  void place(Placements places) throws LaunchException {
    places.take("the first page tables", tables, directory + PAGE_SIZE - tables);
  }

  void write(GuestMemory memory) {
    MemorySegment entries = memory.view(tables, mapped * ENTRY.byteSize());
    for (long page = 0; page < mapped; page++) entries.setAtIndex(ENTRY, page, (int) (page * PAGE_SIZE) | PRESENT_WRITABLE_USER);
    MemorySegment top = memory.view(directory, PAGE_SIZE);
    for (long table = tables; table < directory; table += PAGE_SIZE)
      top.setAtIndex(ENTRY, (pageOffset >>> 22) + (table - tables) / PAGE_SIZE, (int) table | PRESENT_WRITABLE_USER);
  }
}
