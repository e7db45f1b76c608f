package lguest.cpu.x86.interpret;

import static lguest.cpu.x86.state.CpuState.*;

import lguest.cpu.x86.state.Flags;

/**
 * SYSENTER and SYSEXIT (SDM vol. 2): between rings 3 and 0 with descriptors that nobody looks up. Until ring 0 has put a selector into
 * its model-specific register, both are #GP(0).
 */
final class FastCalls {
  private static final long CODE = 0x00CF9B000000FFFFL, DATA = 0x00CF93000000FFFFL, LEVEL3 = 3L << 45;

  private FastCalls() {}

  static final class Enter extends End {
    @Override
    Block run(Core c) {
      int selector = selector(c);
      c.set(EFLAGS, c.get(EFLAGS) & ~(Flags.VM | Flags.IF | Flags.RF));
      return go(c, selector, 0, 0, c.get(SYSENTER_ESP), c.get(SYSENTER_EIP));
    }
  }

  static final class Exit extends End {
    @Override
    Block run(Core c) {
      c.privileged();
      return go(c, selector(c) + 16, 3, LEVEL3, c.get(ECX), c.get(EDX));
    }
  }

  private static int selector(Core c) {
    int selector = c.get(SYSENTER_CS) & 0xFFFC;
    if (selector == 0) throw c.gp(0);
    return selector;
  }

  private static Block go(Core c, int selector, int level, long bits, int esp, int eip) {
    c.segments.set(CS, selector | level, CODE | bits);
    c.segments.set(SS, selector + 8 | level, DATA | bits);
    c.cpl(level);
    c.set(ESP, esp);
    c.changeMode();
    return c.go(eip);
  }
}
