package lguest.cpu.x86.translate;

import static lguest.cpu.x86.state.CpuState.*;
import static lguest.cpu.x86.translate.Assembler.*;
import static lguest.cpu.x86.translate.Stubs.*;

import lguest.cpu.x86.decode.Instruction;
import lguest.cpu.x86.state.Mode;

/**
 * What the code of a block is made of besides its instructions: the entry with the budget, memory accesses ({@link AccessEmitter}), flags that must survive them ({@link GuestFlags}),
 * and the ways out. Everything rare goes to a second, cold stream, so that the hot one stays dense.
 */
final class BlockEmitter {
  /** Not a jump: what it would lead to is what comes next in the cold stream. */
  static final int FOLLOWS = -1;
  static final int MOST_INSTRUCTIONS = 64;
  private static final int ESP_NUMBER = 4;

  final Assembler hot = new Assembler();
  private final Assembler cold = new Assembler();
  final AccessEmitter memory = new AccessEmitter(this, hot, cold);
  private final Stubs stubs;
  private final Exits exits;
  private final DecodedPage page;
  final GuestFlags flags = new GuestFlags(hot);

  // The block being emitted.
  private int hotBase;
  private int coldBase;
  private int mode;
  private int count;
  /** The instruction being emitted. */
  int index;
  Instruction instruction;
  /** Where jumps with flags in state.SAVED_FLAGS come in, and those with them in host flags: offsets in code memory. */
  int entry;
  int direct;
  /** Where it may come back to itself, and from which EIP on. */
  private int back;
  private int start;
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
   * @param pass which of the emissions of this block it is: what it assumes of its end when it is a loop
   */
  void enter(Instruction[] code, int count, int liveOut, int mode, int hotBase, int coldBase, GuestFlags.Pass pass) {
    this.hotBase = hotBase;
    this.coldBase = coldBase;
    this.mode = mode;
    this.count = count;
    start = code[0].eip;
    hot.clear();
    cold.clear();
    index = 0;
    loaded = 0;
    fip = 0;
    x87 = Exits.NO_X87;
    x87Operand = false;
    flags.begin(code, count, liveOut, pass);
    memory.begin(code, count, mode, pass.again);
    hereCold(flags.startsInHost() ? enterWithFlags() : enterWithout());
    flags.restore(cold);
    coldExit(Exits.COUNT, start, count, 0, 0, 0);
  }

  /** Flags that come in alive are the host's afterwards. Returns the jump that is taken when the budget is used up. */
  private int enterWithFlags() {
    entry = hotAt();
    GuestFlags.restoreSaved(hot);
    direct = hotAt();
    // Test the sign without touching any. The budget stays below 2^24, so its top byte is 0 unless it is negative.
    hot.rrq(0x8B, R11, RCX);
    hot.rm(0x8D, INSTRUCTIONS_LEFT, INSTRUCTIONS_LEFT, -count);
    hot.rr(0x8B, RCX, INSTRUCTIONS_LEFT);
    hot.byte_(0x0F); hot.byte_(0xC9); // bswap ecx
    hot.rr(0x0FB6, RCX, RCX);
    hot.byte_(0xE3); hot.byte_(8); // jrcxz over the next two
    hot.rrq(0x8B, RCX, R11);
    int leave = hot.jmp();
    hot.rrq(0x8B, RCX, R11);
    return leave;
  }

  /** Those that come in alive are only to be shown, should control leave: they are put away. The same answer. */
  private int enterWithout() {
    direct = entry = hotAt();
    if (flags.shown(0) != 0) {
      flags.save();
      entry = hotAt();
      if (flags.assumes()) {
        hot.rm(0x89, INSTRUCTIONS_LEFT, STATE, LOOP_FIRST);
        while ((hotAt() & 15) != 0) hot.byte_(0x90); // loops run faster from there
      }
      flags.areAwayAtEntry();
    }
    back = hotAt();
    hot.group1(false, 5, INSTRUCTIONS_LEFT, count);
    return hot.jcc(8);
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
    flags.at(index);
  }

  // ---- floating point

  /** Before an instruction of the unit that {@code what} names, an FPU_ bit: it is loaded, or the interpreter takes the instruction. Destroys R10 and R11; guest flags are safe. */
  void fpu(int what) {
    if ((loaded & what) != 0) return;
    loaded |= what;
    flags.clobber();
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
    flags.restore(cold);
    coldExit(Exits.INTERPRET, 0, 0);
  }

  /** The x87 instruction has been emitted that FIP and FOP shall name. */
  void x87Done() {
    fip = instruction.eip;
    x87 = (x87 == Exits.NO_X87 ? 0 : x87 & 0xFFFF0000) | (instruction.opcode & 7) << 8 | instruction.modrm;
  }

  /** And its memory operand FDP and FDS. */
  void x87OperandDone() {
    memory.effectiveAddress(R11);
    hot.rm(0x89, R11, STATE, X87_FDP);
    x87 = x87 & 0xFFFF | instruction.segment() + 1 << 16;
    x87Operand = true;
  }

  /** Before the block's last jump: whoever leaves later must find what was {@link #x87Done}. */
  void settlePointers() {
    if (x87 == Exits.NO_X87) return;
    hot.rm(0xC7, 0, STATE, X87_SITE);
    hot.int_(exits.add(Exits.SITE, fip, 0, 0, 0, 0, 0, fip, x87 & 0xFFFF) + 1);
    if (!x87Operand) return;
    hot.rm(0xC7, 0, STATE, X87_SEGMENT);
    hot.int_(x87 >>> 16);
  }

  // ---- ways out

  /** The instruction has set flags; the jump whose displacement lies at {@code jump} comes here with those from before it. */
  void unchangedFrom(int jump) {
    hereCold(jump);
    flags.restore(cold);
    toHot(cold.jmp());
    flags.set();
  }

  /** The jump whose displacement lies at {@code jump} goes to the interpreter, for this instruction. Guest state must be as before it. */
  void interpretFrom(int jump) {
    hereCold(jump);
    flags.restore(cold);
    coldExit(Exits.INTERPRET, 0, 0);
  }

  /** Whether all flags alive before the instruction are what every processor makes of them. */
  boolean comparable() { return flags.comparable(index) == flags.shown(index); }

  int level() { return (mode & Mode.CPL_MASK) >>> Mode.CPL_SHIFT; }

  /** Through one of the doors of {@link Crossing}, with its arguments; where that cannot be, the interpreter takes the instruction. Flags travel as with {@link #indirect}. */
  void cross(int door, int eip, int vector) {
    flags.putAway();
    hot.movImmediate(R8, eip);
    hot.movImmediate(R9, vector);
    int call = hot.call();
    hot.patchInt(call, (door == Crossing.INTERRUPT ? stubs.interrupt : stubs.interruptReturn) - (hotBase + call + 4));
    if (door == Crossing.INTERRUPT) softwareInterrupt(vector);
    else interpretFrom(hot.jmp());
  }

  /** INT, for whoever decides what that is. */
  void softwareInterrupt(int vector) {
    hereCold(hot.jmp());
    flags.restore(cold);
    coldExit(Exits.INT, instruction.length, vector);
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
      toStub(cold.jmp(), stubs.onward);
    }
    cold.here(unknown);
    flags.restore(cold);
    coldExit(Exits.INTERPRET, 0, 0);
  }

  private void toStub(int jump, int stub) { cold.patchInt(jump, stub - (coldBase + jump + 4)); }

  /**
   * The jump with its displacement at {@code jump} leads to a constant EIP. Within the page it is linked for good; another page may be another one tomorrow, and so may the second half
   * of an instruction that lies on two.
   */
  void to(int jump, int eip) {
    if (eip == start && flags.backAsAssumed()) {
      hot.patchInt(jump, back - (hotBase + jump + 4));
      return;
    }
    hereCold(jump);
    GuestFlags.Home home = flags.home();
    boolean linked = (eip ^ instruction.eip) >>> 12 == 0 && page.at(eip) != null;
    if (home == GuestFlags.Home.ELSEWHERE) {
      flags.bring(cold);
      home = GuestFlags.Home.HOST;
      if (linked) jump = coldBase - hotBase + cold.jmp();
    }
    if (linked) {
      if (home == GuestFlags.Home.SAVED) GuestFlags.restoreSaved(cold);
      coldExit(Exits.CHAIN, eip, 0, hotBase + jump, home.ordinal(), count);
      return;
    }
    cold.movImmediate(R8, eip);
    if (home != GuestFlags.Home.HOST) lookup(cold, JumpCache.TARGETS, true);
    else if (flags.shown(count) == 0) lookup(cold, JumpCache.DIRECT_TARGETS, false);
    else lookupKeepingFlags();
  }

  /** Which of a block's entries is for the jump of the CHAIN exit that {@code bytes} belong to. */
  static int entry(int bytes, CodePages.Block block) {
    return switch (GuestFlags.Home.values()[bytes]) {
      case SAVED -> block.entry;
      case BOTH -> Math.max(block.entry, block.direct); // the one that does less
      default -> block.direct;
    };
  }

  /** To the EIP in R8. Any flag may be seen there, so they travel in state.SAVED_FLAGS, and a block that wants them as the host's has an entry that fetches them. */
  void indirect() {
    flags.putAway();
    lookup(hot, JumpCache.TARGETS, true);
  }

  /** On to the EIP in R8, with the flags, of which {@code saved} tells whether they are in state.SAVED_FLAGS, as the jump cache's {@code targets} expect them. What leaves is in the cold stream. */
  private void lookup(Assembler a, int targets, boolean saved) {
    a.rmq(0x8B, R10, STATE, JUMP_CACHE);
    a.rr(0x0FB7, R9, R8);
    a.rmq(0x8B, R11, STATE, GENERATION);
    a.rrq(0x03, R11, R8);
    a.rm(0, true, 0x03, R11, R10, R9, 3, 0);
    int miss = a.jcc(5);
    a.rm(0, false, 0xFF, 4, R10, R9, 3, targets);
    if (a == hot) hereCold(miss);
    else a.here(miss);
    if (saved) GuestFlags.restoreSaved(cold);
    coldExit(Exits.LOOKUP, instruction.eip, 0, 0, 0, count);
  }

  /** The same with them in host flags, without touching any: a key holds minus its EIP and generation, so the sum is 0 on a hit, and JRCXZ asks for that. */
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
    coldExit(Exits.LOOKUP, instruction.eip, 0, 0, 0, count);
    cold.rrq(0x8B, RCX, R11);
    cold.rm(0, false, 0xFF, 4, R10, R9, 3, JumpCache.DIRECT_TARGETS);
  }

  /** What follows in the cold stream is where the hot stream's jump with its displacement at {@code jump} leads. */
  void hereCold(int jump) {
    if (jump == FOLLOWS) return;
    hot.patchInt(jump, coldBase + cold.size() - (hotBase + jump + 4));
  }

  /** The cold stream's jump leads to what follows in the hot one. */
  void toHot(int jump) { cold.patchInt(jump, hotAt() - (coldBase + jump + 4)); }

  /** Where the hot stream is, in code memory. */
  int hotAt() { return hotAt(hot.size()); }

  int hotAt(int offset) { return hotBase + offset; }

  /** Leaves for another page's sake: the rest of the block as its twin has it, which is reached directly once it is known. */
  void leaveForTwin() {
    flags.restore(cold); // before the budget changes, which tells of a loop's first round
    cold.rm(0x8D, INSTRUCTIONS_LEFT, INSTRUCTIONS_LEFT, count - index);
    int twin = cold.jmp();
    coldExit(Exits.TWIN, instruction.eip, 0, coldBase + twin, 0, index);
  }

  /** Leaves before the instruction, which was not executed. */
  void coldExit(int kind, int place, int bytes) { coldExit(kind, instruction.eip, count - index, place, bytes, index); }

  /** With the flags as they are before instruction number {@code before} of the block. */
  private void coldExit(int kind, int eip, int unused, int place, int bytes, int before) {
    int id = exits.add(kind, eip, unused, place, bytes, flags.shown(before), flags.comparable(before), fip, x87);
    int call = cold.call();
    cold.patchInt(call, stubs.exit - (coldBase + call + 4));
    cold.int_(id);
  }

  /** The host register that holds a guest register. */
  static int host(int guest) { return guest == ESP_NUMBER ? GUEST_ESP : guest; }
}
