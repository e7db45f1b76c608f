package lguest.cpu.x86.translate;

import static lguest.cpu.x86.state.CpuState.*;
import static lguest.cpu.x86.translate.Assembler.*;
import static lguest.cpu.x86.translate.Stubs.*;

import lguest.cpu.x86.state.CpuState;
import lguest.cpu.x86.state.Flags;
import lguest.cpu.x86.state.Mode;

/**
 * System calls without Java: into the kernel by INT through the Host's gate, back by IRET, and the loads of segment registers around them. Emitted code checks no descriptor and no
 * privilege. It repeats what the interpreter has done before, from notes (interpret.Shortcuts) that are torn up when a descriptor changes: the segment registers as they were after such a
 * crossing, by selector. What remains to be looked at each time is looked at here: flags, stacks, what the frame holds. Everything else, and every doubt, is the interpreter's: then
 * nothing has been changed.
 *
 * <p>Notes are only taken of crossings that change nothing of the mode but the level, so the new mode is known, and emitted code for it goes on at once.
 */
final class Crossing {
  /** Which stub {@link BlockEmitter#cross} calls. */
  static final int INTERRUPT = 0, RETURN = 1;
  private static final int BELOW = 2, EQUAL = 4, OTHER = 5, ABOVE = 7;
  private static final int FRAME = 20, USER_LEVEL = 3;
  /** Flags that a return leaves to the interpreter, in EFLAGS and in its image; and those that it takes from the image besides the arithmetic ones. */
  private static final int ODD = Flags.TF | Flags.NT | Flags.AC | Flags.VM, TAKEN = Flags.DF | Flags.ID;
  private static final int LOW_FLAGS = Flags.ARITHMETIC & 0xFF;

  private Crossing() {}

  /**
   * The end of all that change mode, leaving by the exits {@code id} and {@code id + 1} if it must: on to the EIP in R8, zero-extended, in the mode in state.MODE, with the arithmetic flags in state.SAVED_FLAGS. Every guest register is in its place.
   *
   * @return where it begins
   */
  static int emitOnward(Assembler a, int exit, int id) {
    int at = a.size();
    a.rmq(0x8B, R10, STATE, JUMP_CACHE);
    a.rm(0x8B, R11, STATE, CpuState.MODE);
    a.rm(0, false, 0x8B, R11, R10, R11, 2, JumpCache.GENERATIONS);
    a.rr(0x85, R11, R11);
    int never = a.jccShort(EQUAL);
    a.rrq(0xC1, 4, R11); a.byte_(32);
    a.rmq(0x89, R11, STATE, GENERATION);
    a.rr(0x0FB7, R9, R8);
    a.rrq(0x03, R11, R8);
    a.rm(0, true, 0x03, R11, R10, R9, 3, 0);
    int miss = a.jccShort(OTHER);
    a.rm(0, false, 0xFF, 4, R10, R9, 3, JumpCache.TARGETS);
    a.hereShort(miss);
    leave(a, exit, id);
    a.hereShort(never);
    leave(a, exit, id + 1);
    return at;
  }

  private static void leave(Assembler a, int exit, int id) {
    GuestFlags.restoreSaved(a);
    a.patchJump(a.call(), exit);
    a.int_(id);
  }

  /** INT, called from level 3 with the next EIP in R8, the vector in R9 and flags in state.SAVED_FLAGS. Returns when it has done nothing. R8 to R11 are destroyed. */
  static void emitInterrupt(Assembler a, int walk, int onward) {
    save(a);
    int again = a.size();
    a.rm(0x3B, R9, STATE, GATE_VECTOR);
    int other = a.jcc(OTHER);
    int pending = x87Pending(a);
    // The frame, which must lie in one page: RCX is its linear address, RDX the host's.
    a.rm(0x8B, RCX, STATE, INNER_ESP);
    a.group1(false, 5, RCX, FRAME);
    a.rr(0x8B, RAX, RCX);
    a.group1(false, 4, RAX, 0xFFF);
    a.group1(false, 7, RAX, 0x1000 - FRAME);
    int crosses = a.jcc(ABOVE);
    a.rr(0x8B, RAX, RCX);
    a.rr(0xC1, 5, RAX); a.byte_(12 - TLB_ENTRY_SHIFT);
    a.group1(false, 4, RAX, TLB_ENTRIES - 1 << TLB_ENTRY_SHIFT);
    a.rm(0, true, 0x8D, RAX, STATE, RAX, 0, TLB_SUPERVISOR);
    a.rr(0x8B, RDX, RCX);
    a.group1(false, 4, RDX, 0xFFFFF000);
    a.rmq(0x3B, RDX, RAX, TLB_WRITE);
    int miss = a.jcc(OTHER);
    a.rmq(0x8B, RDX, RAX, TLB_ADDEND);
    a.rrq(0x03, RDX, RCX);
    // From here on nothing can fail.
    a.rm(0x89, R8, RDX, 0);
    a.rm(0x8B, RAX, STATE, segment(CS) + SELECTOR);
    a.rm(0x89, RAX, RDX, 4);
    a.rm(0x8B, RAX, STATE, EFLAGS);
    a.group1(false, 4, RAX, ~(Flags.ARITHMETIC | Flags.IF));
    a.rmq(0x8B, R10, STATE, GATE_INTERRUPT_FLAG);
    a.rm(0x8B, R10, R10, 0);
    a.group1(false, 4, R10, Flags.IF);
    a.rr(0x09, R10, RAX);
    a.rm(0x0FB6, R10, STATE, SAVED_FLAGS + 1);
    a.group1(false, 4, R10, LOW_FLAGS);
    a.rr(0x09, R10, RAX);
    a.rm(0x0FB6, R10, STATE, SAVED_FLAGS);
    a.rr(0xC1, 4, R10); a.byte_(11);
    a.rr(0x09, R10, RAX);
    a.rm(0x89, RAX, RDX, 8);
    a.rm(0x89, GUEST_ESP, RDX, 12);
    a.rm(0x8B, RAX, STATE, segment(SS) + SELECTOR);
    a.rm(0x89, RAX, RDX, 16);
    a.rr(0x8B, GUEST_ESP, RCX);
    a.group1Memory(false, 4, STATE, EFLAGS, ~(Flags.TF | Flags.NT | Flags.RF | Flags.VM));
    copySegment(a, GATE_CS, CS);
    copySegment(a, GATE_SS, SS);
    level(a, () -> a.rm(0x8B, RAX, STATE, GATE_LEVEL), TLB_SUPERVISOR);
    a.rm(0x8B, R8, STATE, GATE_EIP);
    a.rmq(0xFF, 0, STATE, GATE_COUNT);
    restore(a);
    a.group1(true, 0, RSP, 8);
    a.patchJump(a.jmp(), onward);
    // The inner stack is not in its TLB: walk as the inner level.
    a.here(miss);
    a.plus(false, 0x50, R8);
    a.plus(false, 0x50, R9);
    a.rr(0x8B, R8, RCX);
    a.movImmediate(R9, 1);
    a.rm(0x8B, RAX, STATE, GATE_LEVEL);
    a.rm(0x89, RAX, STATE, CPL);
    use(a, TLB_SUPERVISOR);
    a.patchJump(a.call(), walk);
    a.plus(false, 0x58, R9);
    a.plus(false, 0x58, R8);
    a.patchJump(a.jcc(BELOW + 1), again);
    a.rm(0xC7, 0, STATE, CPL); a.int_(USER_LEVEL);
    use(a, TLB_USER);
    a.here(other);
    a.here(pending);
    a.here(crosses);
    restore(a);
    a.byte_(0xC3);
  }

  /** IRET with 32-bit operands, called from level 1 or 2. Returns when it has done nothing. R8 to R11 are destroyed. */
  static void emitReturn(Assembler a, int onward) {
    int[] fail = new int[16];
    int fails = 0;
    save(a);
    fail[fails++] = x87Pending(a);
    a.rm(0xF7, 0, STATE, EFLAGS); a.int_(ODD | Flags.IOPL);
    fail[fails++] = a.jcc(OTHER);
    // The frame: as long as the longer one, in one page, known to the TLB.
    a.rr(0x8B, RAX, GUEST_ESP);
    Walker.entry(a);
    a.rm(0x8D, RCX, GUEST_ESP, FRAME - 1);
    a.group1(false, 4, RCX, 0xFFFFF000);
    a.rmq(0x3B, RCX, RAX, TLB_READ);
    fail[fails++] = a.jcc(OTHER);
    a.rmq(0x8B, RDX, RAX, TLB_ADDEND);
    a.rrq(0x03, RDX, GUEST_ESP);
    a.rm(0x8B, RCX, RDX, 8);
    a.rr(0xF7, 0, RCX); a.int_(ODD);
    fail[fails++] = a.jcc(OTHER);
    a.rm(0x0FB7, R9, RDX, 4);
    a.rm(0x3B, R9, STATE, segment(CS) + SELECTOR);
    int outward = a.jcc(OTHER);
    // To the same level.
    a.rm(0x3B, R9, STATE, SAME_CS + SELECTOR);
    fail[fails++] = a.jcc(OTHER);
    flags(a);
    a.rm(0x8B, R8, RDX, 0);
    a.group1(false, 0, GUEST_ESP, 12);
    copySegment(a, SAME_CS, CS);
    restore(a);
    a.group1(true, 0, RSP, 8);
    a.patchJump(a.jmp(), onward);
    // To level 3, which must find no segment that it could not have loaded.
    a.here(outward);
    a.rm(0x3B, R9, STATE, RETURN_CS + SELECTOR);
    fail[fails++] = a.jcc(OTHER);
    a.rm(0x0FB7, R9, RDX, 16);
    a.rm(0x3B, R9, STATE, RETURN_SS + SELECTOR);
    fail[fails++] = a.jcc(OTHER);
    for (int segment : new int[] {ES, DS, FS, GS}) {
      // Present (8000) and of a level (6000) below 3.
      a.rm(0x8B, R9, STATE, segment(segment) + ATTRIBUTES);
      a.group1(false, 4, R9, 0xE000);
      a.group1(false, 5, R9, 0x8000);
      a.group1(false, 7, R9, 0x6000);
      fail[fails++] = a.jcc(BELOW);
    }
    flags(a);
    a.rm(0x8B, R8, RDX, 0);
    a.rm(0x8B, GUEST_ESP, RDX, 12);
    copySegment(a, RETURN_CS, CS);
    copySegment(a, RETURN_SS, SS);
    level(a, () -> a.movImmediate(RAX, USER_LEVEL), TLB_USER);
    restore(a);
    a.group1(true, 0, RSP, 8);
    a.patchJump(a.jmp(), onward);
    for (int i = 0; i < fails; i++) a.here(fail[i]);
    restore(a);
    a.byte_(0xC3);
  }

  /** From the image in RCX. R10 is destroyed. */
  private static void flags(Assembler a) {
    a.rm(0x88, RCX, STATE, SAVED_FLAGS + 1);
    a.group1Memory(false, 4, STATE, EFLAGS, ~(TAKEN | Flags.RF));
    a.rr(0x8B, R10, RCX);
    a.group1(false, 4, R10, TAKEN);
    a.rm(0x09, R10, STATE, EFLAGS);
    a.rr(0xC1, 5, RCX); a.byte_(11);
    a.group1(false, 4, RCX, 1);
    a.rm(0x88, RCX, STATE, SAVED_FLAGS);
  }

  /** How a segment must be, or must not, so that the mode stays: bits of state.LOADABLE's entries. */
  static final int FLAT = LOADABLE_FLAT, OPEN = LOADABLE_OPEN;

  /** What {@link #emitLoad} wants in R10: of the kinds in {@code mask} the segment must have those in {@code wanted}. */
  static int loadArgument(int segment, int mask, int wanted) { return wanted | mask << 8 | 1 << segment << 16; }

  /**
   * A load of ES, DS, FS or GS: R11 is the selector, R9 the offset of the segment register in the state, R10 as {@link #loadArgument}. Carry set: nothing was done. Else ZF set: the mode is as
   * before; clear: FS or GS has become open or no longer is, so the block is not right any more. R9 to R11 are destroyed.
   */
  static void emitLoad(Assembler a) {
    a.rm(0x89, RAX, STATE, EAX);
    a.rm(0x89, RCX, STATE, ECX);
    a.rr(0x8B, RAX, R11);
    a.rr(0xC1, 5, RAX); a.byte_(3);
    a.group1(false, 4, RAX, LOADABLE_ENTRIES / 2 - 1);
    a.group1Memory(false, 7, STATE, CPL, USER_LEVEL);
    int inner = a.jccShort(OTHER);
    a.group1(false, 0, RAX, LOADABLE_ENTRIES / 2);
    a.hereShort(inner);
    a.rr(0xC1, 4, RAX); a.byte_(5);
    a.rm(0, true, 0x8D, RAX, STATE, RAX, 0, LOADABLE);
    a.rm(0x3B, R11, RAX, SELECTOR);
    int unknown = a.jccShort(OTHER);
    int pending = x87Pending(a);
    a.rm(0x8B, RCX, RAX, LOADABLE_LEVEL);
    a.rm(0x3B, RCX, STATE, CPL);
    int otherLevel = a.jccShort(OTHER);
    a.rm(0x8B, RCX, RAX, LOADABLE_KIND);
    a.rr(0x30, R10, RCX); // xor cl, r10b
    a.rr(0xC1, 5, R10); a.byte_(8);
    a.rr(0x20, R10, RCX);
    a.rr(0x0FB6, R11, RCX);
    a.group1(false, 7, R11, FLAT);
    int notFlat = a.jccShort(EQUAL);
    a.rm(0, true, 0x8B, RCX, RAX, NONE, 0, 0);
    a.rm(0, true, 0x89, RCX, STATE, R9, 0, 0);
    a.rm(0, true, 0x8B, RCX, RAX, NONE, 0, BASE);
    a.rm(0, true, 0x89, RCX, STATE, R9, 0, BASE);
    a.rm(0x8B, RCX, RAX, LIMIT);
    a.rm(0, false, 0x89, RCX, STATE, R9, 0, LIMIT);
    a.rr(0xC1, 5, R10); a.byte_(8);
    a.rm(0x08, R10, STATE, SEGMENTS_CURRENT);
    a.rr(0x85, R11, R11);
    int same = a.jccShort(EQUAL);
    a.rr(0xC1, 4, R10); a.byte_(OPEN_SHIFT);
    a.rm(0x31, R10, STATE, CpuState.MODE);
    a.hereShort(same);
    a.rm(0x8B, RAX, STATE, EAX);
    a.rm(0x8B, RCX, STATE, ECX);
    a.rr(0x85, R11, R11);
    a.byte_(0xC3);
    a.hereShort(unknown);
    a.here(pending);
    a.hereShort(otherLevel);
    a.hereShort(notFlat);
    a.rm(0x8B, RAX, STATE, EAX);
    a.rm(0x8B, RCX, STATE, ECX);
    a.byte_(0xF9); // stc
    a.byte_(0xC3);
  }

  /** From the bit of FS or GS among segments to that which says in the mode that it is open. */
  private static final int OPEN_SHIFT = Integer.numberOfTrailingZeros(Mode.FS_OPEN) - FS;

  private static int segment(int number) { return SEGMENTS + number * SEGMENT_SIZE; }

  /** A noted segment register becomes the real one; RAX is destroyed. */
  private static void copySegment(Assembler a, int from, int segment) {
    int to = segment(segment);
    a.rmq(0x8B, RAX, STATE, from);
    a.rmq(0x89, RAX, STATE, to);
    a.rmq(0x8B, RAX, STATE, from + BASE);
    a.rmq(0x89, RAX, STATE, to + BASE);
    a.rm(0x8B, RAX, STATE, from + LIMIT);
    a.rm(0x89, RAX, STATE, to + LIMIT);
    a.rm(0x80, 4, STATE, SEGMENTS_CURRENT);
    a.byte_(~(1 << segment));
  }

  /** The level becomes what {@code load} leaves in RAX: in CPL, in the mode, and by the soft TLB in use. RCX is destroyed. */
  private static void level(Assembler a, Runnable load, int tlb) {
    load.run();
    a.rm(0x89, RAX, STATE, CPL);
    a.rr(0xC1, 4, RAX); a.byte_(Mode.CPL_SHIFT);
    a.rm(0x8B, RCX, STATE, CpuState.MODE);
    a.group1(false, 4, RCX, ~Mode.CPL_MASK);
    a.rr(0x09, RAX, RCX);
    a.rm(0x89, RCX, STATE, CpuState.MODE);
    use(a, tlb);
  }

  private static void use(Assembler a, int tlb) {
    a.rm(0, true, 0x8D, RAX, STATE, NONE, 0, tlb);
    a.rmq(0x89, RAX, STATE, TLB);
  }

  /** An x87 instruction's pointers are still to be worked out, by Java, with the selectors as they are: the jump to where that is the next thing. */
  private static int x87Pending(Assembler a) {
    a.group1Memory(false, 7, STATE, X87_SITE, 0);
    return a.jcc(OTHER);
  }

  private static void save(Assembler a) {
    a.rm(0x89, RAX, STATE, EAX);
    a.rm(0x89, RCX, STATE, ECX);
    a.rm(0x89, RDX, STATE, EDX);
  }

  private static void restore(Assembler a) {
    a.rm(0x8B, RAX, STATE, EAX);
    a.rm(0x8B, RCX, STATE, ECX);
    a.rm(0x8B, RDX, STATE, EDX);
  }
}
