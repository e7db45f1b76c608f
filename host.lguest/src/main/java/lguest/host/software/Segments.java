package lguest.host.software;

import lguest.cpu.x86.Cpu;
import lguest.cpu.x86.DescriptorSource;
import lguest.cpu.x86.Registers;

/**
 * The guest's descriptor table, kept by the Host because a guest that wrote its own could make itself privileged (ABI §6). What
 * a guest hands over is copied and put right: nobody below ring 1, everything already accessed.
 */
final class Segments implements DescriptorSource {
  static final int ENTRIES = 32, KERNEL_CODE = 12, KERNEL_DATA = 13, TSS = 16, TLS = 6, TLS_ENTRIES = 3;

  /** The guest kernel's selectors: ring 1 (ABI §4.7). */
  static final int KERNEL_CS = KERNEL_CODE << 3 | 1, KERNEL_DS = KERNEL_DATA << 3 | 1;

  private static final int HOST_CODE = 10, HOST_DATA = 11, DOUBLE_FAULT_TSS = 31;
  private static final long FLAT_CODE = 0x00CF_BB00_0000_FFFFL, FLAT_DATA = 0x00CF_B300_0000_FFFFL;
  private static final long DPL_1 = 1L << 45, DPL = 3L << 45, ACCESSED = 1L << 40;

  private final long[] gdt = new long[ENTRIES];

  Segments() {
    gdt[KERNEL_CODE] = FLAT_CODE;
    gdt[KERNEL_DATA] = FLAT_DATA;
    // The Host's own three; nothing a guest may load, but VERR, LAR and LSL can look at them.
    gdt[HOST_CODE] = FLAT_CODE & ~DPL;
    gdt[HOST_DATA] = FLAT_DATA & ~DPL;
    gdt[TSS] = 0x0000_8B00_0000_0067L;
  }

  /** The state in which a guest starts (ABI §4.7). */
  static void enterKernel(Cpu cpu) {
    cpu.setSegment(Registers.CS, KERNEL_CS, FLAT_CODE);
    cpu.setSegment(Registers.SS, KERNEL_DS, FLAT_DATA);
    cpu.setSegment(Registers.DS, KERNEL_DS, FLAT_DATA);
    cpu.setSegment(Registers.ES, KERNEL_DS, FLAT_DATA);
    cpu.setSegment(Registers.FS, 0, 0);
    cpu.setSegment(Registers.GS, 0, 0);
  }

  @Override public long descriptor(int index) { return index < ENTRIES ? gdt[index] : BEYOND_LIMIT; }

  /** LOAD_GDT: the first {@code entries} are read, all are put right. Whether anything is different now. */
  boolean loadTable(Ram ram, long address, int entries) {
    if (Integer.compareUnsigned(entries, ENTRIES) > 0) throw new GuestKilled("too many gdt entries " + entries);
    boolean changed = load(ram, address, 0, entries);
    for (int index = entries; index < ENTRIES; index++) if (!hosts(index)) changed |= set(index, gdt[index]);
    return changed;
  }

  /** LOAD_TLS. Whether anything is different now. */
  boolean loadThreadLocal(Ram ram, long address) {
    return load(ram, address, TLS, TLS_ENTRIES);
  }

  /** This happens at every context switch, and nearly always nothing is different. */
  private boolean load(Ram ram, long address, int first, int count) {
    ram.checkBlock(address, count * 8);
    boolean changed = false;
    for (int i = 0; i < count; i++) {
      if (hosts(first + i)) continue;
      long at = address + i * 8L;
      changed |= set(first + i, ram.getUnsigned32(at) | ram.getUnsigned32(at + 4) << 32);
    }
    return changed;
  }

  private boolean set(int index, long descriptor) {
    long before = gdt[index];
    gdt[index] = putRight(descriptor);
    return gdt[index] != before;
  }

  private static long putRight(long descriptor) {
    return ((descriptor & DPL) == 0 ? descriptor | DPL_1 : descriptor) | ACCESSED;
  }

  private static boolean hosts(int index) { return index == TSS || index == HOST_CODE || index == HOST_DATA || index == DOUBLE_FAULT_TSS; }
}
