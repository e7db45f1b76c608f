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
        Native.set8(c.state + EAX, al % base);
        Flags.mixed(c.state, al % base << 24 >> 24, 0);
      }
      default -> {
        Native.set8(c.state + EAX + 1, 0);
        // Flags are those of the byte addition that it ends with.
        int product = (byte) (ah * base);
        int sum = (byte) (al + product);
        Native.set8(c.state + EAX, sum);
        Flags.add(c.state, (byte) al, product, sum);
      }
    }
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
    // Undefined OF: of the byte addition.
    int overflow = ((al ^ adjusted) & (adjusted - al ^ adjusted)) >>> 7 & 1;
    Flags.mixed(c.state, (byte) adjusted, out | overflow << 11);
  }

  /** The undefined flags are those of the 16-bit addition to AX, before AL is cut to a digit. */
  private static void unpacked(Core c, int al, int ah, int flags, int sign) {
    int ax = (short) (ah << 8 | al);
    boolean adjust = (al & 15) > 9 || (flags & Flags.AF) != 0;
    int by = adjust ? 0x106 * sign : 0;
    int sum = (short) (ax + by);
    Native.set16(c.state + EAX, sum & 0xFF0F);
    int overflow = ((ax ^ sum) & (by ^ sum)) >>> 31 << 11;
    Flags.mixed(c.state, sum, (adjust ? Flags.AF | Flags.CF : 0) | overflow);
  }
}
