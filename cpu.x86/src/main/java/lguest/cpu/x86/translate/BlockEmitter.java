package lguest.cpu.x86.translate;

import static lguest.cpu.x86.state.CpuState.*;
import static lguest.cpu.x86.translate.Assembler.*;
import static lguest.cpu.x86.translate.Stubs.*;

import lguest.cpu.x86.decode.Instruction;
import lguest.cpu.x86.state.Mode;

/**
 * What the code of a block is made of besides its instructions: the entry with the budget, memory accesses through the soft TLB, flags that must survive them,
 * and the ways out. Everything rare goes to a second, cold stream, so that the hot one stays dense.
 *
 * <p>The invariant that keeps emitted code inside the guest: every store and load of guest memory uses the address that {@link #access} just left in R8, or the operand that
 * {@link #reach} just made, and that is the sum of a linear address and the addend of a TLB entry, or of a loop's copy of one, whose tag equals the page of the access's last byte.
 */
final class BlockEmitter {
  private enum FlagHome {
    /** In the host's flags (or nobody wants them). */
    HOST,
    /** In state.SAVED_FLAGS; the host's are garbage. */
    SAVED
  }

  private static final int NO_GROUP = -1;
  /** Not a jump: what it would lead to is what comes next in the cold stream. */
  private static final int FOLLOWS = -1;
  static final int MOST_INSTRUCTIONS = 64;
  private static final int ESP_NUMBER = 4;

  final Assembler hot = new Assembler();
  private final Assembler cold = new Assembler();
  private final Stubs stubs;
  private final Exits exits;
  private final DecodedPage page;
  private final Coalescing coalescing = new Coalescing();
  private final LoopSites loop = new LoopSites();
  /** The next block's accesses do not keep to their pages, should it be a loop. */
  boolean jumpsAbout;
  /** Before each instruction: flags that somebody may still read, and of those the ones the manual defines. */
  private final int[] live = new int[MOST_INSTRUCTIONS + 1];
  private final int[] comparable = new int[MOST_INSTRUCTIONS + 1];

  // The block being emitted.
  private int hotBase;
  private int coldBase;
  private int mode;
  private int count;
  private int start;
  /** The instruction being emitted. */
  private int index;
  private Instruction instruction;
  private FlagHome home;
  /** The group whose host address is in R13. */
  private int openGroup;
  /** Of the memory operand last reached: registers and constant, of which the host address is the sum. */
  private int operandBase, operandIndex, operandDisplacement;
  /** FPU_ bits known to be set. */
  private int loaded;
  /** What {@link Exits} is to know of the block's x87 instructions so far. */
  private int fip;
  private int x87;
  private boolean x87Operand;

  BlockEmitter(Stubs stubs, Exits exits, DecodedPage page) {
    this.stubs = stubs;
    this.exits = exits;
    this.page = page;
  }

  /**
   * Begins a block, to stand at these offsets: takes its instructions off the budget; leaves when that is used up.
   *
   * @return offset of the entry for jumps with the flags in host flags; the entry for those in state.SAVED_FLAGS is where the block starts
   */
  int enter(Instruction[] code, int count, int liveOut, int mode, int hotBase, int coldBase) {
    this.hotBase = hotBase;
    this.coldBase = coldBase;
    this.mode = mode;
    this.count = count;
    hot.clear();
    cold.clear();
    index = 0;
    home = FlagHome.HOST;
    openGroup = NO_GROUP;
    loaded = 0;
    fip = 0;
    x87 = Exits.NO_X87;
    x87Operand = false;
    Liveness.before(code, count, liveOut, live);
    System.arraycopy(live, 0, comparable, 0, count + 1);
    Liveness.withoutUndefined(code, count, comparable);
    if ((mode & Mode.PLAIN) == 0) coalescing.plan(code, count);
    else coalescing.clear();
    loop.begin(code, count, !jumpsAbout && (mode & Mode.PLAIN) == 0);
    start = code[0].eip;
    if (live[0] != 0) restoreFlags(hot);
    int entry = hotBase + hot.size();
    int leave;
    if (live[0] == 0) {
      hot.group1(false, 5, INSTRUCTIONS_LEFT, count);
      leave = hot.jcc(8);
    } else {
      // Some flag comes in alive: test the sign without touching any. The budget stays below 2^24, so its top byte is 0 unless it is negative.
      hot.rrq(0x8B, R11, RCX);
      hot.rm(0x8D, INSTRUCTIONS_LEFT, INSTRUCTIONS_LEFT, -count);
      hot.rr(0x8B, RCX, INSTRUCTIONS_LEFT);
      hot.byte_(0x0F); hot.byte_(0xC9); // bswap ecx
      hot.rr(0x0FB6, RCX, RCX);
      hot.byte_(0xE3); hot.byte_(8); // jrcxz over the next two
      hot.rrq(0x8B, RCX, R11);
      leave = hot.jmp();
      hot.rrq(0x8B, RCX, R11);
    }
    hereCold(leave);
    coldExit(Exits.COUNT, code[0].eip, count, 0, 0, comparable[0]);
    return entry;
  }

  /** Puts the block where it was said to stand. */
  void write(CodeMemory memory) {
    memory.write(hotBase, hot.array(), hot.size());
    memory.write(coldBase, cold.array(), cold.size());
  }

  int hotSize() { return hot.size(); }

  int coldSize() { return cold.size(); }

  /** Says which instruction comes next. */
  void at(int index, Instruction instruction) {
    this.index = index;
    this.instruction = instruction;
  }

  // ---- flags

  /** Before emitting something that changes host flags without being the guest's wish. */
  void clobberFlags() {
    if (home == FlagHome.HOST && live[index] != 0) saveFlags();
  }

  private void saveFlags() {
    hot.rr(0x8B, R11, RAX);
    saveToAx(hot);
    hot.rm(0x66, false, 0x89, RAX, STATE, NONE, 0, SAVED_FLAGS);
    hot.rr(0x8B, RAX, R11);
    home = FlagHome.SAVED;
  }

  /** Before the guest's own instruction, when it reads host flags or changes only some of them. */
  void needFlags() {
    if (home == FlagHome.SAVED) {
      restoreFlags(hot);
      home = FlagHome.HOST;
    }
  }

  /** Before a guest instruction that changes host flags: brings back what must survive it. */
  void aboutToSetFlags() {
    int kept = live[index] & (instruction.encoding.flagsRead() | ~Liveness.killed(instruction));
    if (kept != 0) needFlags();
    home = FlagHome.HOST;
  }

  static void restoreFlags(Assembler a) {
    a.rr(0x8B, R11, RAX);
    a.rm(0, false, 0x0FB7, RAX, STATE, NONE, 0, SAVED_FLAGS);
    restoreFromAx(a);
    a.rr(0x8B, RAX, R11);
  }

  // ---- memory

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
    Instruction i = instruction;
    if (i.base >= 0 && i.index < 0 && i.segment() < FS) {
      reach(host(i.base), i.displacement, bytes, write);
      return;
    }
    clobberFlags();
    int retry = hotBase + hot.size();
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
    clobberFlags();
    int retry = hotBase + hot.size();
    address();
    hot.rr(0xF6, 0, R8);
    hot.byte_(bytes - 1);
    interpretFrom(hot.jcc(5));
    check(bytes, write, retry);
  }

  /** The same for an address in a guest register plus a constant, in a flat segment. */
  void access(int hostRegister, int displacement, int bytes, boolean write) {
    reach(hostRegister, displacement, bytes, write);
    settle();
  }

  void reach(int hostRegister, int displacement, int bytes, boolean write) {
    int group = coalescing.groupOf(index, hostRegister == GUEST_ESP ? ESP_NUMBER : hostRegister, displacement, bytes, write);
    clobberFlags();
    int retry = hotBase + hot.size();
    if (group == NO_GROUP) {
      hot.rm(0x8D, R8, hostRegister, displacement);
      checkApart(bytes, write, retry);
      return;
    }
    if (group != openGroup) {
      openGroup = group;
      hot.rm(0x8D, R8, hostRegister, coalescing.base(group));
      int miss = lookUp(coalescing.bytes(group), coalescing.writes(group));
      hereCold(miss);
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
    if (home == FlagHome.SAVED) restoreFlags(cold);
    coldExit(write ? Exits.GROUP_STORE : Exits.GROUP_LOAD, instruction.eip, count - index, retry, bytes, comparable[index]);
    cold.here(crosses);
    cold.rm(0x8D, INSTRUCTIONS_LEFT, INSTRUCTIONS_LEFT, count - index);
    if (home == FlagHome.SAVED) restoreFlags(cold);
    int twin = cold.jmp();
    coldExit(Exits.TWIN, instruction.eip, 0, coldBase + twin, 0, comparable[index]);
  }

  /** The same for one in a guest register; after a miss the code goes on at {@code retry}, an offset in the hot code where nothing but guest registers counts. */
  void access(int hostRegister, int bytes, boolean write, int retry) {
    hot.rr(0x8B, R8, hostRegister);
    check(bytes, write, hotBase + retry);
  }

  /** The ModRM operand as a string of bits, of which {@code register} names one: R8 is the host address of the 32 it is among, R10 its number there. */
  void accessBits(int register, boolean write) {
    clobberFlags();
    int retry = hotBase + hot.size();
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
    int segment = instruction.segment();
    if (segment >= FS) hot.rm(0x03, R8, STATE, SEGMENTS + segment * SEGMENT_SIZE + BASE);
  }

  /** LEA of the ModRM operand, without its segment. No flags. */
  void effectiveAddress(int register) {
    Instruction i = instruction;
    if (i.base >= 0) {
      int base = host(i.base);
      if (i.index < 0 && i.displacement == 0) hot.rr(0x8B, register, base);
      else hot.rm(0, false, 0x8D, register, base, i.index < 0 ? NONE : host(i.index), i.scale, i.displacement);
    } else if (i.index >= 0) {
      hot.rmNoBase(0, false, 0x8D, register, host(i.index), i.scale, i.displacement);
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
    hereCold(lookUp(bytes, write));
    if (home == FlagHome.SAVED) restoreFlags(cold);
    coldExit(write ? Exits.STORE : Exits.LOAD, instruction.eip, count - index, retry, bytes, comparable[index]);
  }

  /** From the linear address in R8 to the host's, which is the sum of R8 and R9; returns the jump that is taken when the soft TLB does not know it, with R8 as it was and the page of the last byte in R10. */
  private int lookUp(int bytes, boolean write) {
    int site = loop.take();
    if (site != 0) return lookUp(bytes, write, site);
    index(hot);
    lastPage(bytes);
    compareTag(hot, write);
    int miss = hot.jcc(5);
    loadAddend(hot);
    return miss;
  }

  /** The same at a loop's {@link LoopSites site}. */
  private int lookUp(int bytes, boolean write, int site) {
    lastPage(bytes);
    hot.rmq(0x3B, R10, STATE, site + LOOP_TAG);
    hereCold(hot.jcc(5));
    hot.rmq(0x8B, R9, STATE, site + LOOP_ADDEND);
    int enough = loop.emitOtherPage(cold, site);
    index(cold);
    compareTag(cold, write);
    int miss = cold.jcc(5);
    loadAddend(cold);
    loop.emitCopy(cold, site);
    int back = cold.jmp();
    cold.patchInt(back, hotBase + hot.size() - (coldBase + back + 4));
    cold.here(enough);
    if (home == FlagHome.SAVED) restoreFlags(cold);
    coldExit(Exits.LOOP, instruction.eip, count - index, start, 0, comparable[index]);
    cold.here(miss);
    return FOLLOWS;
  }

  /** Of the linear address in R8, R9 is the place in the soft TLB. */
  private static void index(Assembler a) {
    a.rr(0x8B, R9, R8);
    a.rr(0xC1, 5, R9); a.byte_(12 - TLB_ENTRY_SHIFT);
    a.group1(false, 4, R9, TLB_ENTRIES - 1 << TLB_ENTRY_SHIFT);
  }

  private void lastPage(int bytes) {
    if (bytes > 1) hot.rm(0x8D, R10, R8, bytes - 1);
    else hot.rr(0x8B, R10, R8);
    hot.group1(false, 4, R10, 0xFFFFF000);
  }

  private void compareTag(Assembler a, boolean write) { a.rm(0, true, 0x3B, R10, STATE, R9, 0, tlb() + (write ? TLB_WRITE : TLB_READ)); }

  private void loadAddend(Assembler a) { a.rm(0, true, 0x8B, R9, STATE, R9, 0, tlb() + TLB_ADDEND); }

  private int tlb() { return (mode & Mode.CPL_MASK) == Mode.CPL_MASK ? TLB_USER : TLB_SUPERVISOR; }

  /** Whether this code checks the instruction's memory operand fully: through CS, or FS or GS with a limit, it does not. */
  boolean reachable(Instruction i) {
    int segment = i.segment();
    return segment != CS && (segment != FS || (mode & Mode.FS_OPEN) != 0) && (segment != GS || (mode & Mode.GS_OPEN) != 0);
  }

  // ---- floating point

  /** Before an instruction of the unit that {@code what} names, an FPU_ bit: it is loaded, or the interpreter takes the instruction. Destroys R10 and R11; guest flags are safe. */
  void fpu(int what) {
    if ((loaded & what) != 0) return;
    loaded |= what;
    clobberFlags();
    hot.rm(0xF6, 0, STATE, FPU_LOADED);
    hot.byte_(what);
    int missing = hot.jcc(4);
    int back = hotBase + hot.size();
    hereCold(missing);
    int call = cold.call();
    cold.patchInt(call, stubs.loadFpu - (coldBase + call + 4));
    cold.rm(0xF6, 0, STATE, FPU_LOADED);
    cold.byte_(what);
    int loadedNow = cold.jcc(5);
    cold.patchInt(loadedNow, back - (coldBase + loadedNow + 4));
    if (home == FlagHome.SAVED) restoreFlags(cold);
    coldExit(Exits.INTERPRET, instruction.eip, count - index, 0, 0, comparable[index]);
  }

  /** The x87 instruction has been emitted that FIP and FOP shall name. */
  void x87Done() {
    fip = instruction.eip;
    x87 = (x87 == Exits.NO_X87 ? 0 : x87 & 0xFFFF0000) | (instruction.opcode & 7) << 8 | instruction.modrm;
  }

  /** And its memory operand FDP and FDS. */
  void x87OperandDone() {
    effectiveAddress(R11);
    hot.rm(0x89, R11, STATE, X87_FDP);
    x87 = x87 & 0xFFFF | instruction.segment() + 1 << 16;
    x87Operand = true;
  }

  /** Before the block's last jump: whoever leaves later must find what was {@link #x87Done}. */
  void settlePointers() {
    if (x87 == Exits.NO_X87) return;
    hot.rm(0xC7, 0, STATE, X87_SITE);
    hot.int_(exits.add(Exits.SITE, fip, 0, 0, 0, 0, fip, x87 & 0xFFFF) + 1);
    if (!x87Operand) return;
    hot.rm(0xC7, 0, STATE, X87_SEGMENT);
    hot.int_(x87 >>> 16);
  }

  // ---- ways out

  /** The instruction has set flags; the jump whose displacement lies at {@code jump} comes here with those from before it. */
  void unchangedFrom(int jump) {
    hereCold(jump);
    if (home == FlagHome.SAVED) restoreFlags(cold);
    int back = cold.jmp();
    cold.patchInt(back, hotBase + hot.size() - (coldBase + back + 4));
    home = FlagHome.HOST;
  }

  /** From here on the interpreter: for this instruction, then wherever it leads. */
  void interpret() {
    needFlags();
    int leave = hot.jmp();
    hereCold(leave);
    coldExit(Exits.INTERPRET, instruction.eip, count - index, 0, 0, comparable[index]);
  }

  /** The jump whose displacement lies at {@code jump} goes to the interpreter, for this instruction. Guest state must be as before it. */
  void interpretFrom(int jump) {
    hereCold(jump);
    if (home == FlagHome.SAVED) restoreFlags(cold);
    coldExit(Exits.INTERPRET, instruction.eip, count - index, 0, 0, comparable[index]);
  }

  /** Whether all flags alive before the instruction are what every processor makes of them. */
  boolean comparable() { return comparable[index] == live[index]; }

  int level() { return (mode & Mode.CPL_MASK) >>> Mode.CPL_SHIFT; }

  /** Through one of the doors of {@link Crossing}, with its arguments; where that cannot be, the interpreter takes the instruction. Flags travel as with {@link #indirect}. */
  void cross(int door, int eip, int vector) {
    if (home == FlagHome.HOST) saveFlags();
    hot.movImmediate(R8, eip);
    hot.movImmediate(R9, vector);
    int call = hot.call();
    hot.patchInt(call, (door == Crossing.INTERRUPT ? stubs.interrupt : stubs.interruptReturn) - (hotBase + call + 4));
    home = FlagHome.SAVED;
    if (door == Crossing.INTERRUPT) softwareInterrupt(vector);
    else interpretFrom(hot.jmp());
  }

  /** INT, for whoever decides what that is. */
  void softwareInterrupt(int vector) {
    hereCold(hot.jmp());
    if (home == FlagHome.SAVED) restoreFlags(cold);
    coldExit(Exits.INT, instruction.eip, count - index, instruction.length, vector, comparable[index]);
  }

  /**
   * The jumps whose displacements lie at {@code one} and {@code two} come here when the selector in R11 is not the one that {@code segment} holds. Where {@link Crossing} can load it, the
   * code goes on behind them, or in another mode behind the instruction. Not behind an x87 instruction, though, whose pointers name the selectors of its time.
   */
  void loadSegment(int segment, boolean pop, int one, int two) {
    if (x87 != Exits.NO_X87) {
      interpretFrom(one);
      interpretFrom(two);
      return;
    }
    int back = hotBase + hot.size();
    hereCold(one);
    hereCold(two);
    int open = segment == FS ? Mode.FS_OPEN : Mode.GS_OPEN;
    cold.movImmediate(R9, SEGMENTS + segment * SEGMENT_SIZE);
    cold.movImmediate(R10, segment < FS ? Crossing.loadArgument(segment, Crossing.FLAT, Crossing.FLAT)
        : Crossing.loadArgument(segment, Crossing.OPEN, (mode & open) != 0 ? Crossing.OPEN : 0));
    toStub(cold.call(), stubs.loadSegment);
    int unknown = cold.jcc(2);
    int same = cold.jcc(4);
    cold.patchInt(same, back - (coldBase + same + 4));
    if (segment >= FS) {
      if (pop) cold.rm(0x8D, GUEST_ESP, GUEST_ESP, 4);
      cold.rm(0x8D, INSTRUCTIONS_LEFT, INSTRUCTIONS_LEFT, count - index - 1);
      cold.movImmediate(R8, instruction.nextEip());
      toStub(cold.jmp(), home == FlagHome.SAVED ? stubs.onward : stubs.onwardWithoutFlags);
    }
    cold.here(unknown);
    if (home == FlagHome.SAVED) restoreFlags(cold);
    coldExit(Exits.INTERPRET, instruction.eip, count - index, 0, 0, comparable[index]);
  }

  private void toStub(int jump, int stub) { cold.patchInt(jump, stub - (coldBase + jump + 4)); }

  /** Before the block's last jump. */
  void settleFlags() {
    if (live[count] != 0) needFlags();
  }

  /**
   * The jump with its displacement at {@code jump} leads to a constant EIP. Within the page it is linked for good; another page may be another one tomorrow, and so may the second half
   * of an instruction that lies on two.
   */
  void to(int jump, int eip) {
    hereCold(jump);
    if ((eip ^ instruction.eip) >>> 12 == 0 && page.at(eip) != null) {
      coldExit(Exits.CHAIN, eip, 0, hotBase + jump, 0, comparable[count]);
    } else {
      cold.movImmediate(R8, eip);
      lookupKeepingFlags();
    }
  }

  /**
   * To the EIP in R8. Any flag may be alive there, but hardly ever is, so they travel in state.SAVED_FLAGS, and a block that wants them has a second entry
   * that fetches them.
   */
  void indirect() {
    if (home == FlagHome.HOST) saveFlags();
    hot.rmq(0x8B, R10, STATE, JUMP_CACHE);
    hot.rr(0x0FB7, R9, R8);
    hot.rmq(0x8B, R11, STATE, GENERATION);
    hot.rrq(0x03, R11, R8);
    hot.rm(0, true, 0x03, R11, R10, R9, 3, 0);
    int miss = hot.jcc(5);
    hot.rm(0, false, 0xFF, 4, R10, R9, 3, JumpCache.TARGETS);
    hereCold(miss);
    restoreFlags(cold);
    coldExit(Exits.LOOKUP, instruction.eip, 0, 0, 0, comparable[count]);
  }

  /** The same without touching a flag: a key holds minus its EIP and generation, so the sum is 0 on a hit, and JRCXZ asks for that. */
  private void lookupKeepingFlags() {
    cold.rrq(0x8B, R11, RCX);
    cold.rmq(0x8B, R10, STATE, JUMP_CACHE);
    cold.rmq(0x8B, GROUP, STATE, GENERATION);
    cold.rr(0x0FB7, R9, R8);
    cold.rm(0, true, 0x8B, RCX, R10, R9, 3, 0);
    cold.rm(0, true, 0x8D, RCX, RCX, R8, 0, 0);
    cold.rm(0, true, 0x8D, RCX, RCX, GROUP, 0, 0);
    cold.byte_(0xE3); cold.byte_(12); // jrcxz over the next three
    cold.rrq(0x8B, RCX, R11);
    coldExit(Exits.LOOKUP, instruction.eip, 0, 0, 0, comparable[count]);
    cold.rrq(0x8B, RCX, R11);
    cold.rm(0, false, 0xFF, 4, R10, R9, 3, JumpCache.DIRECT_TARGETS);
  }

  private void hereCold(int jump) {
    if (jump == FOLLOWS) return;
    hot.patchInt(jump, coldBase + cold.size() - (hotBase + jump + 4));
  }

  private void coldExit(int kind, int eip, int unused, int place, int bytes, int alive) {
    int id = exits.add(kind, eip, unused, place, bytes, alive, fip, x87);
    int call = cold.call();
    cold.patchInt(call, stubs.exit - (coldBase + call + 4));
    cold.int_(id);
  }

  /** The host register that holds a guest register. */
  static int host(int guest) { return guest == ESP_NUMBER ? GUEST_ESP : guest; }
}
