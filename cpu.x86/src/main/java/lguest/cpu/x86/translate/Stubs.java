package lguest.cpu.x86.translate;

import static lguest.cpu.x86.state.CpuState.*;
import static lguest.cpu.x86.translate.Assembler.*;

import lguest.cpu.x86.state.CpuState;
import lguest.cpu.x86.state.Flags;

/**
 * The way into emitted code and the way out. Inside, guest registers live in the host registers of the same name, but ESP in R15, and host flags are guest
 * flags. R14 is the state, with the soft TLB in it, R12 the instruction budget, R13 where a group of accesses begins ({@link Coalescing});
 * R8 to R11 are free for use within one guest instruction. RSP is the host's stack and never the guest's.
 */
final class Stubs {
  static final int STATE = R14, INSTRUCTIONS_LEFT = R12, GROUP = R13, GUEST_ESP = R15;
  private static final int[] PRESERVED = {RBX, RBP, R12, R13, R14, R15};
  private static final int[] GUEST = {ECX, EDX, EBX, EBP, ESI, EDI};
  private static final int[] HOST = {RCX, RDX, RBX, RBP, RSI, RDI};

  /** Offsets in code memory. */
  final int enter;
  final int exit;
  /** Loads the guest's x87 and SSE state into the host's unit as far as that is allowed, and says in state.FPU_LOADED how far. Destroys R10, R11 and flags. */
  final int loadFpu;
  /** Code to enter for whatever block is at state.EIP. */
  final int resume;
  /** See {@link Crossing}. */
  final int onward, interrupt, interruptReturn, loadSegment;
  final int end;

  Stubs(CodeMemory memory) {
    Assembler a = new Assembler();
    loadFpu = a.size();
    loadFpu(a);
    enter = a.size();
    enter(a, loadFpu);
    int walk = a.size();
    Walker.emit(a);
    exit = a.size();
    exit(a, walk);
    onward = Crossing.emitOnward(a, exit, Exits.ONWARD);
    resume = a.size();
    resume(a, onward);
    interrupt = a.size();
    Crossing.emitInterrupt(a, walk, onward);
    interruptReturn = a.size();
    Crossing.emitReturn(a, onward);
    loadSegment = a.size();
    Crossing.emitLoad(a);
    end = a.size() + 63 & ~63;
    memory.write(0, a.array(), a.size());
  }

  /** {@code void enter(long state, long code)} in the System V calling convention. */
  private static void enter(Assembler a, int loadFpu) {
    for (int register : PRESERVED) a.plus(false, 0x50, register);
    a.group1(true, 5, RSP, 8); // keeps RSP a multiple of 16 after six pushes and the return address
    a.rrq(0x8B, R14, RDI);
    // Back from a soft TLB miss: the code goes on as if it had never left.
    testLoaded(a);
    int notLoaded = a.jccShort(4);
    setLoaded(a, 0);
    a.patchJump(a.call(), loadFpu);
    a.hereShort(notLoaded);
    a.rrq(0x8B, R11, RSI);
    a.rm(0x8B, INSTRUCTIONS_LEFT, STATE, BUDGET);
    a.rmq(0x8B, GROUP, STATE, GROUP_BASE);
    // EFLAGS to host flags: OF by an addition that overflows when it is set, the other five by SAHF.
    a.rm(0x8B, RAX, STATE, EFLAGS);
    a.rr(0x8B, RCX, RAX);
    a.rr(0xC1, 5, RCX); a.byte_(11);
    a.group1(false, 4, RCX, 1);
    a.rr(0x8A, 4, RAX); // mov ah, al
    a.rr(0x8A, RAX, RCX); // mov al, cl
    restoreFromAx(a);
    for (int i = 0; i < GUEST.length; i++) a.rm(0x8B, HOST[i], STATE, GUEST[i]);
    a.rm(0x8B, GUEST_ESP, STATE, ESP);
    a.rm(0x8B, RAX, STATE, EAX);
    a.rr(0xFF, 4, R11);
  }

  /**
   * Called, not jumped to: the 32 bits behind the call are the number of the exit. What needs no Java is done here, and the code goes on: page tables are walked for a miss of the
   * soft TLB, and blocks that were forgotten by the jump cache only are found in {@link BlockTable}.
   */
  private static void exit(Assembler a, int walk) {
    a.rm(0x89, RAX, STATE, EAX);
    a.rm(0x89, RCX, STATE, ECX);
    a.rm(0x89, RDX, STATE, EDX);
    saveToAx(a);
    a.rm(0x66, false, 0x89, RAX, STATE, NONE, 0, EXIT_FLAGS);
    a.plus(false, 0x58, R11);
    a.rm(0x8B, R11, R11, 0);
    a.rm(0x89, R11, STATE, EXIT_ID);
    a.rrq(0xC1, 4, R11); a.byte_(Exits.SHIFT);
    a.rmq(0x03, R11, STATE, CpuState.EXITS);
    a.rm(0x8B, R9, R11, Exits.KIND);
    a.group1(false, 5, R9, Exits.LOAD);
    a.group1(false, 7, R9, Exits.GROUP_STORE - Exits.LOAD);
    int miss = a.jcc(6);
    a.group1(false, 7, R9, Exits.LOOKUP - Exits.LOAD);
    int lookup = a.jcc(4);

    int leave = a.size();
    for (int i = 2; i < GUEST.length; i++) a.rm(0x89, HOST[i], STATE, GUEST[i]);
    a.rm(0x89, GUEST_ESP, STATE, ESP);
    a.rm(0x89, R8, STATE, EXIT_VALUE);
    a.rm(0x89, INSTRUCTIONS_LEFT, STATE, BUDGET);
    a.rmq(0x89, GROUP, STATE, GROUP_BASE);
    a.rm(0x0FB6, RCX, STATE, EXIT_FLAGS + 1);
    a.group1(false, 4, RCX, Flags.ARITHMETIC & 0xFF);
    a.rm(0x0FB6, RAX, STATE, EXIT_FLAGS);
    a.rr(0xC1, 4, RAX); a.byte_(11);
    a.rr(0x09, RAX, RCX);
    a.rm(0x8B, RDX, STATE, EFLAGS);
    a.group1(false, 4, RDX, ~Flags.ARITHMETIC);
    a.rr(0x09, RCX, RDX);
    a.rm(0x89, RDX, STATE, EFLAGS);
    a.rr(0x31, RAX, RAX);
    a.rm(0x89, RAX, STATE, FLAG_KIND);
    testLoaded(a);
    int notLoaded = a.jcc(4);
    storeFpu(a);
    a.here(notLoaded);
    a.group1(true, 0, RSP, 8);
    for (int i = PRESERVED.length - 1; i >= 0; i--) a.plus(false, 0x58, PRESERVED[i]);
    a.byte_(0xC3);

    a.here(miss);
    a.rr(0x8B, RAX, R8);
    a.group1(false, 4, RAX, 0xFFF);
    a.rm(0x03, RAX, R11, Exits.BYTES);
    a.group1(false, 7, RAX, 0x1000);
    a.patchJump(a.jcc(7), leave); // it crosses a page
    a.group1(false, 4, R9, 1); // stores have even numbers
    a.patchJump(a.call(), walk);
    a.patchJump(a.jcc(2), leave);
    count(a, SERVED_MISSES);
    a.rm(0x8B, R9, R11, Exits.PLACE);
    codeAddress(a, R10, 0);
    a.rrq(0x03, R9, R10);
    restore(a);
    a.rr(0xFF, 4, R9);

    a.here(lookup);
    BlockTable.emitFind(a, walk, leave);
    count(a, SERVED_LOOKUPS);
    restore(a);
    a.rr(0xFF, 4, R10);
  }

  private static void resume(Assembler a, int onward) {
    a.rr(0x8B, R11, RAX);
    saveToAx(a);
    a.rm(0x66, false, 0x89, RAX, STATE, NONE, 0, SAVED_FLAGS);
    a.rr(0x8B, RAX, R11);
    a.rm(0x8B, R8, STATE, EIP);
    a.patchJump(a.jmp(), onward);
  }

  /** What {@link #exit} has put away. */
  private static void restore(Assembler a) {
    a.rm(0x0FB7, RAX, STATE, EXIT_FLAGS);
    restoreFromAx(a);
    a.rm(0x8B, RAX, STATE, EAX);
    a.rm(0x8B, RCX, STATE, ECX);
    a.rm(0x8B, RDX, STATE, EDX);
  }

  private static void count(Assembler a, int counter) {
    a.rmq(0xFF, 0, STATE, counter);
  }

  /** LEA of what lies at an offset in code memory; only in code that lies where the assembler's does. */
  private static void codeAddress(Assembler a, int register, int offset) {
    a.byte_(0x48 | register >> 3 << 2);
    a.byte_(0x8D);
    a.byte_((register & 7) << 3 | 5);
    a.int_(offset - (a.size() + 4));
  }

  // ---- the floating-point unit

  private static final int TS_EM = 0xC, OSFXSR = 0x200, X87_MASKS = 0x3F, SSE_MASKS = 0x1F80;
  private static final int FXSAVE_FOP = FXSAVE + 6, FXSAVE_FIP = FXSAVE + 8, FXSAVE_FDP = FXSAVE + 16, FXSAVE_MXCSR = FXSAVE + 24, FXSAVE_MXCSR_MASK = FXSAVE + 28;

  private static void testLoaded(Assembler a) {
    a.rm(0xF6, 0, STATE, FPU_LOADED);
    a.byte_(0xFF);
  }

  private static void setLoaded(Assembler a, int what) {
    a.rm(0xC6, 0, STATE, FPU_LOADED);
    a.byte_(what);
  }

  /**
   * Invariant: while emitted code runs, an x87 instruction is reached only with FPU_X87 set, which implies that the guest may use it (TS and EM clear) and that all six exceptions are
   * masked, so that the host's unit never raises one; the same for SSE. Instructions that could change that are the interpreter's, or ask first (FLDCW).
   */
  private static void loadFpu(Assembler a) {
    testLoaded(a);
    int done = a.jcc(5);
    a.rm(0xF6, 0, STATE, CR0);
    a.byte_(TS_EM);
    int forbidden = a.jcc(5);
    a.rr(0x31, R10, R10);
    a.rm(0x8B, R11, STATE, FXSAVE);
    a.rr(0xF7, 2, R11);
    a.rr(0xF7, 0, R11); a.int_(X87_MASKS);
    int x87Traps = a.jccShort(5);
    a.group1(false, 1, R10, FPU_X87);
    a.hereShort(x87Traps);
    a.rm(0xF7, 0, STATE, CR4); a.int_(OSFXSR);
    int noSse = a.jccShort(4);
    a.rm(0x8B, R11, STATE, FXSAVE_MXCSR);
    a.rr(0xF7, 2, R11);
    a.rr(0xF7, 0, R11); a.int_(SSE_MASKS);
    int sseTraps = a.jccShort(5);
    a.group1(false, 1, R10, FPU_SSE);
    a.hereShort(noSse);
    a.hereShort(sseTraps);
    a.rr(0x85, R10, R10);
    int nothing = a.jcc(4);
    a.rm(0x88, R10, STATE, FPU_LOADED);
    a.rm(0x0FAE, 3, STATE, HOST_MXCSR); // stmxcsr
    a.rm(0xD9, 7, STATE, HOST_FCW); // fnstcw
    a.rm(0x0FB7, R11, STATE, FXSAVE_FOP);
    a.rm(0x89, R11, STATE, X87_FOP);
    a.rmq(0x8B, R11, STATE, FXSAVE_FIP);
    a.rmq(0x89, R11, STATE, X87_FIP);
    a.rmq(0x8B, R11, STATE, FXSAVE_FDP);
    a.rmq(0x89, R11, STATE, X87_FDP);
    a.rm(0x0FAE, 1, STATE, FXSAVE); // fxrstor
    a.here(done);
    a.here(forbidden);
    a.here(nothing);
    a.byte_(0xC3);
  }

  /** The unit's state to the image, and the unit back to how the JVM has it. */
  private static void storeFpu(Assembler a) {
    a.rm(0x8B, RCX, STATE, FXSAVE_MXCSR_MASK);
    a.rm(0x0FAE, 0, STATE, FXSAVE); // fxsave
    a.rm(0x89, RCX, STATE, FXSAVE_MXCSR_MASK);
    a.rm(0x8B, RAX, STATE, X87_FOP);
    a.rm(0x66, false, 0x89, RAX, STATE, NONE, 0, FXSAVE_FOP);
    a.rmq(0x8B, RAX, STATE, X87_FIP);
    a.rmq(0x89, RAX, STATE, FXSAVE_FIP);
    a.rmq(0x8B, RAX, STATE, X87_FDP);
    a.rmq(0x89, RAX, STATE, FXSAVE_FDP);
    a.byte_(0xDB); a.byte_(0xE3); // fninit
    a.rm(0xD9, 5, STATE, HOST_FCW); // fldcw
    a.rm(0x0FAE, 2, STATE, HOST_MXCSR); // ldmxcsr
  }

  /** Arithmetic flags to AX, changing no flag: AH as LAHF, AL is OF. */
  static void saveToAx(Assembler a) {
    a.byte_(0x9F);
    a.rr(0x0F90, 0, RAX);
  }

  /** And back. Destroys AL. */
  static void restoreFromAx(Assembler a) {
    a.byte_(0x04);
    a.byte_(0x7F);
    a.byte_(0x9E);
  }
}
