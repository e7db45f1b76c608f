package lguest.cpu.x86.interpret;

import static lguest.cpu.x86.interpret.Segments.*;
import static lguest.cpu.x86.state.CpuState.*;

import lguest.cpu.x86.DescriptorSource;
import lguest.cpu.x86.Exit;
import lguest.cpu.x86.decode.Instruction;
import lguest.cpu.x86.decode.Mnemonic;
import lguest.cpu.x86.mmu.Mmu;
import lguest.cpu.x86.state.Flags;
import lguest.cpu.x86.state.GuestFault;
import lguest.cpu.x86.state.Native;

/** Instructions of operating systems, and those that ask about the machine. */
final class SystemOps {
  private static final int TS = 8, EM = 4, MP = 2, TSD = 4, DE = 8;
  /** What CR4 may hold: TSD, DE, PSE, PCE, OSFXSR, OSXMMEXCPT. */
  private static final int CR4_BITS = TSD | DE | Mmu.PSE | 1 << 8 | 1 << 9 | 1 << 10;
  private static final int GD = 1 << 13, ACCESS_DETECTED = 1 << 13;
  /** Bits of DR6 and DR7 that can be written, and those that always read as one. */
  private static final int DR6_BITS = 0xE00F, DR6_ONES = 0xFFFF0FF0, DR7_BITS = 0xFFFF23FF, DR7_ONES = 0x400;

  private SystemOps() {}

  /** #NM for x87 instructions. */
  static void fpuAvailable(Core c) {
    if ((c.get(CR0) & (TS | EM)) != 0) throw c.fault.plain(GuestFault.NM);
  }

  /** #NM for WAIT. */
  static void waitAvailable(Core c) {
    if ((c.get(CR0) & (TS | MP)) == (TS | MP)) throw c.fault.plain(GuestFault.NM);
  }

  /** Those that need nothing but their name. Privilege is checked by {@link Privileged}. */
  static final class Simple extends Op {
    private final Mnemonic kind;

    Simple(Mnemonic kind) {
      this.kind = kind;
    }

    @Override
    void run(Core c) {
      long s = c.state;
      switch (kind) {
        case CLC -> Flags.setArithmetic(s, Flags.arithmetic(s) & ~Flags.CF);
        case STC -> Flags.setArithmetic(s, Flags.arithmetic(s) | Flags.CF);
        case CMC -> Flags.setArithmetic(s, Flags.arithmetic(s) ^ Flags.CF);
        case CLD -> c.set(EFLAGS, c.get(EFLAGS) & ~Flags.DF);
        case STD -> c.set(EFLAGS, c.get(EFLAGS) | Flags.DF);
        case CLI, STI -> interruptFlag(c);
        case LAHF -> Native.set8(s + EAX + 1, Flags.arithmetic(s) | 2);
        case SAHF -> Flags.setArithmetic(s, Flags.arithmetic(s) & Flags.OF | Native.get8(s + EAX + 1) & ~Flags.OF & 0xFF);
        case SALC -> Native.set8(s + EAX, -Flags.carry(s));
        case CPUID -> cpuid(c);
        case RDTSC -> timestamp(c);
        case RDPMC -> {
          throw c.gp(0);
        }
        case CLTS -> c.set(CR0, c.get(CR0) & ~TS);
        case RDMSR, WRMSR -> modelSpecific(c);
        case INVD, WBINVD -> { }
        default -> throw new IllegalStateException(kind.name());
      }
    }

    private void interruptFlag(Core c) {
      if (c.cpl() > c.iopl()) throw c.gp(0);
      int flags = c.get(EFLAGS);
      c.set(EFLAGS, kind == Mnemonic.STI ? flags | Flags.IF : flags & ~Flags.IF);
    }

    private static void cpuid(Core c) {
      int[] leaf = c.config.model().cpuid(c.get(EAX));
      c.set(EAX, leaf[0]);
      c.set(EBX, leaf[1]);
      c.set(ECX, leaf[2]);
      c.set(EDX, leaf[3]);
    }

    private static void timestamp(Core c) {
      if ((c.get(CR4) & TSD) != 0) c.privileged();
      long now = c.time();
      c.set(EAX, (int) now);
      c.set(EDX, (int) (now >>> 32));
    }

    /** The time stamp counter, which cannot be set, and what SYSENTER goes by. */
    private void modelSpecific(Core c) {
      boolean write = kind == Mnemonic.WRMSR;
      int slot = switch (c.get(ECX)) {
        case 0x174 -> SYSENTER_CS;
        case 0x175 -> SYSENTER_ESP;
        case 0x176 -> SYSENTER_EIP;
        case 0x10 -> 0;
        default -> throw c.gp(0);
      };
      if (slot == 0) {
        if (write) throw c.gp(0);
        timestamp(c);
      } else if (write) {
        c.set(slot, c.get(EAX));
      } else {
        c.set(EAX, c.get(slot));
        c.set(EDX, 0);
      }
    }
  }

  static final class Undefined extends Op {
    @Override
    void run(Core c) {
      throw c.ud();
    }
  }

  /** CPL 0 or #GP(0), before anything else. */
  static final class Privileged extends Op {
    private final Op op;

    Privileged(Op op) {
      this.op = op;
    }

    @Override
    void run(Core c) {
      c.privileged();
      op.run(c);
    }
  }

  static final class Halt extends End {
    private final int next;

    Halt(int next) {
      this.next = next;
    }

    @Override
    Block run(Core c) {
      c.privileged();
      c.exit = Exit.HALT;
      return c.go(next);
    }
  }

  /** Ports: without a bus at any level, and without a TSS's permission map above IOPL, all is #GP(0); the Host may emulate. */
  static final class Port extends End {
    @Override
    Block run(Core c) {
      throw c.gp(0);
    }
  }

  /** MOV to and from control and debug registers. */
  static final class Control extends Op {
    private final boolean load;
    private final boolean debug;
    private final int number;
    private final long general;

    Control(Instruction i, Core c, boolean load, boolean debug) {
      this.load = load;
      this.debug = debug;
      this.number = i.reg;
      this.general = Operand.address(c, i.rm, 4);
    }

    @Override
    void run(Core c) {
      if (!debug && (number == 1 || number > 4)) throw c.ud();
      c.privileged();
      if (debug) debug(c);
      else if (load) set(c, Native.get32(general));
      else Native.set32(general, c.get(CR0 + 8 * (number > 1 ? number - 1 : 0)));
    }

    /** DR4 and DR5 are other names of DR6 and DR7, unless CR4.DE takes them away. */
    private int debugNumber(Core c) {
      if (number != 4 && number != 5) return number;
      if ((c.get(CR4) & DE) != 0) throw c.ud();
      return number + 2;
    }

    /** With DR7.GD set nobody gets at them before the debug exception's handler. */
    private static void guarded(Core c) {
      int control = c.get(DR + 56);
      if ((control & GD) == 0) return;
      c.setDebug(7, control & ~GD);
      c.set(DR + 48, c.get(DR + 48) | ACCESS_DETECTED);
      throw c.fault.plain(GuestFault.DB);
    }

    private void set(Core c, int value) {
      switch (number) {
        case 0 -> setCr0(c, value);
        case 2 -> c.set(CR2, value);
        case 3 -> c.setCr3(value);
        default -> {
          if ((value & ~CR4_BITS) != 0) throw c.gp(0);
          c.setCr4(value);
        }
      }
    }

    private void debug(Core c) {
      int n = debugNumber(c);
      guarded(c);
      if (load) {
        int value = Native.get32(general);
        c.setDebug(n, n == 6 ? value & DR6_BITS : n == 7 ? value & DR7_BITS : value);
      } else {
        Native.set32(general, c.get(DR + 8 * n) | (n == 6 ? DR6_ONES : n == 7 ? DR7_ONES : 0));
      }
    }

    /** Protected mode cannot be left: there is no other. */
    private static void setCr0(Core c, int value) {
      if ((value & 1) == 0) throw c.gp(0);
      c.setCr0(value);
    }
  }

  /** SGDT, SIDT, LGDT, LIDT. The GDT that counts is the Host's; the registers just keep what was put there. */
  static final class TableRegister extends Op {
    private final Mnemonic kind;
    private final Ea ea;
    private final int operandSize;

    TableRegister(Mnemonic kind, Ea ea, int operandSize) {
      this.kind = kind;
      this.ea = ea;
      this.operandSize = operandSize;
    }

    @Override
    void run(Core c) {
      boolean gdt = kind == Mnemonic.SGDT || kind == Mnemonic.LGDT;
      int limit = gdt ? GDTR_LIMIT : IDTR_LIMIT;
      int base = gdt ? GDTR_BASE : IDTR_BASE;
      boolean store = kind == Mnemonic.SGDT || kind == Mnemonic.SIDT;
      if (!store) c.privileged();
      int first = ea.linear(c, 0, 2, store);
      int second = ea.linear(c, 2, 4, store);
      if (store) {
        c.mmu.probeWrite(first, 6);
        c.mmu.write16(first, c.get(limit));
        c.mmu.write32(second, c.get(base));
      } else {
        int newLimit = c.mmu.read16(first) & 0xFFFF;
        int newBase = c.mmu.read32(second);
        c.set(limit, newLimit);
        c.set(base, operandSize == 4 ? newBase : newBase & 0xFFFFFF);
      }
    }
  }

  /** SLDT, STR, SMSW to a register or memory. */
  static final class StoreWord extends Op {
    private final int from;
    private final Operand to;

    StoreWord(int from, Operand to) {
      this.from = from;
      this.to = to;
    }

    @Override
    void run(Core c) {
      to.set(c, c.get(from));
    }
  }

  /** LLDT, LTR, LMSW. Only the selector is kept: no LDT, and the Host knows the inner stack. */
  static final class LoadWord extends Op {
    private final Mnemonic kind;
    private final Operand from;

    LoadWord(Mnemonic kind, Operand from) {
      this.kind = kind;
      this.from = from;
    }

    @Override
    void run(Core c) {
      c.privileged();
      int value = from.value(c) & 0xFFFF;
      switch (kind) {
        case LMSW -> c.setCr0(c.get(CR0) & ~0xE | value & 0xF | 1);
        case LLDT -> loadTable(c, LDTR, value, 2, true);
        default -> loadTable(c, TR, value, 9, false);
      }
    }

    private static void loadTable(Core c, int register, int selector, int type, boolean mayBeNull) {
      if ((selector & 0xFFFC) == 0) {
        if (!mayBeNull) throw c.gp(0);
      } else {
        long d = c.segments.descriptor(selector);
        if (has(d, USER) || (attributes(d) >>> 8 & 15) != type) throw c.gp(selector);
        if (!has(d, PRESENT)) throw c.fault.withCode(GuestFault.NP, selector & 0xFFFC);
      }
      c.set(register, selector);
    }
  }

  static final class Invalidate extends Op {
    private final Ea ea;

    Invalidate(Ea ea) {
      this.ea = ea;
    }

    @Override
    void run(Core c) {
      c.privileged();
      int offset = ea.offset();
      c.flushTlbPage(ea.flat ? offset : c.segments.base(ea.segment) + offset);
    }
  }

  /** LAR, LSL, VERR, VERW: questions about selectors that answer in ZF. */
  static final class Ask extends Op {
    private final Mnemonic kind;
    private final Operand to;
    private final Operand selector;

    Ask(Mnemonic kind, Operand to, Operand selector) {
      this.kind = kind;
      this.to = to;
      this.selector = selector;
    }

    @Override
    void run(Core c) {
      int value = selector.value(c) & 0xFFFF;
      long d = (value & 0xFFFC) == 0 ? DescriptorSource.BEYOND_LIMIT : c.segments.lookup(value);
      boolean yes = d != DescriptorSource.BEYOND_LIMIT && allowed(c, value, d);
      Flags.setArithmetic(c.state, Flags.arithmetic(c.state) & ~Flags.ZF | (yes ? Flags.ZF : 0));
      if (yes && to != null) to.set(c, kind == Mnemonic.LAR ? (int) (d >>> 32) & 0x00FFFF00 : limitOf(d));
    }

    private boolean allowed(Core c, int value, long d) {
      boolean code = has(d, CODE);
      boolean conforming = has(d, USER | CODE | EXPAND_CONFORM);
      boolean visible = conforming || Math.max(c.cpl(), value & 3) <= dpl(d);
      if (!has(d, USER)) {
        int type = attributes(d) >>> 8 & 15;
        return visible && switch (kind) {
          case LAR -> type == 1 || type == 2 || type == 3 || type == 4 || type == 5 || type == 9 || type == 11 || type == 12;
          case LSL -> type == 1 || type == 2 || type == 3 || type == 9 || type == 11;
          default -> false;
        };
      }
      return visible && switch (kind) {
        case VERR -> !code || has(d, READ_WRITE);
        case VERW -> !code && has(d, READ_WRITE);
        default -> true;
      };
    }
  }

  /** ARPL: raises the destination's RPL to the source's. */
  static final class Arpl extends Op {
    private final Operand destination;
    private final Operand source;

    Arpl(Operand destination, Operand source) {
      this.destination = destination;
      this.source = source;
    }

    @Override
    void run(Core c) {
      int rpl = source.value(c) & 3;
      int a = destination.value(c);
      boolean raise = (a & 3) < rpl;
      // Not even checked for writing when there is nothing to raise.
      if (raise) destination.set(c, a & ~3 | rpl);
      Flags.setArithmetic(c.state, Flags.arithmetic(c.state) & ~Flags.ZF | (raise ? Flags.ZF : 0));
    }
  }

  /** CMPXCHG8B: stores in any case. */
  static final class CompareExchange8 extends Op {
    private final Ea ea;

    CompareExchange8(Ea ea) {
      this.ea = ea;
    }

    @Override
    void run(Core c) {
      long at = c.mmu.open(ea.linear(c, 8, true), 8);
      long a = Native.get64(at);
      long expected = c.get(EAX) & 0xFFFFFFFFL | (long) c.get(EDX) << 32;
      int others = Flags.arithmetic(c.state) & ~Flags.ZF;
      if (a == expected) {
        Native.set64(at, c.get(EBX) & 0xFFFFFFFFL | (long) c.get(ECX) << 32);
        Flags.setArithmetic(c.state, others | Flags.ZF);
      } else {
        c.set(EAX, (int) a);
        c.set(EDX, (int) (a >>> 32));
        Flags.setArithmetic(c.state, others);
      }
      c.mmu.close(at);
    }
  }
}
