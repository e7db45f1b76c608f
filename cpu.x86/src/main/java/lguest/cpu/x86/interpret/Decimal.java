package lguest.cpu.x86.interpret;

import static lguest.cpu.x86.state.CpuState.*;

import lguest.cpu.x86.decode.Mnemonic;
import lguest.cpu.x86.state.Flags;
import lguest.cpu.x86.state.GuestFault;
import lguest.cpu.x86.state.Native;

/** Decimal adjustments (SDM vol. 2, AAA AAD AAM AAS DAA DAS). */
final class Decimal extends Op {
  private final Mnemonic kind;
  private final int base;

  Decimal(Mnemonic kind, int base) {
    this.kind = kind;
    this.base = base;
  }

  @Override
  void run(Core c) {
    int flags = Flags.arithmetic(c.state);
    int al = Native.get8(c.state + EAX) & 0xFF;
    int ah = Native.get8(c.state + EAX + 1) & 0xFF;
    switch (kind) {
      case DAA, DAS -> packed(c, al, flags, kind == Mnemonic.DAA ? 1 : -1);
      case AAA, AAS -> unpacked(c, al, ah, flags, kind == Mnemonic.AAA ? 1 : -1);
      case AAM -> {
        if (base == 0) throw c.fault.plain(GuestFault.DE);
        Native.set8(c.state + EAX + 1, al / base);
        result(c, al % base);
      }
      default -> {
        Native.set8(c.state + EAX + 1, 0);
        result(c, al + ah * base);
      }
    }
  }

  private static void result(Core c, int al) {
    Native.set8(c.state + EAX, al);
    Flags.mixed(c.state, (byte) al, 0);
  }

  private static void packed(Core c, int al, int flags, int sign) {
    int adjusted = al;
    int out = 0;
    if ((al & 15) > 9 || (flags & Flags.AF) != 0) {
      adjusted += 6 * sign;
      out |= Flags.AF;
      if (sign < 0 && al < 6) out |= Flags.CF;
    }
    if (al > 0x99 || (flags & Flags.CF) != 0) {
      adjusted += 0x60 * sign;
      out |= Flags.CF;
    }
    Native.set8(c.state + EAX, adjusted);
    Flags.mixed(c.state, (byte) adjusted, out);
  }

  private static void unpacked(Core c, int al, int ah, int flags, int sign) {
    int out = 0;
    if ((al & 15) > 9 || (flags & Flags.AF) != 0) {
      int ax = (ah << 8 | al) + 0x106 * sign;
      al = ax & 0xFF;
      ah = ax >>> 8 & 0xFF;
      out = Flags.AF | Flags.CF;
    }
    Native.set8(c.state + EAX, al & 15);
    Native.set8(c.state + EAX + 1, ah);
    Flags.mixed(c.state, (byte) (al & 15), out);
  }
}
