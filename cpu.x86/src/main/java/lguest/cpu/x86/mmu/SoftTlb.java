package lguest.cpu.x86.mmu;

import static lguest.cpu.x86.state.CpuState.*;

import lguest.cpu.x86.state.Native;

/**
 * The soft TLB's entries in the state block, and the copies that loops of emitted code have of some. Whatever makes an entry wrong, or takes a right away, comes by here, and empties the copies,
 * too. Looking up is done where it is needed, in a few instructions.
 */
final class SoftTlb {
  private final long state;
  /** Where in the state those in use end: the supervisor's and the user's, and from the first noting of stores on another pair for that. */
  private int end = TLB_NOTED;

  SoftTlb(long state) {
    this.state = state;
    invalidate(TLB_SUPERVISOR, end);
    Native.set32(state + LOOPS_FILLED, 1);
    forgetLoops();
  }

  /** From now on the pair for noted stores is used, too. */
  void withNoted() {
    if (end != TLB_NOTED) return;
    end = TLB_NOTED + 2 * TLB_SIZE;
    invalidate(TLB_NOTED, end);
  }

  /** Enters {@code linear}'s page at {@code entry}. {@code addend}: host address minus linear address. */
  void fill(long entry, int linear, long addend, boolean writable) {
    note(entry);
    long tag = linear & 0xFFFFF000L;
    Native.set64(entry + TLB_READ, tag);
    Native.set64(entry + TLB_WRITE, writable ? tag : TLB_INVALID);
    Native.set64(entry + TLB_ADDEND, addend);
  }

  /** Remembers that the entry has something to be flushed. */
  private void note(long entry) {
    int filled = Native.get32(state + FILLED_COUNT);
    if (Native.get64(entry + TLB_READ) != TLB_INVALID || filled > MOST_FILLED) return;
    Native.set32(state + FILLED + filled * 4L, (int) (entry - state));
    Native.set32(state + FILLED_COUNT, filled + 1);
  }

  void flush() {
    forgetLoops();
    int filled = Native.get32(state + FILLED_COUNT);
    if (filled <= MOST_FILLED) {
      for (int i = 0; i < filled; i++) invalidate(state + Native.get32(state + FILLED + i * 4L));
    } else {
      invalidate(TLB_SUPERVISOR, end);
    }
    Native.set32(state + FILLED_COUNT, 0);
  }

  void flushPage(int linear) {
    forgetLoops();
    long offset = (linear >>> 12 & TLB_ENTRIES - 1) << TLB_ENTRY_SHIFT;
    for (int tlb = TLB_SUPERVISOR; tlb < end; tlb += TLB_SIZE) invalidate(state + tlb + offset);
  }

  /** Nobody writes to the page at this host address any more without being seen. Where stores are noted nobody does anyway. */
  void closeForWriting(long host) {
    forgetLoops();
    int filled = Native.get32(state + FILLED_COUNT);
    if (filled <= MOST_FILLED) {
      for (int i = 0; i < filled; i++) closeForWriting(state + Native.get32(state + FILLED + i * 4L), host);
    } else {
      for (long e = state + TLB_SUPERVISOR; e < state + TLB_NOTED; e += 1 << TLB_ENTRY_SHIFT) closeForWriting(e, host);
    }
  }

  private static void closeForWriting(long entry, long host) {
    long tag = Native.get64(entry + TLB_WRITE);
    if (tag != TLB_INVALID && tag + Native.get64(entry + TLB_ADDEND) == host) Native.set64(entry + TLB_WRITE, TLB_INVALID);
  }

  private void forgetLoops() {
    if (Native.get32(state + LOOPS_FILLED) == 0) return;
    Native.set32(state + LOOPS_FILLED, 0);
    for (long e = state + LOOPS, last = e + LOOP_ENTRIES * LOOP_SIZE; e < last; e += LOOP_SIZE) Native.set64(e + LOOP_PAGE, LOOP_NO_PAGE);
  }

  private void invalidate(int from, int to) {
    for (long e = state + from; e < state + to; e += 1 << TLB_ENTRY_SHIFT) invalidate(e);
  }

  static void invalidate(long entry) {
    Native.set64(entry + TLB_READ, TLB_INVALID);
    Native.set64(entry + TLB_WRITE, TLB_INVALID);
  }
}
