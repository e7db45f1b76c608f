package lguest.launcher.slot;

import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.lang.invoke.VarHandle;
import java.nio.ByteOrder;
import java.util.ArrayList;
import java.util.List;
import lguest.memory.GuestMemory;

/**
 * A guest's {@code struct lguest_dma} (ABI §3.1): used_len, then sixteen addresses of 4 bytes, then their sixteen lengths of 2 bytes, of which the first zero ends the list. Read
 * once, so a guest that changes it meanwhile changes nothing, and checked (L32): whoever has one may rely on its addresses.
 *
 * @param address of the structure itself, where used_len is
 * @param length bytes in all sections
 */
record Dma(long address, List<Section> sections, long length) {
  static final int SIZE = 100, MAX_SECTIONS = 16;
  private static final int ADDRESSES = 4, LENGTHS = 68;
  private static final ValueLayout.OfInt INT = ValueLayout.JAVA_INT_UNALIGNED.withOrder(ByteOrder.LITTLE_ENDIAN);
  private static final ValueLayout.OfShort SHORT = ValueLayout.JAVA_SHORT_UNALIGNED.withOrder(ByteOrder.LITTLE_ENDIAN);

  record Section(long address, int length) {}

  /** Reads the structure at {@code address}. A part of it or of what it names outside of memory is an {@link lguest.memory.InvalidAddressException}. */
  static Dma read(GuestMemory memory, long address) {
    MemorySegment bytes = memory.view(address, SIZE);
    List<Section> sections = new ArrayList<>(MAX_SECTIONS);
    long all = 0;
    for (int i = 0; i < MAX_SECTIONS; i++) {
      int length = Short.toUnsignedInt(bytes.get(SHORT, LENGTHS + 2L * i));
      if (length == 0) break;
      long start = Integer.toUnsignedLong(bytes.get(INT, ADDRESSES + 4L * i));
      memory.view(start, length);
      sections.add(new Section(start, length));
      all += length;
    }
    return new Dma(address, List.copyOf(sections), all);
  }

  /** Tells the guest how much was transferred; after everything that was written before. */
  void setUsed(GuestMemory memory, long length) {
    VarHandle.releaseFence();
    memory.view(address, 4).set(INT, 0, (int) length);
  }
}
