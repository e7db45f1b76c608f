package lguest.cpu.x86.interpret;

import static lguest.cpu.x86.state.CpuState.*;

import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.lang.invoke.VarHandle;
import java.lang.ref.Reference;
import java.util.Map;
import lguest.cpu.x86.CpuConfig;
import lguest.cpu.x86.CpuStatistics;
import lguest.cpu.x86.Exit;
import lguest.cpu.x86.SystemCallGate;
import lguest.cpu.x86.fpu.X87;
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
 * The processor behind {@link lguest.cpu.x86.Cpu}: state block, MMU, blocks, and what instructions and the Host do to them.
 * {@link Engines} run it.
 */
public final class Core implements Translator.Processor {
  private static final VarHandle REQUEST_WORD = java.lang.foreign.ValueLayout.JAVA_INT.varHandle();
  private static final int BOUNCE_SIZE = 64;

  public final long state;
  public final GuestFault fault = new GuestFault();
  final Mmu mmu;
  final Segments segments;
  final Shortcuts shortcuts;
  final CpuConfig config;
  final BlockCache cache;
  /** The state block, the MMU's scratch area and its marks. Freed with this object, not by close: counters may be asked for after the end. */
  private final MemorySegment block;
  private boolean closed;
  private final X87 x87;
  /** Scratch of SIMD instructions. */
  final FloatUnit floats = new FloatUnit();
  final Vector destination = new Vector(), source = new Vector();
  /** The unit's state may be newer than its image in the state block. */
  private boolean x87Used;
  private final ForeignStores foreign = new ForeignStores();
  private final Loop loop;
  private final Engines engines;
  /** Null when this processor only interprets. */
  private final Translator translator;

  /** Why run must come back; null while it need not. */
  Exit exit;
  /** Counts changes of translations that blocks were found by. */
  int generation;
  /** Same as state slot MODE. */
  int mode;
  /** An instruction that holds off the single-step trap behind it (MOV SS, POP SS). */
  boolean shadow;

  public Core(long memory, long size, CpuConfig config) {
    this.config = config;
    block = Arena.ofAuto().allocate(CpuState.SIZE + BOUNCE_SIZE + (size >>> 12), 4096);
    state = block.address();
    cache = new BlockCache(size);
    mmu = new Mmu(state, state + CpuState.SIZE, state + CpuState.SIZE + BOUNCE_SIZE, memory, size, config, fault, cache);
    cache.mmu(mmu);
    segments = new Segments(this);
    shortcuts = new Shortcuts(this);
    loop = new Loop(this);
    engines = new Engines(this, loop, size);
    translator = engines.translator;
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

  // ---- running

  public Exit run(long maxInstructions) {
    open();
    exit = null;
    foreign.drain(cache);
    try {
      return engines.run(maxInstructions);
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

  long time() {
    return engines.time();
  }

  Translator translator() {
    return translator;
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
  public void modeChanged() {
    mode = get(MODE);
    mmu.setUser(cpl() == 3);
  }

  @Override
  public boolean interrupt(int vector, int eip, int length) {
    if (shortcuts.interrupt(vector, eip + length)) return true;
    exit = Exit.SOFTWARE_INTERRUPT;
    fault.set(exit, vector, 0, false).length = length;
    eip(eip);
    return false;
  }

  @Override
  public Object prepare() {
    return loop.single();
  }

  @Override
  public boolean interpret(Object prepared) {
    loop.interpret((Block) prepared);
    return exit == null && !requestPending();
  }

  /** Instructions run one by one. */
  boolean steps() {
    return loop.stepper().steps();
  }

  /** MOV to a debug register. */
  void setDebug(int number, int value) {
    set(DR + 8 * number, value);
    loop.stepper().debugRegistersChanged();
    changeMode();
  }

  X87 x87() {
    // Emitted code may have changed the image.
    if (!x87Used) x87.reload();
    x87Used = true;
    return x87;
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
    loop.retired--;
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
    mode = segments.flatness() | cpl() << Mode.CPL_SHIFT | (loop.stepper().breaks() ? Mode.STEPS : 0);
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
    return Native.get32(state + REQUEST) != 0 && !engines.isolated();
  }

  /** Whether somebody wants the run to end; asked once, and then what they have stored is known. */
  boolean requested() {
    if (!requestPending()) return false;
    REQUEST_WORD.setVolatile(block, (long) REQUEST, 0);
    foreign.drain(cache);
    return true;
  }

  public void memoryWritten(long physical, long length) {
    foreign.add(physical, length, mmu, cache.pages());
  }

  public long instructions() {
    return Native.get64(state + INSTRUCTIONS);
  }

  public CpuStatistics statistics() {
    return new CpuStatistics(cache.decoded, cache.dropped, mmu.misses(), mmu.flushes, translator == null ? Map.of() : translator.statistics());
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

  public void descriptorsChanged() {
    Native.set8(state + SEGMENTS_CURRENT, 0);
    shortcuts.forget();
  }

  public void systemCallGate(SystemCallGate gate) {
    if (gate != null && (gate.interruptFlag() & 0xFFFFFFFFL) + 4 > mmu.size()) throw new IllegalArgumentException("interrupt flag outside memory");
    shortcuts.gate(gate);
  }

  public void holdSystemCalls(boolean hold) {
    shortcuts.hold(hold);
  }

  public long systemCalls() {
    return shortcuts.crossings();
  }

  public void setSegment(int register, int selector, long descriptor) {
    descriptorsChanged();
    segments.set(register, selector, descriptor);
    if (register == CS) cpl(selector & 3);
    changeMode();
  }

  public void setInnerStack(int ss, int esp) {
    if (ss != get(INNER_SS)) shortcuts.forgetGate();
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
