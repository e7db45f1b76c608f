package lguest.cpu.x86.translate;

import lguest.cpu.x86.state.Mode;
import lguest.cpu.x86.state.Native;

/**
 * From EIP to code, asked by emitted code at returns and indirect jumps. Direct mapped by the low 16 bits of EIP, which are cheap to get without touching flags. Three arrays:
 * keys, each minus (generation shifted by 32, plus EIP); then targets. A new generation empties it at no cost, which is done whenever a linear address may mean other code than before.
 *
 * <p>Behind them a bit per page, by the low bits of its number, tells which the cache may have code of: a change of another page's translation empties nothing.
 * And then a generation per mode, 32 bits each, 0 where nothing is known yet: code of another mode is never found.
 *
 * <p>Returns have no stack of guessed addresses of their own. The host's processor predicts the jump at each return from how control came there, and what stands before the jump is hidden
 * behind that guess: programs of nothing but calls and returns take 1.7 to 2.3 times as long as without emulation, and a look-up four instructions shorter made no difference to them. Nor did calls and returns of the host for those of the guest, each return
 * checked behind its call: recursion as fast as before (0.14 s for 0.14), calls of leaves a fifth slower, and exec, whose faults empty such a stack again and again, a tenth.
 */
final class JumpCache {
  static final int ENTRIES = 1 << 16, FILTER = 1 << 12;
  /** Distance from a key to its targets: for jumps that left the flags in state.SAVED_FLAGS, and for those that have them in host flags. */
  static final int TARGETS = ENTRIES * 8, DIRECT_TARGETS = TARGETS * 2;
  private static final int PAGES = TARGETS * 3;
  /** Distance from the first key to the generations. */
  static final int GENERATIONS = PAGES + FILTER / 8;
  static final int SIZE = GENERATIONS + Mode.COUNT * 4;
  private static final int LAST = Integer.MAX_VALUE - Mode.COUNT;

  private final long base;
  /** Modes that have a generation. */
  private final int[] modes = new int[Mode.COUNT];
  private int modeCount;
  /** The newest generation. Numbers are not used twice until they run out. */
  private int last;

  JumpCache(long base) { this.base = base; }

  void put(int eip, long generation, long target, long direct) {
    long entry = base + (eip & ENTRIES - 1) * 8L;
    Native.set64(entry + TARGETS, target);
    Native.set64(entry + DIRECT_TARGETS, direct);
    Native.set64(entry, -((eip & 0xFFFFFFFFL) + generation));
    note(eip >>> 12);
  }

  /** There is code that depends on this page. */
  void note(int page) {
    long word = word(page);
    Native.set64(word, Native.get64(word) | 1L << page);
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

  /** That of a mode, from now on one it has. */
  int generation(int mode) {
    int generation = Native.get32(base + GENERATIONS + mode * 4L);
    if (generation != 0) return generation;
    modes[modeCount++] = mode;
    return begin(mode);
  }

  private int begin(int mode) {
    int generation = ++last;
    Native.set32(base + GENERATIONS + mode * 4L, generation);
    return generation;
  }

  /** Nothing is known any more, in any mode. */
  void forget() {
    Native.fill(pages(), FILTER / 8, 0);
    if (last > LAST) clear();
    for (int i = 0; i < modeCount; i++) begin(modes[i]);
  }

  private void clear() {
    last = 0;
    for (long entry = base; entry < base + TARGETS; entry += 8) Native.set64(entry, 0);
  }
}
