package lguest.cpu.x86.interpret;

import java.lang.invoke.VarHandle;
import java.util.BitSet;
import lguest.cpu.x86.mmu.Mmu;

/** Pages with decoded code that other threads have stored into, until the vCPU thread gets to drop their blocks. */
final class ForeignStores {
  private final BitSet pages = new BitSet();
  private volatile boolean any;

  /** Any thread, after its stores. */
  void add(long physical, long length, Mmu mmu, int memoryPages) {
    if (length <= 0 || physical < 0) return;
    // Pairs with the fence in Mmu.watch.
    VarHandle.fullFence();
    long last = Math.min(memoryPages - 1L, physical + length - 1 >>> 12);
    for (long page = physical >>> 12; page <= last; page++) {
      if (!mmu.hasCode((int) page)) continue;
      synchronized (pages) {
        pages.set((int) page);
        any = true;
      }
    }
  }

  void drain(BlockCache cache) {
    if (!any) return;
    synchronized (pages) {
      pages.stream().forEach(cache::dropPage);
      pages.clear();
      any = false;
    }
  }
}
