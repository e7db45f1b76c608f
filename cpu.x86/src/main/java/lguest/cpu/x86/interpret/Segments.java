package lguest.cpu.x86.interpret;

import static lguest.cpu.x86.state.CpuState.*;

import lguest.cpu.x86.DescriptorSource;
import lguest.cpu.x86.state.GuestFault;
import lguest.cpu.x86.state.Mode;
import lguest.cpu.x86.state.Native;

/**
 * Segment registers: their hidden halves, what may be loaded into them, and the checks of addresses that are not flat (SDM
 * vol. 3, chapters 3 and 5).
 */
final class Segments {
  /** Bits of a descriptor's high dword. */
  static final int READ_WRITE = 0x200, EXPAND_CONFORM = 0x400, CODE = 0x800, USER = 0x1000, PRESENT = 0x8000, BIG = 0x400000,
      GRANULAR = 0x800000;
  private static final int ACCESSED = 0x100, KEPT = 0x00F0FF00;

  private final Core c;
  private final long table;

  Segments(Core c) {
    this.c = c;
    this.table = c.state + SEGMENTS;
  }

  // ---- descriptors

  /** What a selector names; #GP(selector) beyond the table and for the LDT, which is always empty. */
  long descriptor(int selector) {
    long d = lookup(selector);
    if (d == DescriptorSource.BEYOND_LIMIT) throw c.gp(selector);
    return d;
  }

  /** The same without a fault: BEYOND_LIMIT. */
  long lookup(int selector) {
    if ((selector & 4) != 0) return DescriptorSource.BEYOND_LIMIT;
    return c.config.gdt().descriptor((selector & 0xFFFF) >>> 3);
  }

  static int attributes(long descriptor) {
    return (int) (descriptor >>> 32) & KEPT;
  }

  static int dpl(long descriptor) {
    return (int) (descriptor >>> 45) & 3;
  }

  static boolean has(long descriptor, int bits) {
    return ((int) (descriptor >>> 32) & bits) == bits;
  }

  static int baseOf(long d) {
    return (int) (d >>> 16) & 0xFFFFFF | (int) (d >>> 32) & 0xFF000000;
  }

  static int limitOf(long d) {
    int limit = (int) d & 0xFFFF | (int) (d >>> 32) & 0xF0000;
    return has(d, GRANULAR) ? limit << 12 | 0xFFF : limit;
  }

  // ---- registers

  int selector(int segment) {
    return Native.get32(at(segment) + SELECTOR);
  }

  int base(int segment) {
    return Native.get32(at(segment) + BASE);
  }

  int limit(int segment) {
    return Native.get32(at(segment) + LIMIT);
  }

  int attributes(int segment) {
    return Native.get32(at(segment) + ATTRIBUTES);
  }

  private long at(int segment) {
    return table + segment * (long) SEGMENT_SIZE;
  }

  /** Selector and hidden half; the caller sees to CPL and mode. */
  void set(int segment, int selector, long descriptor) {
    Native.set8(c.state + SEGMENTS_CURRENT, Native.get8(c.state + SEGMENTS_CURRENT) & ~(1 << segment));
    long at = at(segment);
    Native.set32(at + SELECTOR, selector & 0xFFFF);
    Native.set32(at + ATTRIBUTES, descriptor == 0 ? 0 : attributes(descriptor) | ACCESSED);
    Native.set64(at + BASE, baseOf(descriptor) & 0xFFFFFFFFL);
    Native.set32(at + LIMIT, limitOf(descriptor));
  }

  /** MOV to DS, ES, FS, GS or SS: every check, then the load. */
  void load(int segment, int selector) {
    set(segment, selector, segment == SS ? forStack(selector, c.cpl()) : forData(selector));
    Native.set8(c.state + SEGMENTS_CURRENT, Native.get8(c.state + SEGMENTS_CURRENT) | 1 << segment);
    if (segment != SS) c.shortcuts.loaded(segment);
    c.changeMode();
  }

  /** Checks a data segment selector at the current CPL; 0 for null ones. */
  long forData(int selector) {
    if ((selector & 0xFFFC) == 0) return 0;
    long d = descriptor(selector);
    boolean code = has(d, CODE);
    if (!has(d, USER) || code && !has(d, READ_WRITE)) throw c.gp(selector);
    boolean conforming = code && has(d, EXPAND_CONFORM);
    if (!conforming && Math.max(selector & 3, c.cpl()) > dpl(d)) throw c.gp(selector);
    if (!has(d, PRESENT)) throw c.fault.withCode(GuestFault.NP, selector & 0xFFFC);
    return d;
  }

  /** Checks a stack segment selector for use at a level. */
  long forStack(int selector, int level) {
    return forStack(selector, level, GuestFault.GP);
  }

  /** The same with #TS instead of #GP, when the selector came from the inner stack. */
  long forStack(int selector, int level, int vector) {
    if ((selector & 0xFFFC) == 0) throw c.fault.withCode(vector, vector == GuestFault.TS ? selector & 0xFFFC : 0);
    long d = lookup(selector);
    if (d == DescriptorSource.BEYOND_LIMIT || (selector & 3) != level || !has(d, USER | READ_WRITE) || has(d, CODE)
        || dpl(d) != level) {
      throw c.fault.withCode(vector, selector & 0xFFFC);
    }
    if (!has(d, PRESENT)) throw c.fault.withCode(GuestFault.SS, selector & 0xFFFC);
    return d;
  }

  /** A return to an outer level leaves no data segment behind that the outer level could not have loaded (SDM vol. 3, 5.8.6). */
  void dropInner(int level) {
    for (int segment : new int[] {ES, DS, FS, GS}) {
      int attributes = attributes(segment);
      boolean conforming = (attributes & (CODE | EXPAND_CONFORM)) == (CODE | EXPAND_CONFORM);
      if ((attributes & PRESENT) != 0 && !conforming && (attributes >>> 13 & 3) < level) set(segment, 0, 0);
    }
  }

  /** The mode bits that follow from the segments. */
  int flatness() {
    int cs = attributes(CS);
    int ss = attributes(SS);
    return ((cs & BIG) != 0 ? Mode.CODE32 : 0) | (base(CS) == 0 && limit(CS) == -1 ? Mode.CS_FLAT : 0)
        | (flat(DS) ? Mode.DS_FLAT : 0)
        | (flat(ES) ? Mode.ES_FLAT : 0) | ((ss & BIG) != 0 ? Mode.STACK32 : 0) | ((ss & BIG) != 0 && flat(SS) ? Mode.SS_FLAT : 0)
        | (open(FS) ? Mode.FS_OPEN : 0) | (open(GS) ? Mode.GS_OPEN : 0);
  }

  boolean flat(int segment) {
    return base(segment) == 0 && open(segment);
  }

  /** No check can fail. */
  boolean open(int segment) {
    return limit(segment) == -1
        && (attributes(segment) & (PRESENT | USER | CODE | READ_WRITE | EXPAND_CONFORM)) == (PRESENT | USER | READ_WRITE);
  }

  // ---- addresses

  /** Linear address of an access of so many bytes, after all checks of the segment and of alignment where that is on. */
  int check(int segment, int offset, int bytes, boolean write) {
    int attributes = attributes(segment);
    boolean code = (attributes & CODE) != 0;
    boolean ok = (attributes & PRESENT) != 0
        && (write ? !code && (attributes & READ_WRITE) != 0 : !code || (attributes & READ_WRITE) != 0);
    if (!ok || !inside(attributes, limit(segment), offset, bytes))
      throw c.fault.withCode(segment == SS ? GuestFault.SS : GuestFault.GP, 0);
    int linear = base(segment) + offset;
    if ((c.mode & Mode.ALIGNMENT) != 0 && (linear & Math.min(bytes, 8) - 1) != 0 && Integer.bitCount(bytes) == 1) {
      throw c.fault.withCode(GuestFault.AC, 0);
    }
    return linear;
  }

  private static boolean inside(int attributes, int limit, int offset, int bytes) {
    long last = (offset & 0xFFFFFFFFL) + bytes - 1;
    if ((attributes & (CODE | EXPAND_CONFORM)) == EXPAND_CONFORM) {
      return Integer.compareUnsigned(offset, limit) > 0 && last <= ((attributes & BIG) != 0 ? 0xFFFFFFFFL : 0xFFFFL);
    }
    // With a limit of 4 GiB - 1 nothing is outside: an access may wrap around, as it does in a flat segment.
    return limit == -1 || last <= (limit & 0xFFFFFFFFL);
  }
}
