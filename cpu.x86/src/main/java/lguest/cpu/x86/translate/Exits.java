package lguest.cpu.x86.translate;

import java.util.Arrays;

/**
 * Where emitted code can leave, and what is to be done there. Code says only the number of its exit; the rest stands here, so that code stays small.
 * Numbers are handed out in order and forgotten all at once, with the code.
 */
final class Exits {
  /** Kinds. INTERPRET: the interpreter executes the instruction at {@link #eip}. LOAD, STORE: the soft TLB has no entry for the linear address in state.EXIT_VALUE. */
  static final int INTERPRET = 0, LOAD = 1, STORE = 2;
  /** CHAIN: goes to {@link #eip} in the same page; the jump at {@link #place} may be patched. LOOKUP: goes to the EIP in state.EXIT_VALUE. COUNT: the instruction budget is used up, before the block at {@link #eip}.
   * SITE: no exit, but an entry that state.X87_SITE may name. */
  static final int CHAIN = 3, LOOKUP = 4, COUNT = 5, SITE = 6;
  /** Like LOAD and STORE, for a group of accesses. TWIN: it cannot be accessed as one; the jump at {@link #place} may be patched. */
  static final int GROUP_LOAD = 7, GROUP_STORE = 8, TWIN = 9;
  /** In {@link #x87}: no x87 instruction has completed in this block. */
  static final int NO_X87 = -1;

  /** Their names. */
  static final String[] KINDS = {"interpret", "load", "store", "chain", "lookup", "count", "site", "group_load", "group_store", "twin"};

  private static final int FIELDS = 8;
  private int[] data = new int[FIELDS * 4096];
  private int count;

  /**
   * @param eip of the instruction that was not executed
   * @param unused instructions of the block, from that one on: the budget gets them back
   * @param place offset in code memory: where to resume after LOAD and STORE, what to patch for CHAIN
   * @param bytes size of a LOAD or STORE
   * @param alive arithmetic flags somebody may still read and the manual defines; others are not kept, or this processor's affair
   * @param fip EIP of the last x87 instruction of the block that has completed
   * @param x87 its FOP, and above bit 16 the segment + 1 of the last memory operand of one, 0 for none; or {@link #NO_X87}
   */
  int add(int kind, int eip, int unused, int place, int bytes, int alive, int fip, int x87) {
    int at = count * FIELDS;
    if (at == data.length) data = Arrays.copyOf(data, data.length * 2);
    data[at] = kind;
    data[at + 1] = eip;
    data[at + 2] = unused;
    data[at + 3] = place;
    data[at + 4] = bytes;
    data[at + 5] = alive;
    data[at + 6] = fip;
    data[at + 7] = x87;
    return count++;
  }

  int kind(int id) { return data[id * FIELDS]; }

  int eip(int id) { return data[id * FIELDS + 1]; }

  int unused(int id) { return data[id * FIELDS + 2]; }

  int place(int id) { return data[id * FIELDS + 3]; }

  int bytes(int id) { return data[id * FIELDS + 4]; }

  int alive(int id) { return data[id * FIELDS + 5]; }

  int fip(int id) { return data[id * FIELDS + 6]; }

  int x87(int id) { return data[id * FIELDS + 7]; }

  int size() { return count; }

  /** Forgets all from number {@code size} on. */
  void truncate(int size) { count = size; }
}
