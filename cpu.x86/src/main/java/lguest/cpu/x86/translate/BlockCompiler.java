package lguest.cpu.x86.translate;

import java.util.List;
import lguest.cpu.x86.decode.Decoder;
import lguest.cpu.x86.decode.Instruction;
import lguest.cpu.x86.decode.Mnemonic;
import lguest.cpu.x86.state.Flags;
import lguest.cpu.x86.state.Mode;

/** Guest bytes to emitted code, one basic block at a time. A block never leaves its page. */
final class BlockCompiler {
  private static final int MOST_INSTRUCTIONS = 64;
  private static final int LOOK_AHEAD = 6;

  private final Decoder decoder = new Decoder();
  private final Assembler hot = new Assembler();
  private final Assembler cold = new Assembler();
  private final Instruction[] code = new Instruction[MOST_INSTRUCTIONS];
  private final Instruction[] ahead = new Instruction[LOOK_AHEAD];
  private final CodeMemory memory;
  private final Stubs stubs;
  private final Exits exits;
  private final int coldStart;
  private Coalescing.Part[] parts;
  private List<Coalescing.Access> accesses;
  private int hotAt;
  private int coldAt;

  /** Only instructions whose results do not depend on the make of the host's processor. */
  boolean exact;

  // What the last compile left.
  int instructions;
  Mnemonic first;
  /** Length of its instructions, or of the one that cannot be emitted, as far as it lies in the page. */
  int bytes;
  /** That one reaches into the next page. */
  boolean crosses;
  int entry;
  int direct;

  BlockCompiler(CodeMemory memory, Stubs stubs, Exits exits) {
    this.memory = memory;
    this.stubs = stubs;
    this.exits = exits;
    coldStart = (int) (memory.size() / 3 * 2) & ~63;
    clear();
  }

  void clear() {
    hotAt = stubs.end;
    coldAt = coldStart;
  }

  /** Bytes of code that stand. */
  long used() { return hotAt - stubs.end + coldAt - coldStart; }

  /** Nothing more may be compiled before everything is forgotten. The margin is more than any block takes. */
  boolean full() { return hotAt > coldStart - 0x10000 || coldAt > memory.size() - 0x10000; }

  /**
   * Compiles the block at {@code eip}.
   *
   * @param page the bytes of its page
   * @return false when not even its first instruction can be: nothing was emitted, {@link #bytes} and {@link #crosses} tell of it
   */
  boolean compile(byte[] page, int eip, int mode) {
    int count = 0;
    int at = eip & 0xFFF;
    boolean ended = false;
    while (count < MOST_INSTRUCTIONS && !ended) {
      Instruction i = decoder.decode(page, at, page.length, eip + at - (eip & 0xFFF), true);
      if (i == null) break;
      code[count++] = i;
      at += i.length;
      ended = ends(i);
    }
    bytes = count == 0 ? page.length - (eip & 0xFFF) : code[0].length;
    crosses = count == 0;
    first = count == 0 ? Mnemonic.INVALID : code[0].mnemonic();
    if (crosses) return false;
    int exitsBefore = exits.size();
    parts = null;
    // An instruction that cannot be emitted ends the block before it; then once more, with the right length.
    for (int next = count; next >= 0; count = next) {
      if (count == 0) return false;
      hot.clear();
      cold.clear();
      exits.truncate(exitsBefore);
      next = emit(page, count, mode);
    }
    // Now that it is known what the block accesses.
    parts = (mode & Mode.PLAIN) == 0 ? Coalescing.plan(code, instructions, accesses) : null;
    if (parts != null) {
      hot.clear();
      cold.clear();
      exits.truncate(exitsBefore);
      emit(page, instructions, mode);
    }
    memory.write(hotAt, hot.array(), hot.size());
    memory.write(coldAt, cold.array(), cold.size());
    bytes = code[instructions - 1].nextEip() - eip;
    entry = hotAt;
    hotAt += hot.size() + 15 & ~15;
    coldAt += cold.size();
    return true;
  }

  /** Returns −1, or how many instructions the block can have. */
  private int emit(byte[] page, int count, int mode) {
    Instruction last = code[count - 1];
    BlockEmitter block = new BlockEmitter(hot, hotAt, cold, coldAt, stubs, exits, mode, parts);
    accesses = block.accesses;
    IntegerEmitter integer = new IntegerEmitter(block);
    X87Emitter x87 = new X87Emitter(block, exact);
    SseEmitter sse = new SseEmitter(block);
    StringEmitter strings = new StringEmitter(block);
    SegmentEmitter segments = new SegmentEmitter(block);
    ControlEmitter control = new ControlEmitter(block, exact);
    direct = block.enter(Liveness.before(code, count, liveOut(page, last)), Liveness.undefined(code, count), count, code[0]);
    instructions = count;
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
    return -1;
  }

  private static boolean ends(Instruction i) { return i.encoding.endsBlock() && !SegmentEmitter.staysInBlock(i); }

  /** Flags somebody may read behind the block, as far as its own page tells. */
  private int liveOut(byte[] page, Instruction last) {
    if (!ends(last)) return liveAt(page, last.nextEip(), last.eip);
    int op = last.encoding.opcode();
    boolean conditional = op >= 0x70 && op <= 0x7F || op >= 0x0F80 && op <= 0x0F8F || op >= 0xE0 && op <= 0xE3;
    if (conditional) return liveAt(page, last.target(), last.eip) | liveAt(page, last.nextEip(), last.eip);
    if (op == 0xE8 || op == 0xE9 || op == 0xEB) return liveAt(page, last.target(), last.eip);
    return Flags.ARITHMETIC;
  }

  private int liveAt(byte[] page, int eip, int from) {
    if ((eip ^ from) >>> 12 != 0) return Flags.ARITHMETIC;
    int count = 0;
    int at = eip & 0xFFF;
    while (count < LOOK_AHEAD) {
      Instruction i = decoder.decode(page, at, page.length, (eip & ~0xFFF) + at, true);
      // Exits of what is not emitted show all flags to the interpreter.
      if (i == null || i.encoding.endsBlock()) break;
      ahead[count++] = i;
      at += i.length;
    }
    return Liveness.before(ahead, count, Flags.ARITHMETIC)[0];
  }
}
