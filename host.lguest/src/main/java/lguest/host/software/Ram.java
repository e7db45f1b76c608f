package lguest.host.software;

import static lguest.host.software.GuestKilled.hex;

import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.nio.ByteOrder;
import lguest.cpu.x86.Cpu;

/**
 * A guest's physical memory as its Host touches it: every address is a number the guest chose, so every access is tested (ABI
 * §1.6, with the last page allowed to its end) and a bad one ends the guest. Addresses are unsigned 32-bit numbers in a {@code
 * long}.
 *
 * <p>Stores tell the processor, which may hold instructions decoded from there. Reads of one guest's memory by another guest's
 * thread happen in {@link Dma} only, under the lock of the page they share.
 */
final class Ram {
  private static final ValueLayout.OfInt U32 = ValueLayout.JAVA_INT_UNALIGNED.withOrder(ByteOrder.LITTLE_ENDIAN);
  private static final ValueLayout.OfShort U16 = ValueLayout.JAVA_SHORT_UNALIGNED.withOrder(ByteOrder.LITTLE_ENDIAN);

  private final MemorySegment memory;
  private final long size;
  private final Cpu cpu;

  Ram(MemorySegment memory, Cpu cpu) {
    this.memory = memory;
    this.size = memory.byteSize();
    this.cpu = cpu;
  }

  /** AOK of the original: whether so many bytes exist there. */
  boolean contains(long address, long length) { return address >= 0 && address <= size && length <= size - address; }

  int read32(long address) {
    if (!contains(address, 4)) throw new GuestKilled("bad read address " + hex(address));
    return memory.get(U32, address);
  }

  /** Ends the guest unless a block of so many bytes can be read there. */
  void checkBlock(long address, int length) {
    if (!contains(address, length)) throw new GuestKilled("bad read address " + hex(address) + " len " + length);
  }

  byte[] readBlock(long address, int length) {
    checkBlock(address, length);
    return memory.asSlice(address, length).toArray(ValueLayout.JAVA_BYTE);
  }

  // The following are for places that have been checked as a whole; they still cannot leave the segment.

  int get8(long address) { return memory.get(ValueLayout.JAVA_BYTE, address) & 0xFF; }

  int get16(long address) { return memory.get(U16, address) & 0xFFFF; }

  int get32(long address) { return memory.get(U32, address); }

  long getUnsigned32(long address) { return Integer.toUnsignedLong(memory.get(U32, address)); }

  void set8(long address, int value) {
    memory.set(ValueLayout.JAVA_BYTE, address, (byte) value);
    cpu.memoryWritten(address, 1);
  }

  void set16(long address, int value) {
    memory.set(U16, address, (short) value);
    cpu.memoryWritten(address, 2);
  }

  void set32(long address, int value) {
    memory.set(U32, address, value);
    cpu.memoryWritten(address, 4);
  }

  /** Copies between two guests, or within one. */
  static void copy(Ram from, long source, Ram to, long destination, long length) {
    MemorySegment.copy(from.memory, source, to.memory, destination, length);
    to.cpu.memoryWritten(destination, length);
  }
}
