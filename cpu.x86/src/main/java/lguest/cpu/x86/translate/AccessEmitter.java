package lguest.cpu.x86.translate;

import static lguest.cpu.x86.state.CpuState.*;
import static lguest.cpu.x86.translate.Assembler.*;
import static lguest.cpu.x86.translate.Stubs.GROUP;
import static lguest.cpu.x86.translate.Stubs.GUEST_ESP;
import static lguest.cpu.x86.translate.Stubs.STATE;

import lguest.cpu.x86.decode.Instruction;
import lguest.cpu.x86.state.Mode;

/**
 * Accesses to guest memory, through the soft TLB.
 *
 * <p>The invariant that keeps emitted code inside the guest: every store and load of guest memory uses the address that {@link #access} just left in R8, or the operand that
 * {@link #reach} just made, and that is the sum of a linear address and the addend of a TLB entry whose tag equals the page of the access's last byte, and which was found by its first; or of a loop's copy of one, for whose page both were tested.
 */
final class AccessEmitter {
  private static final int NO_GROUP = -1, ESP = 4;

  private final BlockEmitter block;
  private final Assembler hot, cold;
  private final Coalescing coalescing = new Coalescing();
  private final LoopSites loop = new LoopSites();
  /** The next block's accesses do not keep to their pages, should it be a loop. */
  boolean jumpsAbout;

  // The block being emitted.
  private int mode;
  private int start;
  /** The group whose host address is in R13. */
  private int openGroup;
  /** Of the memory operand last reached: registers and constant, of which the host address is the sum. */
  private int operandBase, operandIndex, operandDisplacement;

  AccessEmitter(BlockEmitter block, Assembler hot, Assembler cold) {
    this.block = block;
    this.hot = hot;
    this.cold = cold;
  }

  /** A block begins, or the last one {@code again}. */
  void begin(Instruction[] code, int count, int mode, boolean again) {
    this.mode = mode;
    start = code[0].eip;
    openGroup = NO_GROUP;
    boolean plain = (mode & Mode.PLAIN) != 0;
    if (plain) coalescing.clear();
    else coalescing.plan(code, count);
    loop.begin(code, count, !jumpsAbout && !plain, again);
  }

  /** Leaves the host address of the ModRM operand in R8; faults, if any, happen here. R9 to R11 are destroyed, guest flags are safe. */
  void access(int bytes, boolean write) {
    reach(bytes, write);
    settle();
  }

  /**
   * The same, but the operand is where {@link #operand} finds it, and nowhere else: code is shorter, and the address known one addition earlier. Between the two only R10 and R11 may be
   * used.
   */
  void reach(int bytes, boolean write) {
    Instruction i = block.instruction;
    if (i.base >= 0 && i.index < 0 && i.segment() < FS) {
      reach(BlockEmitter.host(i.base), i.displacement, bytes, write);
      return;
    }
    block.flags.clobber();
    int retry = block.hotAt();
    address();
    checkApart(bytes, write, retry);
  }

  /** {@code op reg, operand}, with the operand last reached. */
  void operand(int prefix, int opcode, int register) {
    hot.rm(prefix, false, opcode, register, operandBase, operandIndex, 0, operandDisplacement);
  }

  private void settle() {
    hot.rm(0, true, 0x8D, R8, operandBase, operandIndex, 0, operandDisplacement);
  }

  /** The same for an operand that must be aligned to its size, a power of two up to 64; where it is not, the interpreter raises #GP before any page fault. */
  void accessAligned(int bytes, boolean write) {
    block.flags.clobber();
    int retry = block.hotAt();
    address();
    hot.rr(0xF6, 0, R8);
    hot.byte_(bytes - 1);
    block.interpretFrom(hot.jcc(5));
    check(bytes, write, retry);
  }

  /** The same for an address in a guest register plus a constant, in a flat segment. */
  void access(int hostRegister, int displacement, int bytes, boolean write) {
    reach(hostRegister, displacement, bytes, write);
    settle();
  }

  void reach(int hostRegister, int displacement, int bytes, boolean write) {
    int group = coalescing.groupOf(block.index, hostRegister == GUEST_ESP ? ESP : hostRegister, displacement, bytes, write);
    if (group == NO_GROUP) {
      block.flags.clobber();
      int retry = block.hotAt();
      hot.rm(0x8D, R8, hostRegister, displacement);
      checkApart(bytes, write, retry);
      return;
    }
    if (group != openGroup) {
      openGroup = group;
      block.flags.clobber();
      int retry = block.hotAt();
      hot.rm(0x8D, R8, hostRegister, coalescing.base(group));
      block.hereCold(lookUp(coalescing.bytes(group), coalescing.writes(group)));
      missedGroup(coalescing.bytes(group), coalescing.writes(group), retry);
      hot.rm(0, true, 0x8D, GROUP, R8, R9, 0, 0);
    }
    operandBase = GROUP;
    operandIndex = NONE;
    operandDisplacement = coalescing.offset(group);
  }

  /** Either nobody has asked for the page yet, or the group cannot be accessed as one; then the rest of the block runs as compiled without groups, reached directly once it is known. */
  private void missedGroup(int bytes, boolean write, int retry) {
    cold.rr(0x8B, R9, R8);
    cold.group1(false, 4, R9, 0xFFFFF000);
    cold.rr(0x3B, R9, R10);
    int crosses = cold.jcc(5);
    block.flags.restore(cold);
    block.coldExit(write ? Exits.GROUP_STORE : Exits.GROUP_LOAD, retry, bytes);
    cold.here(crosses);
    block.leaveForTwin();
  }

  /** The same for one in a guest register; after a miss the code goes on at {@code retry}, an offset in the hot code where nothing but guest registers counts. */
  void access(int hostRegister, int bytes, boolean write, int retry) {
    hot.rr(0x8B, R8, hostRegister);
    check(bytes, write, block.hotAt(retry));
  }

  /** The ModRM operand as a string of bits, of which {@code register} names one: R8 is the host address of the 32 it is among, R10 its number there. */
  void accessBits(int register, boolean write) {
    block.flags.clobber();
    int retry = block.hotAt();
    address();
    hot.rr(0x8B, R9, register);
    hot.rr(0xC1, 7, R9); hot.byte_(5);
    hot.rm(0, false, 0x8D, R8, R8, R9, 2, 0);
    check(4, write, retry);
    hot.rr(0x8B, R10, register);
    hot.group1(false, 4, R10, 31);
  }

  /** Leaves the offset of the ModRM operand, or with a segment that is not flat its linear address, in R8. Changes no flags unless that segment has a base. */
  void address() {
    effectiveAddress(R8);
    int segment = block.instruction.segment();
    if (segment >= FS) hot.rm(0x03, R8, STATE, SEGMENTS + segment * SEGMENT_SIZE + BASE);
  }

  /** LEA of the ModRM operand, without its segment. No flags. */
  void effectiveAddress(int register) {
    Instruction i = block.instruction;
    if (i.base >= 0) {
      int base = BlockEmitter.host(i.base);
      if (i.index < 0 && i.displacement == 0) hot.rr(0x8B, register, base);
      else hot.rm(0, false, 0x8D, register, base, i.index < 0 ? NONE : BlockEmitter.host(i.index), i.scale, i.displacement);
    } else if (i.index >= 0) {
      hot.rmNoBase(0, false, 0x8D, register, BlockEmitter.host(i.index), i.scale, i.displacement);
    } else {
      hot.movImmediate(register, i.displacement);
    }
  }

  /** Leaves the host address in R8. */
  private void check(int bytes, boolean write, int retry) {
    checkApart(bytes, write, retry);
    settle();
  }

  /** Leaves the host address as the sum of R8 and R9. */
  private void checkApart(int bytes, boolean write, int retry) {
    operandBase = R8;
    operandIndex = R9;
    operandDisplacement = 0;
    block.hereCold(lookUp(bytes, write));
    block.flags.restore(cold);
    block.coldExit(write ? Exits.STORE : Exits.LOAD, retry, bytes);
  }

  /** From the linear address in R8 to the host's, which is the sum of R8 and R9; returns the jump, for {@link BlockEmitter#hereCold}, that is taken when the soft TLB does not know it, with R8 as it was and the page of the last byte in R10. */
  private int lookUp(int bytes, boolean write) {
    int site = loop.take();
    if (site != 0) return lookUp(bytes, write, site);
    index(hot);
    lastPage(hot, bytes);
    compareTag(hot, write);
    int miss = hot.jcc(5);
    loadAddend(hot);
    return miss;
  }

  /** The same at a loop's {@link LoopSites site}. Both ends must lie in its page: no index tells where the access begins. */
  private int lookUp(int bytes, boolean write, int site) {
    hot.rrq(0x8B, R10, R8);
    hot.rmq(0x2B, R10, STATE, site + LOOP_PAGE);
    hot.group1(true, 7, R10, 0x1000 - bytes);
    block.hereCold(hot.jcc(7));
    hot.rmq(0x8B, R9, STATE, site + LOOP_ADDEND);
    int enough = loop.emitOtherPage(cold, site);
    index(cold);
    lastPage(cold, bytes);
    compareTag(cold, write);
    int miss = cold.jcc(5);
    loadAddend(cold);
    loop.emitCopy(cold, site);
    block.toHot(cold.jmp());
    cold.here(enough);
    block.flags.restore(cold);
    block.coldExit(Exits.LOOP, start, 0);
    cold.here(miss);
    return BlockEmitter.FOLLOWS;
  }

  /** Of the linear address in R8, R9 is the place in the soft TLB. */
  private static void index(Assembler a) {
    a.rr(0x8B, R9, R8);
    a.rr(0xC1, 5, R9); a.byte_(12 - TLB_ENTRY_SHIFT);
    a.group1(false, 4, R9, TLB_ENTRIES - 1 << TLB_ENTRY_SHIFT);
  }

  private static void lastPage(Assembler a, int bytes) {
    if (bytes > 1) a.rm(0x8D, R10, R8, bytes - 1);
    else a.rr(0x8B, R10, R8);
    a.group1(false, 4, R10, 0xFFFFF000);
  }

  private void compareTag(Assembler a, boolean write) { a.rm(0, true, 0x3B, R10, STATE, R9, 0, tlb() + (write ? TLB_WRITE : TLB_READ)); }

  private void loadAddend(Assembler a) { a.rm(0, true, 0x8B, R9, STATE, R9, 0, tlb() + TLB_ADDEND); }

  private int tlb() { return (mode & Mode.CPL_MASK) == Mode.CPL_MASK ? TLB_USER : TLB_SUPERVISOR; }

  /** Whether this code checks the instruction's memory operand fully: through CS, or FS or GS with a limit, it does not. */
  boolean reachable(Instruction i) {
    int segment = i.segment();
    return segment != CS && (segment != FS || (mode & Mode.FS_OPEN) != 0) && (segment != GS || (mode & Mode.GS_OPEN) != 0);
  }
}
