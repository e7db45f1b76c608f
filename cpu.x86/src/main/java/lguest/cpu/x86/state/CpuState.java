package lguest.cpu.x86.state;

/**
 * Layout of the state block.
 *
 * <p>
 * Tour 5.2: Where a processor keeps itself
 *
 * <p>A processor is the contents of its registers and nothing else; ours is some half a MiB of native memory, nearly all of it soft TLB. The interpreter
 * and the
 * machine code of the translator work on the same bytes, so a run may change hands between them at any instruction. Slots are
 * 8 bytes
 * wide where 64-bit mode will need them to be; today the low half counts.
 *
 * <p>Offsets are in bytes from the start, which is 64-byte aligned.
 */
public final class CpuState {
  private CpuState() {}

  // General registers, in encoding order.
  public static final int EAX = 0x00, ECX = 0x08, EDX = 0x10, EBX = 0x18, ESP = 0x20, EBP = 0x28, ESI = 0x30, EDI = 0x38;

  // The translator's own, see below; what emitted code uses most is where short displacements reach.
  /** Address of the jump cache, and the generation (shifted by 32) its entries must have. */
  public static final int JUMP_CACHE = 0x40, GENERATION = 0x48;
  /** A value that one instruction carries from its first memory access to its second. */
  public static final int SCRATCH = 0x50;
  /** Arithmetic flags out of the way: high byte as LAHF, low byte OF. */
  public static final int SAVED_FLAGS = 0x58;
  /** The instruction budget when emitted code last came to a loop of one block from elsewhere, see translate.GuestFlags. */
  public static final int LOOP_FIRST = 0x5C;
  /** What of {@link #FXSAVE} stands in the host's own unit and may be used there: 1 x87, 2 SSE. One byte. */
  public static final int FPU_LOADED = 0x60, FPU_X87 = 1, FPU_SSE = 2;
  /** Number + 1 of the exit entry that knows the last x87 instruction of the last block that had one; 0 for none. And its operand's segment + 1. */
  public static final int X87_SITE = 0x68, X87_SEGMENT = 0x6C;

  /**
   * Next instruction. The interpreter stores it when it leaves a chain of blocks or an instruction wants it, not per
   * instruction.
   */
  public static final int EIP = 0x80;
  /** All bits but OF SF ZF AF PF CF, which count only while {@link #FLAG_KIND} is {@link Flags#EAGER}. */
  public static final int EFLAGS = 0x88;
  /** The lazy flags, see {@link Flags}: kind, result, first and second operand. */
  public static final int FLAG_KIND = 0x90, FLAG_RESULT = 0x98, FLAG_A = 0xA0, FLAG_B = 0xA8;
  public static final int CR0 = 0xB0, CR2 = 0xB8, CR3 = 0xC0, CR4 = 0xC8;
  /** Current privilege level, 0..3. */
  public static final int CPL = 0xD0;
  /** What decoded code depends on besides its bytes, see {@link Mode}. */
  public static final int MODE = 0xD4;
  /** Always zero: the absent base or index of an effective address points here, so that addressing has one form. */
  public static final int ZERO = 0xD8;
  /** Instructions retired, 64 bits, written by the vCPU thread. */
  public static final int INSTRUCTIONS = 0xE0;
  /** Not 0: leave at the next block boundary. Set by any thread. */
  public static final int REQUEST = 0xE8;
  /** SS and ESP an exception handler of inner privilege starts with: what a TSS would say. */
  public static final int INNER_SS = 0xF0, INNER_ESP = 0xF4;
  /** DR0..DR7, 8 bytes each. */
  public static final int DR = 0x100;
  /** Table registers as LGDT and LIDT leave them: limit (4 bytes), base. The GDT itself is the Host's. */
  public static final int GDTR_LIMIT = 0x140, GDTR_BASE = 0x148, IDTR_LIMIT = 0x150, IDTR_BASE = 0x158;
  public static final int LDTR = 0x160, TR = 0x164;
  /** Address of the TLB in use, the supervisor's or the user's. */
  public static final int TLB = 0x168;

  // The translator's own.
  /** Instructions left before emitted code must come back. 32 bits, signed. */
  public static final int BUDGET = 0x170;
  /** Number of the exit last taken, and R8 at that moment: a linear address or an EIP. */
  public static final int EXIT_ID = 0x174, EXIT_VALUE = 0x178;
  /** The JVM's MXCSR and x87 control word, while ours are loaded. */
  public static final int HOST_MXCSR = 0x19C, HOST_FCW = 0x1AC;
  /** While loaded: FOP, then FIP and FCS, then FDP and FDS; the host's own tell of emitted code. */
  public static final int X87_FOP = 0x1A8, X87_FIP = 0x1B0, X87_FDP = 0x1B8;
  /** A bit per segment register: its hidden half is what the descriptor table has for its selector now. One byte. */
  public static final int SEGMENTS_CURRENT = 0x1C0;
  /** R13 of emitted code while it is away: the host address its group of accesses begins at. */
  public static final int GROUP_BASE = 0x1C8;

  /** Model-specific registers 174, 175 and 176. */
  public static final int SYSENTER_CS = 0x1F0, SYSENTER_ESP = 0x1F4, SYSENTER_EIP = 0x1F8;

  /** Segment registers ES CS SS DS FS GS, {@value #SEGMENT_SIZE} bytes each. */
  public static final int SEGMENTS = 0x200, SEGMENT_SIZE = 32;
  /**
   * In a segment: selector; descriptor bits 40..55 as in its high dword (mask 00F0FF00), 0 when unusable; base; last byte,
   * unsigned.
   */
  public static final int SELECTOR = 0, ATTRIBUTES = 4, BASE = 8, LIMIT = 16;
  public static final int ES = 0, CS = 1, SS = 2, DS = 3, FS = 4, GS = 5;

  /** The x87 and SSE state as FXSAVE writes it: 512 bytes, 16-byte aligned. */
  public static final int FXSAVE = 0x400, FXSAVE_SIZE = 512;
  /** In there. MXCSR and XMM0..XMM7 are always as they stand here; x87 and MMX registers may have moved to the unit. */
  public static final int MXCSR = FXSAVE + 24, MXCSR_MASK = FXSAVE + 28, XMM = FXSAVE + 160;

  // What emitted code needs to walk page tables itself, see translate.Walker.
  /** Host address of guest-physical address 0; bytes of guest memory, or 0 while every walk is the MMU's; last linear address that may be mapped. */
  public static final int RAM = 0x600, RAM_SIZE = 0x608, LINEAR_LAST = 0x610;
  /** Bits that present entries must not have. */
  public static final int DIRECTORY_FORBIDDEN = 0x614, TABLE_FORBIDDEN = 0x618;
  /** Address of a byte per physical page: not 0 when code was decoded from it. */
  public static final int CODE_MARKS = 0x620;
  /** How many elements of {@link #FILLED} count, see Mmu.flush; walks so far, 64 bits. */
  public static final int FILLED_COUNT = 0x628, WALKS = 0x630;
  /** Address of the table of exits; arithmetic flags while one is looked at, as in {@link #SAVED_FLAGS}. */
  public static final int EXITS = 0x638, EXIT_FLAGS = 0x640;
  /** Addresses of the table of blocks and of the jump cache's filter of pages. */
  public static final int BLOCKS = 0x648, JUMP_PAGES = 0x650;
  /** What emitted code has done without leaving: misses of the soft TLB and of the jump cache, 64 bits each. */
  public static final int SERVED_MISSES = 0x658, SERVED_LOOKUPS = 0x660;
  /** Not 0: there is something in {@link #LOOPS}. */
  public static final int LOOPS_FILLED = 0x668;

  /** What Shortcuts notes. The system call gate: its vector, or -1 while it is not known where that leads; EIP and level of its handler; host address of the word with IF; how often it was used. */
  public static final int GATE_VECTOR = 0x680, GATE_EIP = 0x684, GATE_LEVEL = 0x688, GATE_INTERRUPT_FLAG = 0x690, GATE_COUNT = 0x698;
  /**
   * Segment registers, like those at {@link #SEGMENTS}, but with a selector of -1 while not known: CS and SS behind the gate, behind a return to level 3, and CS behind a return to the same
   * level.
   */
  public static final int GATE_CS = 0x6A0, GATE_SS = 0x6C0, RETURN_CS = 0x6E0, RETURN_SS = 0x700, SAME_CS = 0x720;
  /** The same for loads of data segments, by bits 3..7 of the selector, at levels 0..2 and then at level 3; the kind of segment and the level stand behind the limit. */
  public static final int LOADABLE = 0x800, LOADABLE_ENTRIES = 64, LOADABLE_KIND = 20, LOADABLE_LEVEL = 24, LOADABLE_FLAT = 1, LOADABLE_OPEN = 2;

  /** Two soft TLBs, for CPL 0..2 and for CPL 3. */
  public static final int TLB_SUPERVISOR = 0x1000;
  /** Entry index is linear bits 12..23. A power of two; large, so that what a program walks through fits beside its stack. */
  public static final int TLB_ENTRIES = 4096, TLB_ENTRY_SHIFT = 5;
  public static final int TLB_SIZE = TLB_ENTRIES << TLB_ENTRY_SHIFT;
  public static final int TLB_USER = TLB_SUPERVISOR + TLB_SIZE;
  /**
   * In an entry, 8 bytes each: the linear page it serves for reads and for writes, or {@link #TLB_INVALID}; host address minus
   * linear
   * address. An access of n bytes at a hits when tag(index(a)) equals the page of a + n - 1, which fails by itself across pages.
   * A page that has decoded code never gets a write tag: stores to it take the slow path, which drops the code.
   */
  public static final int TLB_READ = 0, TLB_WRITE = 8, TLB_ADDEND = 16;
  public static final long TLB_INVALID = 1;

  /** A second pair, for runs whose stores are noted (Mmu.log). */
  public static final int TLB_NOTED = TLB_USER + TLB_SIZE;

  /**
   * TLB entries filled since the last full flush, as offsets of 32 bits: few, when a guest switches often. When there is one more than
   * {@link #MOST_FILLED}, all entries count as filled.
   */
  public static final int FILLED = TLB_NOTED + 2 * TLB_SIZE, MOST_FILLED = 1024;

  /**
   * Copies of TLB entries for loops of emitted code, each for one memory access: the page it was made to last, or {@link #LOOP_NO_PAGE}, which no linear address is near, and the addend, 8 bytes each; the instruction budget at the last time that it was another page, and how
   * often that may happen soon again. See translate.LoopSites. Whatever changes an entry of the TLB for the worse empties them all.
   */
  public static final int LOOPS = FILLED + (MOST_FILLED + 1) * 4 + 60 & ~63, LOOP_ENTRIES = 32, LOOP_SIZE = 32;
  public static final int LOOP_PAGE = 0, LOOP_ADDEND = 8, LOOP_LAST = 16, LOOP_PATIENCE = 20;
  public static final long LOOP_NO_PAGE = 1L << 40;

  public static final int SIZE = LOOPS + LOOP_ENTRIES * LOOP_SIZE;
}
