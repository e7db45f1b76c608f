package lguest.cpu.x86.interpret;

import static lguest.cpu.x86.state.CpuState.*;

import java.lang.System.Logger.Level;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.lang.invoke.VarHandle;
import java.lang.ref.Reference;
import java.util.Map;
import lguest.cpu.x86.CpuConfig;
import lguest.cpu.x86.CpuStatistics;
import lguest.cpu.x86.Engine;
import lguest.cpu.x86.Exit;
import lguest.cpu.x86.fpu.X87;
import lguest.cpu.x86.mmu.Breakpoints;
import lguest.cpu.x86.mmu.Mmu;
import lguest.cpu.x86.simd.FloatUnit;
import lguest.cpu.x86.simd.Vector;
import lguest.cpu.x86.state.CpuState;
import lguest.cpu.x86.state.Flags;
import lguest.cpu.x86.state.GuestFault;
import lguest.cpu.x86.state.Mode;
import lguest.cpu.x86.state.Native;
import lguest.cpu.x86.translate.Translator;

/**
 * The processor behind {@link lguest.cpu.x86.Cpu}: state block, MMU, blocks, and the loop that runs them.
 *
 * <p>
 * Tour 5.7: The loop
 *
 * <p>Find the block at EIP, run its instructions, let its end name the next. Between blocks one word is looked at: does
 * anybody want us to stop? A fault is a Java exception, and the
 * index of the running instruction tells its EIP, so the fast path keeps no EIP at all.
 */
public final class Core implements Translator.Processor {
  private static final VarHandle REQUEST_WORD = java.lang.foreign.ValueLayout.JAVA_INT.varHandle();
  private static final int BOUNCE_SIZE = 64;
  /** DR6: the trap of TF. */
  private static final int SINGLE_STEP = 1 << 14;

  public final long state;
  public final GuestFault fault = new GuestFault();
  final Mmu mmu;
  final Segments segments;
  final CpuConfig config;
  final BlockCache cache;
  private final BlockBuilder builder;
  /** The state block. Freed with this object, not by close: counters may be asked for after the end. */
  private final MemorySegment block;
  private boolean closed;
  private final X87 x87;
  /** Scratch of SIMD instructions. */
  final FloatUnit floats = new FloatUnit();
  final Vector destination = new Vector(), source = new Vector();
  /** The unit's state may be newer than its image in the state block. */
  private boolean x87Used;
  private final ForeignStores foreign = new ForeignStores();
  /** Null when this processor only interprets. */
  private final Translator translator;
  private final Lockstep lockstep;
  /** Both engines must see the same: requests of other threads wait, and the time stamp counter stands still. */
  private boolean isolated;
  private long frozenTime;

  /** Null while DR7 sets none. */
  private Breakpoints breakpoints;
  /** DR6 bits of data breakpoints met by an instruction that holds off traps. */
  private int heldHits;

  /** Why run must come back; null while it need not. */
  Exit exit;
  /** Counts changes of translations that blocks were found by. */
  int generation;
  /** Same as state slot MODE. */
  int mode;
  /** An instruction that holds off the single-step trap behind it (MOV SS, POP SS). */
  boolean shadow;
  /** A repeated string instruction has done some of its elements and left. */
  private boolean paused;
  /** Retired so far; published to the state block between blocks. */
  private long retired;

  public Core(long memory, long size, CpuConfig config) {
    this.config = config;
    block = Arena.ofAuto().allocate(CpuState.SIZE + BOUNCE_SIZE, 64);
    state = block.address();
    cache = new BlockCache(size);
    mmu = new Mmu(state, state + CpuState.SIZE, memory, size, config, fault, cache);
    cache.mmu(mmu);
    segments = new Segments(this);
    builder = new BlockBuilder(this);
    translator = config.engine() != Engine.INTERPRET ? Translator.create(this, state, size).orElse(null) : null;
    if (config.engine() != Engine.INTERPRET && translator == null) {
      System.getLogger("lguest.cpu.x86").log(Level.INFO, "no code can be emitted here ({0}): the guest is interpreted", System.getProperty("os.arch"));
    }
    lockstep = config.engine() == Engine.CHECK && translator != null ? new Lockstep(this) : null;
    if (lockstep != null) translator.separate();
    cache.translator(translator);
    reset();
    x87 = new X87(state + FXSAVE);
  }

  private void reset() {
    Native.set32(state + CR0, 0x11);
    Flags.setAll(state, 2);
    for (int segment = ES; segment <= GS; segment++) {
      segments.set(segment, 0, segment == CS ? 0x00CF9B000000FFFFL : 0x00CF93000000FFFFL);
    }
    long fx = state + FXSAVE;
    Native.set16(fx, 0x37F);
    Native.set32(state + MXCSR, 0x1F80);
    Native.set32(state + MXCSR_MASK, Simd.MXCSR_BITS);
    changeMode();
  }

  // ---- the loop

  public Exit run(long maxInstructions) {
    open();
    try {
      return loop(maxInstructions);
    } finally {
      settleX87();
      Reference.reachabilityFence(block);
    }
  }

  /** Brings the x87 state into the state block. */
  @Override
  public void settleX87() {
    if (x87Used) x87.flush();
    x87Used = false;
  }

  /** Takes it from there again, after somebody else has changed it. */
  void reloadX87() {
    x87.reload();
  }

  private Exit loop(long maxInstructions) {
    exit = null;
    foreign.drain(cache);
    long limit = retired + maxInstructions;
    if (limit < 0) limit = Long.MAX_VALUE;
    if (lockstep != null) return checkUntil(limit);
    return translator == null ? interpretUntil(limit) : translateUntil(limit);
  }

  /** Both engines, as {@link Engine#CHECK} says. */
  private Exit checkUntil(long limit) {
    for (;;) {
      if (requested()) {
        foreign.drain(cache);
        return Exit.REQUESTED;
      }
      if (retired >= limit) return Exit.BUDGET;
      int length;
      try {
        length = translator.next();
      } catch (GuestFault f) {
        fault(f, 0);
        return exit;
      }
      isolated = true;
      frozenTime = config.timestampCounter().getAsLong();
      long until = Math.min(Math.max(1, Math.abs(length)), limit - retired);
      try {
        Exit answer = length > 0 ? lockstep.run(until) : translateUntil(retired + until);
        if (answer != Exit.BUDGET) return answer;
      } finally {
        isolated = false;
      }
    }
  }

  long time() {
    return isolated ? frozenTime : config.timestampCounter().getAsLong();
  }

  Translator translator() {
    return translator;
  }

  long retired() {
    return retired;
  }

  void rewind(long instructions) {
    retired = instructions;
    exit = null;
  }

  Exit interpretUntil(long limit) {
    Block b = null;
    for (;;) {
      if (requested()) {
        if (b != null) eip(b.eip);
        foreign.drain(cache);
        return Exit.REQUESTED;
      }
      if (b == null) {
        if (retired >= limit) return Exit.BUDGET;
        if (steps()) {
          step();
          if (exit != null) return exit;
          continue;
        }
        b = locate(limit - retired);
        if (b == null) return exit;
      } else if (retired + b.instructions > limit) {
        eip(b.eip);
        b = null;
        continue;
      }
      b = execute(b);
      Native.set64(state + INSTRUCTIONS, retired);
      if (exit != null) return exit;
    }
  }

  Exit translateUntil(long limit) {
    for (;;) {
      if (requested()) {
        foreign.drain(cache);
        return Exit.REQUESTED;
      }
      if (retired >= limit) return Exit.BUDGET;
      boolean progress;
      try {
        progress = translator.run(limit - retired);
      } catch (GuestFault f) {
        fault(f, 0);
        progress = true;
      }
      retired += translator.retired();
      if (!progress) stepOver();
      Native.set64(state + INSTRUCTIONS, retired);
      if (exit != null) return exit;
    }
  }

  /** One instruction that is not for the translator: an odd mode, single-stepping, the last few of a budget. */
  private void stepOver() {
    if (steps()) {
      step();
      return;
    }
    try {
      interpret(prepare());
    } catch (GuestFault f) {
      fault(f, 0);
    }
  }

  @Override
  public Mmu mmu() {
    return mmu;
  }

  @Override
  public int mode() {
    return mode;
  }

  @Override
  public Object prepare() {
    return builder.locate(eip(), true);
  }

  @Override
  public boolean interpret(Object prepared) {
    Block next = execute((Block) prepared);
    if (next != null) eip(next.eip);
    return exit == null && !requestPending();
  }

  /** The block at EIP, of at most so many instructions; null when fetching it faults. */
  private Block locate(long left) {
    try {
      int eip = eip();
      Block b = cache.jump(eip, mode);
      if (b == null || b.generation != generation) b = builder.locate(eip, (mode & Mode.CS_FLAT) == 0);
      return b.instructions > left ? builder.locate(eip, true) : b;
    } catch (GuestFault f) {
      fault(f, 0);
      return null;
    }
  }

  /** Instructions are to be run one by one, because a trap may follow each. */
  private boolean steps() {
    return breakpoints != null || (get(EFLAGS) & Flags.TF) != 0;
  }

  /**
   * One instruction with TF or breakpoints set, and the trap behind it (SDM vol. 3, 17.3.1). RF lets it pass its own breakpoint; it is
   * gone when the instruction has completed, unless that was an IRET which brought a new one.
   */
  private void step() {
    long before = retired;
    int flags = get(EFLAGS);
    shadow = paused = false;
    if (breakpoints != null) {
      int stops = (flags & Flags.RF) != 0 ? 0 : breakpoints.atInstruction(segments.base(CS) + eip());
      if (stops != 0) {
        debugException(stops);
        return;
      }
      breakpoints.take();
      set(EFLAGS, flags & ~Flags.RF);
    }
    try {
      Block next = execute(builder.locate(eip(), true));
      if (next != null) eip(next.eip);
    } catch (GuestFault f) {
      fault(f, 0);
    }
    Native.set64(state + INSTRUCTIONS, retired);
    boolean completed = exit == null && (retired != before || paused);
    if (!completed) {
      set(EFLAGS, get(EFLAGS) | flags & Flags.RF);
      return;
    }
    int hits = (breakpoints == null ? 0 : breakpoints.take()) | heldHits;
    heldHits = shadow ? hits : 0;
    if (shadow) return;
    if ((flags & Flags.TF) != 0) hits |= SINGLE_STEP;
    if (hits != 0) debugException(hits);
  }

  /** DR6 says why; its bits are never cleared here. */
  private void debugException(int why) {
    set(DR + 6 * 8, get(DR + 6 * 8) | why);
    fault(fault.plain(GuestFault.DB), 0);
  }

  /** MOV to a debug register. */
  void setDebug(int number, int value) {
    set(DR + 8 * number, value);
    breakpoints = Breakpoints.of(state);
    mmu.breakpoints(breakpoints);
    changeMode();
  }

  X87 x87() {
    // Emitted code may have changed the image.
    if (!x87Used) x87.reload();
    x87Used = true;
    return x87;
  }

  /** Runs one block. Returns the next, or null with EIP stored. */
  private Block execute(Block b) {
    Op[] ops = b.ops;
    int i = 0;
    try {
      for (; i < ops.length; i++) ops[i].run(this);
      int instructions = b.instructions;
      Block next = b.end.run(this);
      retired += instructions;
      return next;
    } catch (GuestFault f) {
      eip(b.eips[i]);
      fault(f, i);
    } catch (RuntimeException e) {
      paused = e == Strings.PAUSE;
      if (e != Block.GONE && !paused) throw e;
      eip(b.eips[i]);
      retired += i;
    }
    return null;
  }

  private void fault(GuestFault f, int done) {
    retired += done;
    exit = f.exit;
    if (f.exit == Exit.EXCEPTION && f.vector == GuestFault.PF) Native.set32(state + CR2, f.address);
  }

  // ---- what ends of blocks use

  /** The block at eip if it is known without effort, else null with EIP stored. */
  Block find(int eip) {
    Block b = cache.jump(eip, mode);
    if (b != null && b.generation == generation) return b;
    return go(eip);
  }

  /** Goes on at eip through the slow way, which looks at everything that may have changed. */
  Block go(int eip) {
    eip(eip);
    return null;
  }

  /** Near branch targets must lie inside the code segment. */
  void checkTarget(int eip) {
    if ((mode & Mode.CS_FLAT) == 0 && Integer.compareUnsigned(eip, segments.limit(CS)) > 0) throw gp(0);
  }

  /** Leaves for the Host with EIP at an instruction that is not executed. */
  Block leave(Exit why, int vector, int eip, int length) {
    fault.set(why, vector, 0, false).length = length;
    exit = why;
    retired--;
    return go(eip);
  }

  // ---- faults

  GuestFault gp(int selector) {
    return fault.withCode(GuestFault.GP, selector & 0xFFFC);
  }

  GuestFault ud() {
    return fault.plain(GuestFault.UD);
  }

  void privileged() {
    if (cpl() != 0) throw gp(0);
  }

  // ---- registers

  int eip() {
    return Native.get32(state + EIP);
  }

  void eip(int value) {
    Native.set32(state + EIP, value);
  }

  int get(int register) {
    return Native.get32(state + register);
  }

  void set(int register, int value) {
    Native.set32(state + register, value);
  }

  int cpl() {
    return Native.get32(state + CPL);
  }

  void cpl(int level) {
    Native.set32(state + CPL, level);
    mmu.setUser(level == 3);
  }

  int iopl() {
    return get(EFLAGS) >>> 12 & 3;
  }

  public int eflags() {
    return Flags.all(state);
  }

  public void setEflags(int value) {
    Flags.setAll(state, value);
    changeMode();
  }

  public void setCr0(int value) {
    int changed = get(CR0) ^ value;
    set(CR0, value | 0x10);
    if ((changed & 0x80010001) != 0) flushTlb();
    changeMode();
  }

  public void setCr3(int value) {
    set(CR3, value);
    flushTlb();
  }

  public void setCr4(int value) {
    set(CR4, value);
    flushTlb();
  }

  /** Works out the mode again after segments, CPL or EFLAGS.AC changed. */
  void changeMode() {
    mode = segments.flatness() | cpl() << Mode.CPL_SHIFT | (breakpoints != null ? Mode.STEPS : 0);
    if (cpl() == 3 && (get(CR0) & 1 << 18) != 0 && (get(EFLAGS) & Flags.AC) != 0) {
      mode = mode & ~(Mode.DS_FLAT | Mode.ES_FLAT | Mode.SS_FLAT | Mode.FS_OPEN | Mode.GS_OPEN) | Mode.ALIGNMENT;
    }
    set(MODE, mode);
  }

  // ---- stack

  int stackMask() {
    return (mode & Mode.STACK32) != 0 ? -1 : 0xFFFF;
  }

  /** Replaces the part of ESP the stack's width covers. */
  void esp(int value) {
    if ((mode & Mode.STACK32) != 0) set(ESP, value);
    else Native.set16(state + ESP, value);
  }

  void push(int size, int value) {
    int offset = get(ESP) - size & stackMask();
    int linear = segments.check(SS, offset, size, true);
    if (size == 4) mmu.write32(linear, value);
    else mmu.write16(linear, value);
    esp(offset);
  }

  /** Faults unless so many pushes of that size would succeed. */
  void probePushes(int count, int size) {
    for (int i = 1; i <= count; i++) mmu.probeWrite(segments.check(SS, get(ESP) - i * size & stackMask(), size, true), size);
  }

  /** The n-th element from the top, zero-extended. */
  int peekStack(int n, int size) {
    int linear = segments.check(SS, get(ESP) + n * size & stackMask(), size, false);
    return size == 4 ? mmu.read32(linear) : mmu.read16(linear) & 0xFFFF;
  }

  void pop(int bytes) {
    esp(get(ESP) + bytes);
  }

  // ---- other threads

  public void requestExit() {
    REQUEST_WORD.setVolatile(block, (long) REQUEST, 1);
  }

  /** Cheap: also asked inside repeated string instructions. */
  boolean requestPending() {
    return Native.get32(state + REQUEST) != 0 && !isolated;
  }

  private boolean requested() {
    if (!requestPending()) return false;
    REQUEST_WORD.setVolatile(block, (long) REQUEST, 0);
    return true;
  }

  public void memoryWritten(long physical, long length) {
    foreign.add(physical, length, mmu, cache.pages());
  }

  public long instructions() {
    return Native.get64(state + INSTRUCTIONS);
  }

  public CpuStatistics statistics() {
    return new CpuStatistics(cache.decoded, cache.dropped, mmu.misses, mmu.flushes, translator == null ? Map.of() : translator.statistics());
  }

  // ---- what the Host does between runs

  public boolean loadSegment(int register, int selector) {
    if (register == CS) throw new IllegalArgumentException("CS is loaded by far transfers; use setSegment");
    try {
      segments.load(register, selector);
      return true;
    } catch (GuestFault f) {
      return false;
    }
  }

  public void descriptorsChanged() { Native.set8(state + SEGMENTS_CURRENT, 0); }

  public void setSegment(int register, int selector, long descriptor) {
    descriptorsChanged();
    segments.set(register, selector, descriptor);
    if (register == CS) cpl(selector & 3);
    changeMode();
  }

  public void setInnerStack(int ss, int esp) {
    set(INNER_SS, ss);
    set(INNER_ESP, esp);
  }

  public boolean deliver(int selector, int offset, int eflags, boolean pushErrorCode, int errorCode) {
    open();
    return new Delivery(this).deliver(selector, offset, eflags, pushErrorCode, errorCode);
  }

  public void flushTlb() {
    mmu.flush();
    if (translator != null) translator.forgetJumps();
    newGeneration();
  }

  public void flushTlbPage(int linear) {
    // A large page may have many entries.
    if ((get(CR4) & Mmu.PSE) != 0) flushTlb();
    else flushTlbRange(linear, 1);
  }

  public void flushTlbRange(int linear, long length) {
    mmu.flushRange(linear, length);
    if (translator != null) translator.forgetJumps(linear, length);
    if (cache.looked(linear, length)) newGeneration();
  }

  private void newGeneration() {
    generation++;
    cache.newGeneration();
  }

  public int peek(int linear) {
    open();
    long physical = mmu.peek(linear);
    return physical < 0 ? -1 : Native.get8(mmu.host((int) physical)) & 0xFF;
  }

  public long physicalAddress(int linear) {
    open();
    return mmu.peek(linear);
  }

  public void close() {
    if (closed) return;
    closed = true;
    if (translator != null) translator.close();
  }

  /** Guest memory may be gone after close. */
  private void open() {
    if (closed) throw new IllegalStateException("this processor is closed");
  }
}
