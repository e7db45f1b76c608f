package lguest.cpu.x86.translate;

import static lguest.cpu.x86.state.CpuState.*;
import static lguest.cpu.x86.translate.Assembler.*;
import static lguest.cpu.x86.translate.Stubs.STATE;

import lguest.cpu.x86.state.CpuState;
import lguest.cpu.x86.state.Native;

/**
 * Blocks by what they really depend on: physical address, EIP and mode. The {@link JumpCache} forgets everything whenever a linear address may mean something else, which a guest that
 * switches between address spaces causes all the time. Then emitted code translates EIP, as a fetch would, and asks here before it asks Java. Direct mapped; an entry leaves with its block.
 */
final class BlockTable {
  private static final int ENTRIES = 1 << 16, SHIFT = 5, MODE_SHIFT = 4;
  static final int SIZE = ENTRIES << SHIFT;
  /** In an entry: the key, three times 32 bits, all 0 where nothing is; then code addresses, as in the jump cache. */
  private static final int AT_EIP = 0, AT_PHYSICAL = 4, AT_MODE = 8, TARGET = 16, DIRECT_TARGET = 24;

  private final long base;

  BlockTable(long base) { this.base = base; }

  long address() { return base; }

  private long entry(CodePages.Block b) {
    return base + ((long) ((b.eip ^ b.physical >>> 12 ^ b.mode << MODE_SHIFT) & ENTRIES - 1) << SHIFT);
  }

  void put(CodePages.Block b, long target, long direct) {
    long entry = entry(b);
    Native.set32(entry + AT_EIP, b.eip);
    Native.set32(entry + AT_PHYSICAL, b.physical);
    Native.set32(entry + AT_MODE, b.mode);
    Native.set64(entry + TARGET, target);
    Native.set64(entry + DIRECT_TARGET, direct);
  }

  void remove(CodePages.Block b) {
    long entry = entry(b);
    if (Native.get32(entry + AT_EIP) == b.eip && Native.get32(entry + AT_PHYSICAL) == b.physical && Native.get32(entry + AT_MODE) == b.mode) Native.set32(entry + AT_MODE, 0);
  }

  void clear() { Native.fill(base, SIZE, 0); }

  /**
   * Emits: to the block at the EIP in R8, zero-extended; the code address for jumps with flags in host flags in R10, and the jump cache knows it again. Goes to {@code unknown} when there is
   * none or EIP cannot be translated. RAX, RCX, RDX and R9 to R11 are destroyed, flags too.
   */
  static void emitFind(Assembler a, int walk, int unknown) {
    a.rr(0x8B, RAX, R8);
    Walker.entry(a);
    a.rr(0x8B, RCX, R8);
    a.group1(false, 4, RCX, 0xFFFFF000);
    a.rmq(0x3B, RCX, RAX, TLB_READ);
    int known = a.jccShort(4);
    a.rr(0x31, R9, R9);
    a.patchJump(a.call(), walk);
    a.patchJump(a.jcc(2), unknown);
    a.hereShort(known);
    a.rmq(0x8B, R10, RAX, TLB_ADDEND);
    a.rrq(0x03, R10, R8);
    a.rmq(0x2B, R10, STATE, RAM);
    a.rr(0x8B, RAX, R10);
    a.rr(0xC1, 5, RAX); a.byte_(12);
    a.rr(0x31, R8, RAX);
    a.rm(0x8B, RDX, STATE, CpuState.MODE);
    a.rr(0x8B, RCX, RDX);
    a.rr(0xC1, 4, RCX); a.byte_(MODE_SHIFT);
    a.rr(0x31, RCX, RAX);
    a.group1(false, 4, RAX, ENTRIES - 1);
    a.rr(0xC1, 4, RAX); a.byte_(SHIFT);
    a.rmq(0x03, RAX, STATE, BLOCKS);
    a.rm(0x39, R8, RAX, AT_EIP);
    a.patchJump(a.jcc(5), unknown);
    a.rm(0x39, R10, RAX, AT_PHYSICAL);
    a.patchJump(a.jcc(5), unknown);
    a.rm(0x39, RDX, RAX, AT_MODE);
    a.patchJump(a.jcc(5), unknown);
    a.rmq(0x8B, R9, RAX, TARGET);
    a.rmq(0x8B, R10, RAX, DIRECT_TARGET);
    a.rmq(0x8B, RDX, STATE, JUMP_CACHE);
    a.rr(0x0FB7, RCX, R8);
    a.rm(0, true, 0x8D, RDX, RDX, RCX, 3, 0);
    a.rmq(0x89, R9, RDX, JumpCache.TARGETS);
    a.rmq(0x89, R10, RDX, JumpCache.DIRECT_TARGETS);
    a.rmq(0x8B, RAX, STATE, GENERATION);
    a.rrq(0x03, RAX, R8);
    a.rrq(0xF7, 3, RAX);
    a.rmq(0x89, RAX, RDX, 0);
    // The filter of pages, see JumpCache.
    a.rr(0x8B, RCX, R8);
    a.rr(0xC1, 5, RCX); a.byte_(12);
    a.group1(false, 4, RCX, JumpCache.FILTER - 1);
    a.rmq(0x8B, RDX, STATE, JUMP_PAGES);
    a.rm(0x0FAB, RCX, RDX, 0); // bts
  }
}
