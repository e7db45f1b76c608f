package lguest.cpu.x86.mmu;

import java.util.Arrays;
import lguest.cpu.x86.state.Native;

/** What memory held before stores, so that they can be taken back, and what it held after, so that somebody else's stores can be compared. */
public final class StoreLog {
  private long[] address = new long[64];
  private byte[] before = new byte[64];
  private byte[] after = new byte[64];
  private int count;

  void add(long at, int bytes) {
    for (int i = 0; i < bytes; i++) {
      if (count == address.length) {
        address = Arrays.copyOf(address, count * 2);
        before = Arrays.copyOf(before, count * 2);
        after = Arrays.copyOf(after, count * 2);
      }
      address[count] = at + i;
      before[count++] = (byte) Native.get8(at + i);
    }
  }

  public void clear() { count = 0; }

  /** Puts back what was there, newest store first, and remembers what is there now. */
  public void undo() {
    for (int i = 0; i < count; i++) after[i] = (byte) Native.get8(address[i]);
    for (int i = count - 1; i >= 0; i--) Native.set8(address[i], before[i]);
  }

  /** Host address of the first byte that is not what it was before {@link #undo}, or 0. */
  public long difference() {
    for (int i = 0; i < count; i++) if ((byte) Native.get8(address[i]) != after[i]) return address[i];
    return 0;
  }

  /** The byte {@link #difference} misses. */
  public int expected(long at) {
    for (int i = 0; i < count; i++) if (address[i] == at) return after[i] & 0xFF;
    throw new IllegalArgumentException();
  }
}
