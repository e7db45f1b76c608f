package lguest.cpu.x86.translate;

import static lguest.cpu.x86.state.CpuState.*;

import java.lang.foreign.FunctionDescriptor;
import java.lang.foreign.Linker;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.lang.invoke.MethodHandle;
import java.util.LinkedHashMap;
import java.util.Locale;
import java.util.Map;
import java.util.Optional;
import lguest.cpu.x86.decode.Instruction;
import lguest.cpu.x86.decode.Mnemonic;
import lguest.cpu.x86.mmu.Mmu;
import lguest.cpu.x86.state.Flags;
import lguest.cpu.x86.state.GuestFault;
import lguest.cpu.x86.state.Mode;
import lguest.cpu.x86.state.Native;

/**
 * The second engine: emits x86-64 code for what the guest runs, and runs that.
 *
 * <p>
 * Tour 5.11: The guest's own instructions, on the processor below
 *
 * <p>The host's processor knows all the guest's instructions; only addresses and privileges must not be its own. So a basic block is copied, almost word for word, into code of ours: ESP
 * renamed, every memory access led through the soft TLB first, jumps led to other copies. It shares state, soft TLB and MMU with the interpreter, to which it leaves every instruction it does not know, every access that crosses a page or hits code, and every fault.
 * What stands and where, {@link CodeCache} knows. A block is compiled when it is first reached; there is no warm-up, and nothing is ever compiled twice while it stands. Code memory is a ring of regions: where the last is full, the code of the first is forgotten, and with it all code of the same pages, since pages are what jumps lead directly in.
 *
 * <p>A fault in emitted code would end the JVM, so there must be none. What carries that:
 * <ul>
 * <li>Memory of the guest is reached only through addresses that {@link AccessEmitter} has just taken from the soft TLB, or from a loop's copy of an entry ({@link LoopSites}), for as many bytes as were checked. The MMU
 *     empties the copies whenever it takes anything away from an entry; it and {@link Walker} enter only frames
 *     below the guest's size, as anonymous memory that lives as long as the processor. Pages with code have no write tag, so no store spoils code unnoticed.
 * <li>Divisions are emitted behind a test that the quotient fits. Floating-point code runs only while all its exceptions are masked (see {@link Stubs}); operands of SSE that must be
 *     aligned are tested.
 * <li>Nothing privileged and no instruction that the table does not have is ever emitted; those are the interpreter's. INT, IRET and loads of segment registers repeat what the interpreter
 *     has made of the same selectors before ({@link Crossing}), and lead to code of a mode in which all segments that emitted code does not check are flat.
 * <li>RSP is the host's, the direction flag is clear but for the repetitions of {@link StringEmitter} that go downwards, which cannot fault either, and control leaves emitted code by the one exit stub only. Jumps are patched to the beginnings of blocks that stand; when
 *     blocks are forgotten while code that jumps to them may stand, that code lies in the same page and is forgotten with them, or finds them through the jump cache, whose
 *     generation has changed. Jumps lead directly only to blocks of the same page, and no page keeps a block when the region of code memory that one of its blocks lies in is used again; a block of one instruction
 *     that lies on two pages is reached through the jump cache alone, as long as both are what they were. What the {@link BlockTable} finds again was looked up by the physical address that
 *     EIP has just been translated to, and leaves it with the block's page.
 * </ul>
 */
public final class Translator implements AutoCloseable {
  /** The rest of the processor, as seen from here. */
  public interface Processor {
    Mmu mmu();

    int mode();

    /** Emitted code has changed level and mode in the state block. */
    void modeChanged();

    /** Executes INT; whether that needed no Host. */
    boolean interrupt(int vector, int eip, int length);

    /** What {@link #interpret} wants for the one instruction at EIP. Throws GuestFault when it cannot be fetched. */
    Object prepare();

    /** Brings the x87 state, if the interpreter has changed it, into the state block. */
    void settleX87();

    /** Executes what {@link #prepare} made, leaving EIP at the next instruction, and counts it. False when the run must end: the reason stands with the processor. */
    boolean interpret(Object prepared);
  }

  /** See {@link #flagsSettled}. */
  public static final int SETTLED = Liveness.REACH;

  /** Name of a system property: MiB of code memory, 2 to 512. The default is five times what a Linux with a hundred programs fills. */
  private static final String CODE_MIB = "lguest.cpu.code";
  private static final int DEFAULT_CODE_MIB = 48, MOST_CODE_MIB = 512;
  /** Instructions between two looks at what other threads want; below 2^24, see BlockEmitter. */
  private static final int SLICE = 100_000;
  private static final int ALWAYS_CHECKED = 4;
  private static final int CHECKED_ONE_IN = 61;

  private static final MethodHandle ENTER = Linker.nativeLinker()
      .downcallHandle(FunctionDescriptor.ofVoid(ValueLayout.JAVA_LONG, ValueLayout.JAVA_LONG));

  private final Processor processor;
  private final long state;
  private final CodeMemory memory;
  private final Stubs stubs;
  private final Exits exits;
  private final X87Pointers x87Pointers;
  private final CodeCache cache;
  private final MemorySegment enter;
  private boolean separate;
  /** Budget of the run, and how much of it the interpreter used. */
  private int given;
  private int interpreted;
  private int flagsAlive = Flags.ARITHMETIC;
  /** See {@link #flagsSettled}: flags that are, and after how many instructions more all are in any case. */
  private int flagsRight = Flags.ARITHMETIC;
  private int unsettled;
  private boolean faulted;
  /** The next block is to be one without groups. */
  private boolean plain;
  // Counters: by kind of exit, by mnemonic.
  private final long[] left = new long[Exits.KINDS.length];
  private final long[] stepped = new long[Mnemonic.values().length];

  private Translator(Processor processor, long state, long memorySize, CodeMemory memory) {
    this.processor = processor;
    this.state = state;
    this.memory = memory;
    exits = new Exits(state, BlockCompiler.REGIONS);
    x87Pointers = new X87Pointers(state, exits);
    stubs = new Stubs(memory);
    cache = new CodeCache(processor, state, memorySize, memory, stubs, exits);
    enter = MemorySegment.ofAddress(memory.address(stubs.enter));
  }

  /** Empty where code cannot be emitted: another host processor, or a system that does not allow it. */
  public static Optional<Translator> create(Processor processor, long state, long memorySize) {
    int mib = Math.clamp(Integer.getInteger(CODE_MIB, DEFAULT_CODE_MIB), 2, MOST_CODE_MIB) & ~1;
    return CodeMemory.allocate((long) mib << 20).map(memory -> new Translator(processor, state, memorySize, memory));
  }

  /** Whether code of this mode, with these flags, can be run here at all. */
  public static boolean runs(int mode, int eflags) { return (mode & (Mode.FLAT | Mode.STEPS)) == Mode.FLAT && (eflags & Flags.TF) == 0; }

  /**
   * Runs from EIP until {@code budget} instructions or a slice are used up, fewer are left than the next block has, the mode is not for us any more, or the processor has something to
   * say. EIP is then the next instruction's. Throws GuestFault with EIP at the faulting instruction. {@link #retired} counts in every case.
   *
   * @return whether anything was executed
   */
  public boolean run(long budget) {
    given = (int) Math.min(budget, SLICE);
    interpreted = 0;
    plain = faulted = false;
    setLeft(given);
    if (!separate && runs(processor.mode(), Native.get32(state + EFLAGS))) {
      // Emitted code finds itself faster than we do. If not, it says LOOKUP.
      if (!execute(memory.address(stubs.resume))) return left() != given;
    }
    while (left() > 0) {
      CodePages.Block block = locate();
      if (block == null || block.instructions > left()) break;
      boolean goesOn = block.instructions == 0 ? interpret(block) : execute(memory.address(block.direct));
      if (!goesOn) break;
    }
    return left() != given;
  }

  /** The last {@link #run} ended with a fault, which the processor knows, with EIP at the faulting instruction. Some faults are thrown instead. */
  public boolean faulted() { return faulted; }

  /** Instructions the last {@link #run} retired, without those the interpreter counted. */
  public long retired() { return given - left() - interpreted; }

  /** See CpuStatistics. Any thread; may lag. */
  public Map<String, Long> statistics() {
    Map<String, Long> all = new LinkedHashMap<>();
    all.put("blocks", cache.compiled());
    all.put("code", cache.used());
    all.put("forgotten", cache.forgotten());
    all.put("served.misses", Native.get64(state + SERVED_MISSES));
    all.put("served.lookups", Native.get64(state + SERVED_LOOKUPS));
    for (int i = 0; i < left.length; i++) if (left[i] != 0) all.put("left." + Exits.KINDS[i], left[i]);
    for (Mnemonic m : Mnemonic.values()) if (stepped[m.ordinal()] != 0) all.put("stepped." + m.name().toLowerCase(Locale.ROOT), stepped[m.ordinal()]);
    return all;
  }

  /** Blocks are never linked to each other, so that each comes back here, and do only what both engines do bit for bit. */
  public void separate() {
    separate = true;
    cache.separate();
  }

  /** Length in instructions of the block at EIP, 0 when it is the interpreter's; negated when it was run often enough before to be believed this time. May fault. */
  public int next() {
    CodePages.Block block = locate();
    if (block == null || block.instructions == 0) return 0;
    block.runs++;
    return block.runs <= ALWAYS_CHECKED || block.runs % CHECKED_ONE_IN == 0 ? block.instructions : -block.instructions;
  }

  /** Forgets that arithmetic flags were dead where emitted code was left. */
  public void allFlagsAlive() { flagsAlive = flagsRight = Flags.ARITHMETIC; }

  /** Whether all arithmetic flags are what they must be. Emitted code was perhaps left where some were dead; those will all be written by the next {@link #SETTLED} instructions, none of which faults before. */
  public boolean flagsSettled() { return flagsRight == Flags.ARITHMETIC || unsettled == 0; }

  /** The interpreter is about to execute the instruction at EIP. Fetching it may fault. */
  public void aboutToStep() {
    if (flagsSettled()) return;
    unsettled--;
    if (!runs(processor.mode(), Native.get32(state + EFLAGS))) {
      // Whatever changes that shows all flags.
      unsettled = 0;
      return;
    }
    Instruction i = cache.current();
    if (i != null) flagsRight |= Liveness.killed(i);
  }

  /** Arithmetic flags that are right now: those that could still be read where emitted code was last left. What the interpreter has set since may be right besides. */
  public int flagsAlive() { return flagsAlive; }

  // ---- running

  /** Runs emitted code until it leaves for something else than a soft TLB miss. False when the run must end. */
  private boolean execute(long code) {
    // The way in knows flags that stand in EFLAGS only.
    if (Native.get32(state + FLAG_KIND) != Flags.EAGER) Flags.setArithmetic(state, Flags.arithmetic(state));
    processor.settleX87();
    Native.set8(state + FPU_LOADED, 0);
    for (;;) {
      cache.useGeneration();
      try {
        ENTER.invokeExact(enter, state, code);
      } catch (Throwable e) {
        throw new AssertionError("emitted code does not throw", e);
      }
      if (Native.get32(state + MODE) != processor.mode()) {
        processor.modeChanged();
        cache.modeChanged();
      }
      int id = Native.get32(state + EXIT_ID);
      int kind = exits.kind(id);
      left[kind]++;
      flagsAlive = exits.alive(id);
      if (!exits.ofNoBlock(id) || left() != given) {
        flagsRight = exits.shown(id);
        unsettled = SETTLED;
      }
      if (Native.get8(state + FPU_LOADED) != 0) x87Pointers.settle(id);
      switch (kind) {
        case Exits.CHAIN -> {
          setEip(exits.eip(id));
          return true;
        }
        case Exits.LOOKUP, Exits.MODE -> {
          setEip(Native.get32(state + EXIT_VALUE));
          return true;
        }
        case Exits.TWIN -> {
          setEip(exits.eip(id));
          cache.linkTwin(id);
          plain = true;
          return true;
        }
        case Exits.GROUP_LOAD, Exits.GROUP_STORE -> {
          if (!fillGroup(id)) {
            setLeft(left() + exits.unused(id));
            setEip(exits.eip(id));
            plain = true;
            return true;
          }
          code = memory.address(exits.place(id));
        }
        default -> {
          // The instruction was not executed, nor those behind it.
          if (kind == Exits.COUNT || kind == Exits.INTERPRET) {
            setLeft(left() + exits.unused(id));
            setEip(exits.eip(id));
            return kind == Exits.COUNT || interpretHere();
          }
          if (kind == Exits.LOOP) {
            setLeft(left() + exits.unused(id));
            setEip(exits.eip(id));
            cache.compileWithoutSites(processor.mmu().fetch(exits.place(id)));
            return true;
          }
          if (kind == Exits.INT) {
            setLeft(left() + exits.unused(id));
            boolean done = processor.interrupt(exits.bytes(id), exits.eip(id), exits.place(id));
            if (done) setLeft(left() - 1);
            return done;
          }
          int forgotJumps = cache.forgotJumps();
          long host = fill(id);
          if (host > 0 && cache.forgotJumps() == forgotJumps) {
            code = memory.address(exits.place(id));
            continue;
          }
          setEip(exits.eip(id));
          setLeft(left() + exits.unused(id));
          if (host != Mmu.FAULT) return interpretHere();
          faulted = true;
          return false;
        }
      }
    }
  }

  /** Walks the page tables for a miss. {@link Mmu#FAULT}; 0 when that cannot help, since the access crosses a page or stores to code; else more. */
  private long fill(int id) {
    int linear = Native.get32(state + EXIT_VALUE);
    if ((linear & 0xFFF) + exits.bytes(id) > 0x1000) return 0;
    return processor.mmu().tryAccess(linear, exits.kind(id) == Exits.STORE);
  }

  /** The same for a group, without a fault: who is to blame shows when its members are accessed one by one. */
  private boolean fillGroup(int id) {
    int forgotJumps = cache.forgotJumps();
    return processor.mmu().tryAccess(Native.get32(state + EXIT_VALUE), exits.kind(id) == Exits.GROUP_STORE) > 0 && cache.forgotJumps() == forgotJumps;
  }

  /** The block at EIP, compiled if it was not there; null when the mode is not for us. Fetching may fault. */
  private CodePages.Block locate() {
    if (!runs(processor.mode(), Native.get32(state + EFLAGS))) return null;
    boolean without = plain;
    plain = false;
    return cache.locate(without);
  }

  private boolean interpretHere() {
    CodePages.Block block = locate();
    return block != null && interpret(block);
  }

  /** The instruction at EIP, which is the block's first. */
  private boolean interpret(CodePages.Block block) {
    stepped[block.mnemonic.ordinal()]++;
    Object prepared = block.interpreted;
    if (prepared == null) {
      prepared = processor.prepare();
      // Bytes on another page may change without this block being dropped.
      if (!block.crosses()) block.interpreted = prepared;
    }
    setLeft(left() - 1);
    interpreted++;
    return processor.interpret(prepared);
  }

  // ---- forgetting

  /** Linear addresses may mean other code than before. */
  public void forgetJumps() { cache.forgetJumps(); }

  /** The same, but only those in [linear, linear + length). */
  public void forgetJumps(int linear, long length) { cache.forgetJumps(linear, length); }

  public boolean hasCode(int page) { return cache.hasCode(page); }

  /** A store to these bytes is coming: whether it spoils emitted code. */
  public boolean touches(int physical, int length) { return cache.touches(physical, length); }

  /** Forgets the code of a page. A block of it that is running right now runs to its end. */
  public void dropPage(int page) { cache.dropPage(page); }

  // ---- state

  private int left() { return Native.get32(state + BUDGET); }

  private void setLeft(int instructions) { Native.set32(state + BUDGET, instructions); }

  private void setEip(int value) { Native.set32(state + EIP, value); }

  @Override
  public void close() {
    cache.close();
    memory.close();
  }
}
