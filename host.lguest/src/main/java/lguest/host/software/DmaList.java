package lguest.host.software;

import static lguest.host.software.GuestKilled.hex;

/**
 * A {@code struct lguest_dma} (ABI §3.1) copied out of guest memory, so that what was checked is what is used, whatever the
 * guest does meanwhile.
 */
final class DmaList {
  static final int BYTES = 100, SECTIONS = 16;
  private static final int ADDRESSES = 4, LENGTHS = 68, PAGE = 4096;

  final int sections;
  private final long[] addresses = new long[SECTIONS];
  private final int[] lengths = new int[SECTIONS];

  /** Copies the list at {@code at}, which must exist. The first length of 0 ends it. */
  DmaList(Ram ram, long at) {
    int used = 0;
    while (used < SECTIONS && (lengths[used] = ram.get16(at + LENGTHS + used * 2)) != 0) {
      addresses[used] = ram.getUnsigned32(at + ADDRESSES + used * 4);
      used++;
    }
    sections = used;
  }

  long address(int section) { return addresses[section]; }

  int length(int section) { return lengths[section]; }

  /** Why the owner of this list must die, or null: between guests each section lies in memory and within one page. */
  String fault(Ram ram) {
    for (int i = 0; i < sections; i++) {
      if (!ram.contains(addresses[i], lengths[i]) || addresses[i] % PAGE + lengths[i] > PAGE)
        return "bad DMA entry: " + lengths[i] + "@" + hex(addresses[i]);
    }
    return null;
  }

  /** Copies section by section, each list with its own boundaries, until one of them ends. */
  static int copy(DmaList from, Ram source, DmaList to, Ram destination) {
    int bytes = 0;
    for (int f = 0, t = 0, taken = 0, filled = 0; f < from.sections && t < to.sections; ) {
      int length = Math.min(from.lengths[f] - taken, to.lengths[t] - filled);
      Ram.copy(source, from.addresses[f] + taken, destination, to.addresses[t] + filled, length);
      bytes += length;
      taken += length;
      filled += length;
      if (taken == from.lengths[f]) {
        f++;
        taken = 0;
      }
      if (filled == to.lengths[t]) {
        t++;
        filled = 0;
      }
    }
    return bytes;
  }
}
