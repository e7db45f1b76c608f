package lguest.cpu.x86.translate;

import static lguest.cpu.x86.state.CpuState.EXITS;

import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.util.ArrayDeque;
import java.util.ArrayList;
import java.util.Deque;
import java.util.List;
import lguest.cpu.x86.state.Flags;
import lguest.cpu.x86.state.Native;

/**
 * Where emitted code can leave, and what is to be done there. Code says only the number of its exit; the rest stands here, so that code stays small.
 * Numbers belong to a region of code memory, in chunks, and are free again with it; those of one block follow each other. The table is native memory: {@link Stubs} looks at it, too.
 */
final class Exits {
  /**
   * Kinds. INTERPRET: the interpreter executes the instruction at {@link #eip}. LOAD, STORE: the soft TLB has no entry for the linear address in state.EXIT_VALUE;
   * GROUP_LOAD, GROUP_STORE: the same for a group of accesses. These four stand together, the stores with even numbers.
   */
  static final int INTERPRET = 0, LOAD = 1, STORE = 2, GROUP_LOAD = 3, GROUP_STORE = 4;
  /** CHAIN: goes to {@link #eip} in the same page; the jump at {@link #place} may be patched, to the entry that fits the {@link GuestFlags.Home} whose number stands in {@link #bytes}. LOOKUP: goes to the EIP in state.EXIT_VALUE. COUNT: the instruction budget is used up, before the block at {@link #eip}.
   * SITE: no exit, but an entry that state.X87_SITE may name. */
  static final int LOOKUP = 5, CHAIN = 6, COUNT = 7, SITE = 8;
  /** TWIN: a group of accesses crosses a page; the jump at {@link #place} may be patched. */
  static final int TWIN = 9;
  /** MODE: goes to the EIP in state.EXIT_VALUE, in a mode that perhaps has no generation of the jump cache. */
  static final int MODE = 10;
  /** INT: an INT instruction at {@link #eip} for the processor; its length and vector stand in {@link #place} and {@link #bytes}. */
  static final int INT = 11;
  /** LOOP: in the loop that begins at the EIP in {@link #place}, an access does not keep to a page for long enough ({@link LoopSites}); the instruction at {@link #eip} was not executed. */
  static final int LOOP = 12;
  /** Number of an exit that belongs to no block, of kind LOOKUP; behind it is one of kind MODE. */
  static final int ONWARD = 0;
  /** In {@link #x87}: no x87 instruction has completed in this block. */
  static final int NO_X87 = -1;

  /** Their names. */
  static final String[] KINDS = {"interpret", "load", "store", "group_load", "group_store", "lookup", "chain", "count", "site", "twin", "mode", "int", "loop"};

  /** Where things stand in an entry, in bytes, and its size: two to the power of {@link #SHIFT}. */
  static final int KIND = 0, PLACE = 12, BYTES = 16, SHIFT = 5;
  private static final int EIP = 4, UNUSED = 8, FLAGS = 20, FIP = 24, X87 = 28;
  /** Numbers in a chunk, and how many of them a block may need at most. */
  private static final int CHUNK = 4096, MOST_OF_A_BLOCK = 1024;

  private final long state;
  private MemorySegment table;
  /** Chunks of the table that were ever used; those that are free again; and by region those that are not. */
  private int chunks;
  private final Deque<Integer> free = new ArrayDeque<>();
  private final List<List<Integer>> taken = new ArrayList<>();
  private int region;
  /** The next number, and the first that is not of its chunk. */
  private int next;
  private int end;

  /** For the processor with its state there, and code memory of so many regions. */
  Exits(long state, int regions) {
    this.state = state;
    for (int i = 0; i < regions; i++) taken.add(new ArrayList<>());
    make(1);
    // The first chunk belongs to no region.
    end = CHUNK;
    chunks = 1;
    add(LOOKUP, 0, 0, 0, 0, Flags.ARITHMETIC, Flags.ARITHMETIC, 0, NO_X87);
    add(MODE, 0, 0, 0, 0, Flags.ARITHMETIC, Flags.ARITHMETIC, 0, NO_X87);
    next = end;
  }

  private void make(int chunks) {
    table = Arena.ofAuto().allocate((long) chunks * CHUNK << SHIFT, 64);
    Native.set64(state + EXITS, table.address());
  }

  /** Those of a region are forgotten, and from now on all are its own. */
  void begin(int region) {
    this.region = region;
    free.addAll(taken.get(region));
    taken.get(region).clear();
    next = end;
  }

  /** A block is coming. The number of its first exit. */
  int beginBlock() {
    if (end - next < MOST_OF_A_BLOCK) {
      int chunk = free.isEmpty() ? chunks++ : free.pop();
      taken.get(region).add(chunk);
      if ((long) chunks * CHUNK << SHIFT > table.byteSize()) {
        MemorySegment before = table;
        make(chunks * 2);
        table.copyFrom(before);
      }
      next = chunk * CHUNK;
      end = next + CHUNK;
    }
    return next;
  }

  /**
   * @param eip of the instruction that was not executed
   * @param unused instructions of the block, from that one on: the budget gets them back
   * @param place offset in code memory: where to resume after LOAD and STORE, what to patch for CHAIN
   * @param bytes size of a LOAD or STORE
   * @param shown arithmetic flags that are the guest's there; others will be overwritten unseen
   * @param alive those of them that the manual defines; others are this processor's affair
   * @param fip EIP of the last x87 instruction of the block that has completed
   * @param x87 its FOP, and above bit 16 the segment + 1 of the last memory operand of one, 0 for none; or {@link #NO_X87}
   */
  int add(int kind, int eip, int unused, int place, int bytes, int shown, int alive, int fip, int x87) {
    if (next == end) throw new IllegalStateException("a block with more than " + MOST_OF_A_BLOCK + " exits");
    set(next, KIND, kind);
    set(next, EIP, eip);
    set(next, UNUSED, unused);
    set(next, PLACE, place);
    set(next, BYTES, bytes);
    set(next, FLAGS, shown << 16 | alive);
    set(next, FIP, fip);
    set(next, X87, x87);
    return next++;
  }

  private void set(int id, int field, int value) { Native.set32(table.address() + ((long) id << SHIFT) + field, value); }

  private int get(int id, int field) { return Native.get32(table.address() + ((long) id << SHIFT) + field); }

  /** It says nothing of flags: they are as they were when the last block was left. */
  boolean ofNoBlock(int id) { return id < CHUNK; }

  int kind(int id) { return get(id, KIND); }

  int eip(int id) { return get(id, EIP); }

  int unused(int id) { return get(id, UNUSED); }

  int place(int id) { return get(id, PLACE); }

  int bytes(int id) { return get(id, BYTES); }

  int shown(int id) { return get(id, FLAGS) >>> 16; }

  int alive(int id) { return get(id, FLAGS) & 0xFFFF; }

  int fip(int id) { return get(id, FIP); }

  int x87(int id) { return get(id, X87); }

  /** The number behind the last one. */
  int end() { return next; }

  /** Takes back all from number {@code id} of the block on. */
  void truncate(int id) { next = id; }
}
