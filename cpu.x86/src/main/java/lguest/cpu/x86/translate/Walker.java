package lguest.cpu.x86.translate;

import static lguest.cpu.x86.state.CpuState.*;
import static lguest.cpu.x86.translate.Assembler.*;
import static lguest.cpu.x86.translate.Stubs.STATE;

/**
 * The MMU's walk through page tables once more, as emitted code, since a trip to Java costs ten times as much as the walk. It does what {@link lguest.cpu.x86.mmu.Mmu} does, or nothing at
 * all: whatever is not an everyday walk that ends well is left to the MMU, which walks again. That goes for every fault, bad entries and large pages among them; for directory entries
 * that were never used; for page tables that are code; for stores to pages with code; and for everything while accesses are looked at or there is no paging.
 *
 * <p>So what it enters in the soft TLB is what the MMU would have entered: a frame inside guest memory, with a write tag only if the tables let everybody who uses this TLB write, the page
 * is dirty already, and has no code.
 */
final class Walker {
  private static final int PRESENT = 1, WRITABLE = 2, USER = 4, ACCESSED = 0x20, DIRTY = 0x40, LARGE = 0x80;
  private static final int BELOW = 2, AT_LEAST = 3, EQUAL = 4, OTHER = 5, ABOVE = 7, NOT_NEGATIVE = 13;

  private Walker() {}

  /**
   * A function: R8 is a linear address, zero-extended, R9 1 for a store and else 0. Carry clear: the soft TLB in use has an entry for it, whose host address is RAX. Carry set: ask the MMU.
   * R8, R9 and R11 stay; RAX, RCX, RDX and R10 are destroyed.
   */
  static void emit(Assembler a) {
    int[] fail = new int[16];
    int fails = 0;
    a.plus(false, 0x50, R11);
    a.rm(0x3B, R8, STATE, LINEAR_LAST);
    fail[fails++] = a.jcc(ABOVE);
    a.group1Memory(false, 7, STATE, CR0, 0); // paging is its topmost bit
    fail[fails++] = a.jcc(NOT_NEGATIVE);
    // The directory entry.
    a.rm(0x8B, RAX, STATE, CR3);
    a.group1(false, 4, RAX, 0xFFFFF000);
    a.rr(0x8B, RCX, R8);
    a.rr(0xC1, 5, RCX); a.byte_(22);
    a.rm(0, true, 0x8D, RAX, RAX, RCX, 2, 0);
    a.rmq(0x3B, RAX, STATE, RAM_SIZE);
    fail[fails++] = a.jcc(AT_LEAST);
    a.rmq(0x03, RAX, STATE, RAM);
    a.rm(0x8B, RCX, RAX, 0);
    a.rr(0x8B, RAX, RCX);
    a.group1(false, 4, RAX, PRESENT | ACCESSED | LARGE);
    a.group1(false, 7, RAX, PRESENT | ACCESSED);
    fail[fails++] = a.jcc(OTHER);
    a.rm(0x85, RCX, STATE, DIRECTORY_FORBIDDEN);
    fail[fails++] = a.jcc(OTHER);
    // The table entry: its guest-physical address in R10, its host address in RDX.
    a.rr(0x8B, R10, RCX);
    a.group1(false, 4, R10, 0xFFFFF000);
    a.rr(0x8B, RAX, R8);
    a.rr(0xC1, 5, RAX); a.byte_(12);
    a.group1(false, 4, RAX, 0x3FF);
    a.rm(0, true, 0x8D, R10, R10, RAX, 2, 0);
    a.rmq(0x3B, R10, STATE, RAM_SIZE);
    fail[fails++] = a.jcc(AT_LEAST);
    a.rrq(0x8B, RDX, R10);
    a.rmq(0x03, RDX, STATE, RAM);
    a.rm(0x8B, RAX, RDX, 0);
    a.rr(0xF6, 0, RAX); a.byte_(PRESENT);
    fail[fails++] = a.jcc(EQUAL);
    a.rm(0x85, RAX, STATE, TABLE_FORBIDDEN);
    fail[fails++] = a.jcc(OTHER);
    // Rights, in RCX.
    a.rr(0x21, RAX, RCX);
    a.group1Memory(false, 7, STATE, CPL, 3);
    int supervisor = a.jccShort(OTHER);
    a.rr(0xF6, 0, RCX); a.byte_(USER);
    fail[fails++] = a.jcc(EQUAL);
    a.hereShort(supervisor);
    a.rr(0x85, R9, R9);
    int load = a.jccShort(EQUAL);
    a.rr(0xF6, 0, RCX); a.byte_(WRITABLE);
    fail[fails++] = a.jcc(EQUAL);
    a.hereShort(load);
    // The frame, in R11.
    a.rr(0x8B, R11, RAX);
    a.group1(false, 4, R11, 0xFFFFF000);
    a.rmq(0x3B, R11, STATE, RAM_SIZE);
    fail[fails++] = a.jcc(AT_LEAST);
    // Accessed and dirty; not in a table that is code.
    a.group1(false, 1, RAX, ACCESSED);
    a.rr(0x85, R9, R9);
    int clean = a.jccShort(EQUAL);
    a.group1(false, 1, RAX, DIRTY);
    a.hereShort(clean);
    a.rm(0x3B, RAX, RDX, 0);
    int marked = a.jccShort(EQUAL);
    a.rr(0xC1, 5, R10); a.byte_(12);
    a.rmq(0x03, R10, STATE, CODE_MARKS);
    a.group1MemoryByte(7, R10, 0, 0);
    fail[fails++] = a.jcc(OTHER);
    a.rm(0x89, RAX, RDX, 0);
    a.hereShort(marked);
    // The page, in RDX, and whether it may be written from now on, in R10.
    a.rr(0x8B, RDX, R8);
    a.group1(false, 4, RDX, 0xFFFFF000);
    a.rr(0x8B, R10, R11);
    a.rr(0xC1, 5, R10); a.byte_(12);
    a.rmq(0x03, R10, STATE, CODE_MARKS);
    a.rm(0x0FB6, R10, R10, 0);
    a.rr(0x85, R10, R10);
    int plain = a.jccShort(EQUAL);
    a.rr(0x85, R9, R9);
    fail[fails++] = a.jcc(OTHER);
    int code = a.jmpShort();
    a.hereShort(plain);
    a.rr(0xF6, 0, RAX); a.byte_(DIRTY);
    int notDirty = a.jccShort(EQUAL);
    a.rr(0xF6, 0, RCX); a.byte_(WRITABLE);
    int notWritable = a.jccShort(EQUAL);
    a.rr(0x8B, R10, RDX);
    int writable = a.jmpShort();
    a.hereShort(code);
    a.hereShort(notDirty);
    a.hereShort(notWritable);
    a.movImmediate(R10, (int) TLB_INVALID);
    a.hereShort(writable);
    // The entry.
    a.rr(0x8B, RAX, R8);
    entry(a);
    a.rm(0, true, 0x83, 7, RAX, NONE, 0, TLB_READ); a.byte_((int) TLB_INVALID);
    int used = a.jccShort(OTHER);
    a.rm(0x8B, RCX, STATE, FILLED_COUNT);
    a.group1(false, 7, RCX, MOST_FILLED);
    int many = a.jccShort(ABOVE);
    a.rm(0xFF, 0, STATE, FILLED_COUNT);
    a.rm(0, true, 0x8D, RCX, STATE, RCX, 2, FILLED);
    a.rm(0x89, RAX, RCX, 0);
    a.rm(0x29, STATE, RCX, 0); // offset from the state block, its low half
    a.hereShort(used);
    a.hereShort(many);
    a.rmq(0x89, RDX, RAX, TLB_READ);
    a.rmq(0x89, R10, RAX, TLB_WRITE);
    a.rmq(0x03, R11, STATE, RAM);
    a.rrq(0x29, RDX, R11);
    a.rmq(0x89, R11, RAX, TLB_ADDEND);
    a.rmq(0xFF, 0, STATE, WALKS);
    a.plus(false, 0x58, R11);
    a.byte_(0xF8); // clc
    a.byte_(0xC3);
    for (int i = 0; i < fails; i++) a.here(fail[i]);
    a.plus(false, 0x58, R11);
    a.byte_(0xF9); // stc
    a.byte_(0xC3);
  }

  /** From the linear address in RAX to its entry in the soft TLB in use. */
  static void entry(Assembler a) {
    a.rr(0xC1, 5, RAX); a.byte_(12 - TLB_ENTRY_SHIFT);
    a.group1(false, 4, RAX, TLB_ENTRIES - 1 << TLB_ENTRY_SHIFT);
    a.rmq(0x03, RAX, STATE, TLB);
  }
}
