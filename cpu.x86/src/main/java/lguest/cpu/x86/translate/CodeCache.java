package lguest.cpu.x86.translate;

import static lguest.cpu.x86.state.CpuState.*;

import java.lang.foreign.Arena;
import java.util.HashSet;
import java.util.Set;
import lguest.cpu.x86.decode.Instruction;
import lguest.cpu.x86.state.Mode;
import lguest.cpu.x86.state.Native;

/**
 * Which code stands for what the guest runs: it is found, compiled when it is not there, linked to its neighbours, and forgotten when the guest's bytes change, when linear addresses come to
 * mean something else, or for want of room.
 */
final class CodeCache implements AutoCloseable {
  /** For so many bytes of code memory one block is kept, be it the interpreter's. A guest that wants more (one page mapped at thousands of addresses does) starts afresh. */
  private static final int BYTES_A_BLOCK = 192;
  /** Loops remembered; a guest can make up as many as it likes. */
  private static final int MOST_JUMP_ABOUT = 1 << 12;

  private final Translator.Processor processor;
  private final long state;
  private final CodeMemory memory;
  private final Exits exits;
  private final BlockCompiler compiler;
  private final CodePages pages;
  private final Arena arena = Arena.ofShared();
  private final JumpCache jumps;
  private final BlockTable blocks;
  /** Guest-physical addresses of loops that {@link LoopSites} does no good. */
  private final Set<Integer> jumpAbout = new HashSet<>();
  private int forgotJumps;
  private int currentMode = -1;
  private boolean separate;
  private long compiled;
  private long forgotten;

  CodeCache(Translator.Processor processor, long state, long memorySize, CodeMemory memory, Stubs stubs, Exits exits) {
    this.processor = processor;
    this.state = state;
    this.memory = memory;
    this.exits = exits;
    compiler = new BlockCompiler(memory, stubs, exits);
    blocks = new BlockTable(arena.allocate(BlockTable.SIZE, 4096).address());
    pages = new CodePages((int) (memorySize >>> 12), blocks);
    jumps = new JumpCache(arena.allocate(JumpCache.SIZE, 4096).address());
    Native.set64(state + JUMP_CACHE, jumps.address());
    Native.set64(state + JUMP_PAGES, jumps.pages());
    Native.set64(state + BLOCKS, blocks.address());
  }

  /** See {@link Translator#separate}. */
  void separate() {
    separate = true;
    compiler.exact();
  }

  /** Blocks compiled so far; bytes of code that stand; how often code was forgotten for want of room. */
  long compiled() { return compiled; }

  long used() { return compiler.used(); }

  long forgotten() { return forgotten; }

  // ---- finding and compiling

  /** The block at EIP, compiled if it was not there, {@code plain}: without groups. Fetching may fault. */
  CodePages.Block locate(boolean plain) {
    int mode = processor.mode();
    int eip = eip();
    int physical = processor.mmu().fetch(eip);
    if (plain) mode |= Mode.PLAIN;
    CodePages.Block block = pages.find(physical, eip, mode);
    if (block != null && block.crosses() && block.second != secondPage(eip)) {
      pages.remove(block);
      block = null;
    }
    if (block == null) block = compile(eip, physical, mode);
    if (!plain && block.instructions != 0 && !separate) {
      useGeneration();
      long target = memory.address(block.entry), direct = memory.address(block.direct);
      jumps.put(eip, Native.get64(state + GENERATION), target, direct);
      // The block table knows of one page only; and both may come to mean something else.
      if (block.crosses()) jumps.note((eip >>> 12) + 1);
      else blocks.put(block, target, direct);
    }
    return block;
  }

  /** The page of the other half of an instruction at {@code eip} that lies on two. May fault. */
  private int secondPage(int eip) { return processor.mmu().fetch((eip | 0xFFF) + 1) >>> 12; }

  private CodePages.Block compile(int eip, int physical, int mode) {
    int second = CodePages.NOWHERE;
    if (!select(eip, physical)) {
      second = secondPage(eip);
      processor.mmu().watch(second);
      // That was a walk, which may have changed this very page.
      if (select(eip, physical)) second = CodePages.NOWHERE;
    }
    long secondLines = 0;
    boolean emitted;
    if (compiler.full()) forgetOldest();
    if (pages.blocks() > memory.size() / BYTES_A_BLOCK) forgetAll();
    compiler.jumpsAbout(!jumpAbout.isEmpty() && jumpAbout.contains(physical));
    if (second == CodePages.NOWHERE) {
      emitted = compiler.compile(eip, mode);
    } else {
      Instruction crossing = compiler.page.crossing(eip, processor.mmu().host(second << 12));
      emitted = compiler.compile(crossing, mode);
      secondLines = DecodedPage.lines(0, crossing.nextEip() & 0xFFF);
    }
    CodePages.Block block = pages.add(physical, eip, mode, compiler.instructions, compiler.entry, compiler.direct, compiler.lines, second, secondLines);
    block.mnemonic = compiler.first;
    if (!emitted) return block;
    compiled++;
    if (!separate) link(block);
    return block;
  }

  /** The instruction at EIP; null when it lies on two pages. Fetching may fault. */
  Instruction current() {
    int eip = eip();
    return select(eip, processor.mmu().fetch(eip)) ? compiler.page.at(eip) : null;
  }

  /** Makes the page the one that is compiled. False when the instruction at {@code eip} reaches into the next. */
  private boolean select(int eip, int physical) {
    int number = physical >>> 12;
    processor.mmu().watch(number); // before its bytes are read, so that no store is missed
    compiler.page.select(number, eip >>> 12, processor.mmu().host(number << 12));
    return compiler.page.at(eip) != null;
  }

  // ---- linking

  /**
   * Makes jumps that have waited for a new block lead to it, and its own to blocks that stand, for good. All lie in one page, so whoever executes the jump also proves where its target
   * is; a block that reaches into another page proves nothing of that, and is left to the jump cache.
   */
  private void link(CodePages.Block block) {
    int page = block.physical >>> 12;
    int mode = block.mode & ~Mode.PLAIN;
    if (block.mode == mode && !block.crosses()) pages.awaited(block, id -> link(id, block));
    for (int id = compiler.firstExit; id < exits.end(); id++) {
      if (exits.kind(id) != Exits.CHAIN) continue;
      int eip = exits.eip(id);
      CodePages.Block target = pages.find(page << 12 | eip & 0xFFF, eip, mode);
      if (target == null || target.instructions == 0 || target.crosses()) pages.await(page, eip, mode, id);
      else link(id, target);
    }
  }

  private void link(int id, CodePages.Block target) {
    if (exits.kind(id) != Exits.CHAIN || exits.eip(id) != target.eip) throw new IllegalStateException("exit " + id + " is not one to " + Integer.toHexString(target.eip));
    int place = exits.place(id);
    memory.patchInt(place, BlockEmitter.entry(exits.bytes(id), target) - (place + 4));
  }

  /** Makes the jump of the TWIN exit {@code id} lead to the block at EIP, without groups. Fetching may fault. */
  void linkTwin(int id) {
    int place = exits.place(id);
    int begun = compiler.begun();
    CodePages.Block block = locate(true);
    if (block.instructions != 0 && !separate && compiler.begun() == begun) memory.patchInt(place, block.direct - (place + 4));
  }

  /** Has the loop at that guest-physical address compiled again, with all that jumps to it. */
  void compileWithoutSites(int physical) {
    if (jumpAbout.size() == MOST_JUMP_ABOUT) jumpAbout.clear();
    jumpAbout.add(physical);
    dropPage(physical >>> 12);
  }

  // ---- forgetting

  /** Linear addresses may mean other code than before. */
  void forgetJumps() {
    jumps.forget();
    forgotJumps++;
    currentMode = -1;
  }

  /** The same, but only those in [linear, linear + length). */
  void forgetJumps(int linear, long length) {
    if (jumps.has(linear >>> 12, ((linear & 0xFFF) + length + 0xFFF) >>> 12)) forgetJumps();
  }

  boolean hasCode(int page) { return pages.has(page); }

  /** A store to these bytes is coming: whether it spoils emitted code. */
  boolean touches(int physical, int length) {
    compiler.page.forget(physical >>> 12);
    return pages.touches(physical, length);
  }

  /** Forgets the code of a page. A block of it that is running right now runs to its end. */
  void dropPage(int page) {
    compiler.page.forget(page);
    if (pages.drop(page)) forgetJumps();
  }

  /** Makes room in code memory. */
  private void forgetOldest() {
    int region = compiler.nextRegion();
    if (pages.dropWhere(block -> block.instructions != 0 && compiler.regionOf(block.entry) == region)) forgotten++;
    compiler.begin(region);
    forgetJumps();
  }

  private void forgetAll() {
    forgotten++;
    pages.dropAll();
    compiler.beginAgain();
    forgetJumps();
  }

  /** Changes with each {@link #forgetJumps()}. */
  int forgotJumps() { return forgotJumps; }

  /** The mode is another, perhaps by emitted code's doing. */
  void modeChanged() { currentMode = -1; }

  /** Has emitted code see only the jump cache entries of this mode, made since the last {@link #forgetJumps}. */
  void useGeneration() {
    int mode = processor.mode();
    if (mode == currentMode) return;
    currentMode = mode;
    Native.set64(state + GENERATION, (long) jumps.generation(mode) << 32);
  }

  private int eip() { return Native.get32(state + EIP); }

  @Override
  public void close() { arena.close(); }
}
