package lguest.cpu.x86.interpret;

import static lguest.cpu.x86.state.CpuState.*;

import lguest.cpu.x86.decode.Instruction;
import lguest.cpu.x86.fpu.Escape;
import lguest.cpu.x86.fpu.X87;
import lguest.cpu.x86.state.Flags;
import lguest.cpu.x86.state.GuestFault;
import lguest.cpu.x86.state.Native;

/**
 * The processor's side of x87 instructions: who may run them, waiting errors, memory operands. The numbers are {@link X87}'s
 * business.
 */
final class Fpu {
  private Fpu() {}

  /** Null: no such instruction. */
  static Op op(Core c, Instruction i) {
    return switch (i.mnemonic()) {
      case FXSAVE -> new Image(new Ea(c, i), true);
      case FXRSTOR -> new Image(new Ea(c, i), false);
      case WAIT -> new Wait();
      default -> escape(c, i);
    };
  }

  private static Op escape(Core c, Instruction i) {
    if (i.opcode < 0xD8 || i.opcode > 0xDF) return null;
    if (!i.memory()) return new RegisterForm(i, Escape.register(i.opcode, i.modrm));
    int form = Escape.memory(i.opcode, i.reg);
    if ((form & Escape.ENVIRONMENT) != 0) return new EnvironmentForm(c, i, form);
    return (form & Escape.STORE) != 0 ? new StoreForm(c, i, form) : new LoadForm(c, i, form);
  }

  private abstract static class Escaped extends Op {
    final int opcode;
    final int modrm;
    final int form;
    private final int eip;

    Escaped(Instruction i, int form) {
      this.opcode = i.opcode;
      this.modrm = i.modrm;
      this.form = form;
      this.eip = i.eip;
    }

    /** #NM and #MF come before anything else. */
    final X87 begin(Core c) {
      SystemOps.fpuAvailable(c);
      X87 x87 = c.x87();
      if ((form & Escape.NO_WAIT) == 0 && x87.pending()) throw c.fault.plain(GuestFault.MF);
      return x87;
    }

    final void note(Core c, X87 x87) {
      if ((form & Escape.CONTROL) == 0) x87.instructionAt(opcode, modrm, c.segments.selector(CS), eip);
    }
  }

  private static final class RegisterForm extends Escaped {
    RegisterForm(Instruction i, int form) {
      super(i, form);
    }

    @Override
    void run(Core c) {
      X87 x87 = begin(c);
      note(c, x87);
      if ((form & (Escape.READS_FLAGS | Escape.WRITES_FLAGS)) != 0) x87.eflags = Flags.all(c.state);
      x87.register(opcode, modrm);
      if ((form & Escape.WRITES_FLAGS) != 0) Flags.setArithmetic(c.state, x87.eflags);
      if ((form & Escape.WRITES_AX) != 0) Native.set16(c.state + EAX, x87.statusWord());
    }
  }

  private abstract static class MemoryForm extends Escaped {
    final Ea ea;
    final int bytes;

    MemoryForm(Core c, Instruction i, int form) {
      super(i, form);
      ea = new Ea(c, i);
      bytes = form & Escape.SIZE;
    }

    final void noteOperand(Core c, X87 x87, int offset) {
      note(c, x87);
      if ((form & Escape.CONTROL) == 0) x87.operandAt(c.segments.selector(ea.segment), offset);
    }

    final int reg() {
      return modrm >> 3 & 7;
    }
  }

  private static final class LoadForm extends MemoryForm {
    LoadForm(Core c, Instruction i, int form) {
      super(c, i, form);
    }

    @Override
    void run(Core c) {
      X87 x87 = begin(c);
      int offset = ea.offset();
      int linear = ea.linear(c, bytes, false);
      long low;
      int high = 0;
      switch (bytes) {
        case 2 -> low = c.mmu.read16(linear);
        case 4 -> low = c.mmu.read32(linear);
        case 8 -> low = c.mmu.read64(linear);
        default -> {
          low = c.mmu.read64(linear);
          high = c.mmu.read16(linear + 8) & 0xFFFF;
        }
      }
      noteOperand(c, x87, offset);
      x87.load(opcode, reg(), low, high);
    }
  }

  private static final class StoreForm extends MemoryForm {
    StoreForm(Core c, Instruction i, int form) {
      super(c, i, form);
    }

    @Override
    void run(Core c) {
      X87 x87 = begin(c);
      int offset = ea.offset();
      int linear = ea.linear(c, bytes, true);
      // The address is checked even if an unmasked exception then forbids the write.
      c.mmu.probeWrite(linear, bytes);
      if (x87.store(opcode, reg())) {
        switch (bytes) {
          case 2 -> c.mmu.write16(linear, (int) x87.low);
          case 4 -> c.mmu.write32(linear, (int) x87.low);
          case 8 -> c.mmu.write64(linear, x87.low);
          default -> {
            c.mmu.write64(linear, x87.low);
            c.mmu.write16(linear + 8, x87.high);
          }
        }
      }
      noteOperand(c, x87, offset);
      x87.commit();
    }
  }

  /** FLDENV, FNSTENV, FRSTOR, FNSAVE. */
  private static final class EnvironmentForm extends MemoryForm {
    private final boolean wide;
    private final boolean registers;

    EnvironmentForm(Core c, Instruction i, int form) {
      super(c, i, form);
      wide = i.operandSize == 4;
      registers = (form & Escape.REGISTERS) != 0;
    }

    @Override
    void run(Core c) {
      X87 x87 = begin(c);
      byte[] area = new byte[X87.environmentSize(wide, registers)];
      boolean store = (form & Escape.STORE) != 0;
      int linear = ea.linear(c, area.length, store);
      if (store) {
        c.mmu.probeWrite(linear, area.length);
        x87.storeEnvironment(area, wide, registers);
        write(c, linear, area, area.length);
        x87.commit();
      } else {
        x87.loadEnvironment(read(c, linear, area), wide, registers);
      }
    }
  }

  /** FXSAVE and FXRSTOR: 512 bytes, 16-byte aligned, of which the last 48 are software's own. */
  private static final class Image extends Op {
    private static final int WRITTEN = 464;
    private final Ea ea;
    private final boolean save;

    Image(Ea ea, boolean save) {
      this.ea = ea;
      this.save = save;
    }

    @Override
    void run(Core c) {
      SystemOps.fpuAvailable(c);
      int linear = ea.linear(c, FXSAVE_SIZE, save);
      if ((linear & 15) != 0) throw c.gp(0);
      byte[] area = new byte[FXSAVE_SIZE];
      if (save) {
        c.mmu.probeWrite(linear, FXSAVE_SIZE);
        c.x87().fxsave(area);
        write(c, linear, area, WRITTEN);
      } else if (!c.x87().fxrstor(read(c, linear, area))) {
        throw c.gp(0);
      }
    }
  }

  private static final class Wait extends Op {
    @Override
    void run(Core c) {
      SystemOps.waitAvailable(c);
      if (c.x87().pending()) throw c.fault.plain(GuestFault.MF);
    }
  }

  private static byte[] read(Core c, int linear, byte[] area) {
    c.mmu.probeRead(linear, area.length);
    for (int i = 0; i < area.length; i++) area[i] = (byte) c.mmu.read8(linear + i);
    return area;
  }

  private static void write(Core c, int linear, byte[] area, int bytes) {
    for (int i = 0; i < bytes; i++) c.mmu.write8(linear + i, area[i]);
  }
}
