package lguest.cpu.x86.translate;

import java.util.Arrays;
import lguest.cpu.x86.decode.Instruction;
import lguest.cpu.x86.decode.Mnemonic;
import lguest.cpu.x86.state.Flags;

/** Guest bytes to emitted code, one basic block at a time. A block never leaves its page, but for a single instruction that lies on two. */
final class BlockCompiler {
  /** Regions of code memory. */
  static final int REGIONS = 8;
  /** More than any block takes. */
  private static final int MARGIN = 0x10000;

  private final Instruction[] code = new Instruction[BlockEmitter.MOST_INSTRUCTIONS];
  private final CodeMemory memory;
  private final Stubs stubs;
  private final Exits exits;
  private final BlockEmitter block;
  private final IntegerEmitter integer;
  private final X87Emitter x87;
  private final SseEmitter sse;
  private final StringEmitter strings;
  private final SegmentEmitter segments;
  private final ControlEmitter control;
  /** Code memory is used region by region, in a ring. Of each, the first two thirds are for hot code. */
  private final int regionSize;
  private final long[] used = new long[REGIONS];
  private int region;
  private int begun;
  /** Blocks may lead to each other. */
  private boolean linked = true;
  private int hotAt;
  private int coldStart;
  private int coldAt;

  /** What is compiled next comes from here. */
  final DecodedPage page = new DecodedPage();

  // What the last compile left.
  int instructions;
  Mnemonic first;
  /** 64-byte lines of the page that it depends on: a bit each. */
  long lines;
  int entry;
  int direct;
  /** Number of its first exit; it has all from there on. */
  int firstExit;

  BlockCompiler(CodeMemory memory, Stubs stubs, Exits exits) {
    this.memory = memory;
    this.stubs = stubs;
    this.exits = exits;
    block = new BlockEmitter(stubs, exits, page);
    integer = new IntegerEmitter(block);
    x87 = new X87Emitter(block);
    sse = new SseEmitter(block);
    strings = new StringEmitter(block);
    segments = new SegmentEmitter(block);
    control = new ControlEmitter(block);
    regionSize = (int) (memory.size() / REGIONS);
    beginAgain();
  }

  /** Says of the next block, should it be a loop, that its accesses do not keep to their pages. */
  void jumpsAbout(boolean jumpsAbout) { block.memory.jumpsAbout = jumpsAbout; }

  /** From now on only instructions whose results do not depend on the make of the host's processor, and each block leaves at its end. */
  void exact() {
    x87.exact = sse.exact = control.exact = true;
    linked = false;
  }

  /** From now on code goes to that region; what stands there is overwritten. */
  void begin(int region) {
    this.region = region;
    exits.begin(region);
    hotAt = start();
    coldStart = coldAt = region * regionSize + regionSize / 3 * 2 & ~63;
    used[region] = 0;
    begun++;
  }

  /** Counts {@link #begin}s: what lay in code memory before may be something else now. */
  int begun() { return begun; }

  /** Nothing stands. */
  void beginAgain() { for (int each = REGIONS - 1; each >= 0; each--) begin(each); }

  private int start() { return region == 0 ? stubs.end : region * regionSize; }

  /** Bytes of code that stand. */
  long used() { return Arrays.stream(used).sum(); }

  /** Nothing more may be compiled here. */
  boolean full() { return hotAt > coldStart - MARGIN || coldAt > (region + 1) * regionSize - MARGIN; }

  /** The region whose turn it is then; it has what was compiled longest ago. */
  int nextRegion() { return (region + 1) % REGIONS; }

  /** The region that an offset in code memory lies in. */
  int regionOf(int offset) { return offset / regionSize; }

  /**
   * Compiles the block at {@code eip}, an address in {@link #page}.
   *
   * @return false when not even its first instruction can be: nothing was emitted, {@link #first} and {@link #lines} tell of it
   */
  boolean compile(int eip, int mode) {
    page.takeLines();
    int count = 0;
    int at = eip;
    while (count < code.length && page.contains(at)) {
      Instruction i = page.at(at);
      if (i == null) break;
      code[count++] = i;
      if (ends(i)) break;
      at = i.nextEip();
    }
    return emitAsFarAsPossible(count, mode);
  }

  /** Compiles an instruction of {@link #page} that reaches into the next, as a block of its own. The same answer. */
  boolean compile(Instruction crossing, int mode) {
    code[0] = crossing;
    return emitAsFarAsPossible(1, mode);
  }

  /** An instruction that cannot be emitted ends the block before it; then once more, with the right length. */
  private boolean emitAsFarAsPossible(int count, int mode) {
    first = count == 0 ? Mnemonic.INVALID : code[0].mnemonic();
    firstExit = exits.beginBlock();
    while (count > 0) {
      int possible = emit(count, mode);
      if (possible == count) break;
      count = possible;
    }
    lines = page.takeLines();
    instructions = count;
    if (count == 0) return false;
    block.write(memory);
    entry = block.entry;
    direct = block.direct;
    hotAt += block.hotSize() + 15 & ~15;
    coldAt += block.coldSize();
    used[region] = hotAt - start() + coldAt - coldStart;
    return true;
  }

  /** Returns how many instructions the block can have; when that is all of them, it has been emitted. */
  private int emit(int count, int mode) {
    Instruction last = code[count - 1];
    int liveOut = liveOut(last);
    int possible = emit(count, mode, liveOut, linked && LoopSites.isLoop(code, count) ? GuestFlags.Pass.FIRST : GuestFlags.Pass.ALONE);
    // A loop knows only at its end what it can assume at its beginning.
    if (possible == count && block.flags.worthAnother()) emit(count, mode, liveOut, GuestFlags.Pass.ASSUMING);
    if (possible == count && block.flags.assumedWrongly()) emit(count, mode, liveOut, GuestFlags.Pass.WITHOUT);
    return possible;
  }

  private int emit(int count, int mode, int liveOut, GuestFlags.Pass pass) {
    exits.truncate(firstExit);
    Instruction last = code[count - 1];
    block.enter(code, count, liveOut, mode, hotAt, coldAt, pass);
    boolean jumped = false;
    for (int n = 0; n < count; n++) {
      Instruction i = code[n];
      if (i.encoding.opcode() < 0) return n; // no instruction at all
      block.at(n, i);
      if (ends(i)) {
        block.settlePointers();
        jumped = control.emit(i);
        if (!jumped) return n;
      } else if (!integer.emit(i) && !x87.emit(i) && !sse.emit(i) && !strings.emit(i) && !segments.emit(i)) {
        return n;
      }
    }
    if (!jumped) {
      block.settlePointers();
      control.jump(last.nextEip());
    }
    return count;
  }

  private static boolean ends(Instruction i) { return i.encoding.endsBlock() && !SegmentEmitter.staysInBlock(i); }

  /** Flags that may be seen behind the block, as far as its own page tells. */
  private int liveOut(Instruction last) {
    if (!ends(last)) return Liveness.at(last.nextEip(), page);
    if (ControlEmitter.conditional(last)) return Liveness.at(last.target(), page) | Liveness.at(last.nextEip(), page);
    if (ControlEmitter.jumps(last) || last.encoding.opcode() == 0xE8) return Liveness.at(last.target(), page);
    return Flags.ARITHMETIC;
  }
}
