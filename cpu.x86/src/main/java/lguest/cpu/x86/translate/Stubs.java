package lguest.cpu.x86.translate;

import static lguest.cpu.x86.state.CpuState.*;
import static lguest.cpu.x86.translate.Assembler.*;

import lguest.cpu.x86.state.Flags;

/**
 * The way into emitted code and the way out. Inside, guest registers live in the host registers of the same name, but ESP in R15, and host flags are guest
 * flags. R14 is the state, R12 the soft TLB, R8 to R11 and R13 are free for use within one guest instruction. RSP is the host's stack and never the guest's.
 */
final class Stubs {
  static final int STATE = R14, SOFT_TLB = R12, GUEST_ESP = R15;
  private static final int[] PRESERVED = {RBX, RBP, R12, R13, R14, R15};
  private static final int[] GUEST = {ECX, EDX, EBX, EBP, ESI, EDI};
  private static final int[] HOST = {RCX, RDX, RBX, RBP, RSI, RDI};

  /** Offsets in code memory. */
  final int enter;
  final int exit;
  final int end;

  Stubs(CodeMemory memory) {
    Assembler a = new Assembler();
    enter = a.size();
    enter(a);
    exit = a.size();
    exit(a);
    end = a.size() + 63 & ~63;
    memory.write(0, a.array(), a.size());
  }

  /** {@code void enter(long state, long code)} in the System V calling convention. */
  private static void enter(Assembler a) {
    for (int register : PRESERVED) a.plus(false, 0x50, register);
    a.group1(true, 5, RSP, 8); // keeps RSP a multiple of 16 after six pushes and the return address
    a.rrq(0x8B, R14, RDI);
    a.rrq(0x8B, R11, RSI);
    a.rmq(0x8B, SOFT_TLB, STATE, TLB);
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

  /** Called, not jumped to: the 32 bits behind the call are the number of the exit. */
  private static void exit(Assembler a) {
    a.rm(0x89, RAX, STATE, EAX);
    for (int i = 0; i < GUEST.length; i++) a.rm(0x89, HOST[i], STATE, GUEST[i]);
    a.rm(0x89, GUEST_ESP, STATE, ESP);
    a.rm(0x89, R8, STATE, EXIT_VALUE);
    a.plus(false, 0x58, R11);
    a.rm(0x8B, R11, R11, 0);
    a.rm(0x89, R11, STATE, EXIT_ID);
    a.byte_(0x9C); // pushfq
    a.plus(false, 0x58, RCX);
    a.group1(false, 4, RCX, Flags.ARITHMETIC);
    a.rm(0x8B, RDX, STATE, EFLAGS);
    a.group1(false, 4, RDX, ~Flags.ARITHMETIC);
    a.rr(0x09, RCX, RDX);
    a.rm(0x89, RDX, STATE, EFLAGS);
    a.rr(0x31, RAX, RAX);
    a.rm(0x89, RAX, STATE, FLAG_KIND);
    a.group1(true, 0, RSP, 8);
    for (int i = PRESERVED.length - 1; i >= 0; i--) a.plus(false, 0x58, PRESERVED[i]);
    a.byte_(0xC3);
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
