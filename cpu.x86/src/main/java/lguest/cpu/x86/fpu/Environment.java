package lguest.cpu.x86.fpu;

import java.lang.invoke.MethodHandles;
import java.lang.invoke.VarHandle;
import java.nio.ByteOrder;

/** The images of FNSTENV, FLDENV, FNSAVE and FRSTOR in protected mode, 16 and 32 bits wide (SDM vol. 1, figures 8-9 and 8-11). */
final class Environment {
  private static final VarHandle SHORT = MethodHandles.byteArrayViewVarHandle(short[].class, ByteOrder.LITTLE_ENDIAN);
  private static final VarHandle LONG = MethodHandles.byteArrayViewVarHandle(long[].class, ByteOrder.LITTLE_ENDIAN);
  private static final int VALID = 0, ZERO = 1, SPECIAL = 2, EMPTY = 3;

  private Environment() {}

  static void store(X87 x, byte[] area, boolean wide, boolean registers) {
    int step = wide ? 4 : 2;
    int[] words = {x.controlWord(), x.statusWord(), tags(x), x.fip, x.fcs | (wide ? x.fop << 16 : 0), x.fdp, x.fds};
    for (int i = 0; i < 7; i++) {
      put(area, i * step, words[i]);
      if (wide) put(area, i * 4 + 2, i == 3 || i == 4 || i == 5 ? words[i] >>> 16 : 0xffff);
    }
    if (!registers) return;
    for (int i = 0; i < 8; i++) {
      int at = 7 * step + 10 * i, physical = x.top + i & 7;
      LONG.set(area, at, x.mantissa[physical]);
      put(area, at + 8, x.signExp[physical]);
    }
  }

  static void load(X87 x, byte[] area, boolean wide, boolean registers) {
    int step = wide ? 4 : 2;
    x.setControlWord(word(area, 0));
    x.setStatusWord(word(area, step));
    int tags = word(area, 2 * step);
    x.full = 0;
    for (int i = 0; i < 8; i++) if ((tags >> 2 * i & 3) != EMPTY) x.full |= 1 << i;
    x.fip = word(area, 3 * step);
    x.fcs = word(area, 4 * step);
    x.fdp = word(area, 5 * step);
    x.fds = word(area, 6 * step);
    x.fop = 0;
    if (wide) {
      x.fip |= word(area, 14) << 16;
      x.fop = word(area, 18) & 0x7ff;
      x.fdp |= word(area, 22) << 16;
    }
    if (!registers) return;
    for (int i = 0; i < 8; i++) {
      int at = 7 * step + 10 * i, physical = x.top + i & 7;
      x.mantissa[physical] = (long) LONG.get(area, at);
      x.signExp[physical] = word(area, at + 8);
    }
  }

  /** The full tag word: only empty or not is ever held, the rest is read off the contents. */
  private static int tags(X87 x) {
    int tags = 0;
    for (int i = 0; i < 8; i++) {
      int s = x.signExp[i];
      long m = x.mantissa[i];
      int tag = (x.full >> i & 1) == 0 ? EMPTY : Rounding.zero(s, m) ? ZERO : Rounding.ordinary(s, m) ? VALID : SPECIAL;
      tags |= tag << 2 * i;
    }
    return tags;
  }

  private static int word(byte[] area, int at) {
    return (short) SHORT.get(area, at) & 0xffff;
  }

  private static void put(byte[] area, int at, int v) {
    SHORT.set(area, at, (short) v);
  }
}
