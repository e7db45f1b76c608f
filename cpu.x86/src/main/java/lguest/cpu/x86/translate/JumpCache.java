package lguest.cpu.x86.translate;

import lguest.cpu.x86.state.Native;

/**
 * From EIP to code, asked by emitted code at returns and indirect jumps. Direct mapped by the low 16 bits of EIP, which are cheap to get without touching flags. Three arrays:
 * keys, each minus (generation shifted by 32, plus EIP); then targets. A new generation empties it at no cost, which is done whenever a linear address may mean other code than before.
 */
final class JumpCache {
  static final int ENTRIES = 1 << 16;
  /** Distance from a key to its targets: for jumps that left the flags in state.SAVED_FLAGS, and for those that have them in host flags. */
  static final int TARGETS = ENTRIES * 8, DIRECT_TARGETS = TARGETS * 2;
  static final int SIZE = TARGETS * 3;

  private final long base;

  JumpCache(long base) { this.base = base; }

  void put(int eip, long generation, long target, long direct) {
    long entry = base + (eip & ENTRIES - 1) * 8L;
    Native.set64(entry + TARGETS, target);
    Native.set64(entry + DIRECT_TARGETS, direct);
    Native.set64(entry, -((eip & 0xFFFFFFFFL) + generation));
  }

  long address() { return base; }

  void clear() {
    for (long entry = base; entry < base + TARGETS; entry += 8) Native.set64(entry, 0);
  }
}
