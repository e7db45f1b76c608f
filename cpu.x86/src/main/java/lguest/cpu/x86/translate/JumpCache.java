package lguest.cpu.x86.translate;

import lguest.cpu.x86.state.Native;

/**
 * From EIP to code, asked by emitted code at returns and indirect jumps. Direct mapped by the low 16 bits of EIP, which are cheap to get without touching flags. Three arrays:
 * keys, each minus (generation shifted by 32, plus EIP); then targets. A new generation empties it at no cost, which is done whenever a linear address may mean other code than before.
 *
 * <p>Behind them a bit per page, by the low bits of its number, tells which the cache may have code of: a change of another page's translation empties nothing.
 */
final class JumpCache {
  static final int ENTRIES = 1 << 16, FILTER = 1 << 12;
  /** Distance from a key to its targets: for jumps that left the flags in state.SAVED_FLAGS, and for those that have them in host flags. */
  static final int TARGETS = ENTRIES * 8, DIRECT_TARGETS = TARGETS * 2;
  private static final int PAGES = TARGETS * 3;
  static final int SIZE = PAGES + FILTER / 8;

  private final long base;

  JumpCache(long base) { this.base = base; }

  void put(int eip, long generation, long target, long direct) {
    long entry = base + (eip & ENTRIES - 1) * 8L;
    Native.set64(entry + TARGETS, target);
    Native.set64(entry + DIRECT_TARGETS, direct);
    Native.set64(entry, -((eip & 0xFFFFFFFFL) + generation));
    long word = word(eip >>> 12);
    Native.set64(word, Native.get64(word) | 1L << (eip >>> 12));
  }

  long address() { return base; }

  /** Address of the bits of pages. */
  long pages() { return base + PAGES; }

  private long word(int page) { return pages() + (page & FILTER - 1 & -64) / 8; }

  /** Whether there may be code of one of these pages, {@code count} from {@code first}. */
  boolean has(int first, long count) {
    if (count >= FILTER) return true;
    for (int page = first, last = first + (int) count; page != last; page++) if ((Native.get64(word(page)) & 1L << page) != 0) return true;
    return false;
  }

  /** A new generation has begun. */
  void forgetPages() { Native.fill(pages(), FILTER / 8, 0); }

  void clear() {
    for (long entry = base; entry < base + TARGETS; entry += 8) Native.set64(entry, 0);
  }
}
