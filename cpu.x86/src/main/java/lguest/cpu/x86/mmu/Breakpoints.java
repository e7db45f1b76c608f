package lguest.cpu.x86.mmu;

import static lguest.cpu.x86.state.CpuState.DR;

import lguest.cpu.x86.state.Native;

/**
 * The addresses in DR0 to DR3 that DR7 has switched on (SDM vol. 3, 17.2). While there are any, the processor goes step by step and
 * their pages are not entered in the soft TLB, so that every access to them comes by; while there are none, nobody is asked anything.
 */
public final class Breakpoints {
  private static final int EXECUTE = 0, WRITE = 1, ACCESS = 3;

  private final int[] address = new int[4];
  /** Last byte's distance from the address. */
  private final int[] reach = new int[4];
  private final int[] kind = new int[4];
  private int hits;

  private Breakpoints(long state, int control) {
    for (int n = 0; n < 4; n++) {
      boolean enabled = (control >> 2 * n & 3) != 0;
      kind[n] = enabled ? control >> 16 + 4 * n & 3 : -1;
      // Lengths 1, 2, 8 and 4, in this order; the low bits of the address do not count.
      reach[n] = new int[] {0, 1, 7, 3}[control >> 18 + 4 * n & 3];
      address[n] = Native.get32(state + DR + 8 * n) & ~reach[n];
    }
  }

  /** Null when DR7 enables none. */
  public static Breakpoints of(long state) {
    int control = Native.get32(state + DR + 56);
    return (control & 0xFF) == 0 ? null : new Breakpoints(state, control);
  }

  /** DR6 bits of those that stop the instruction at a linear address. */
  public int atInstruction(int linear) {
    int found = 0;
    for (int n = 0; n < 4; n++) if (kind[n] == EXECUTE && address[n] == linear) found |= 1 << n;
    return found;
  }

  boolean watches(int page) {
    for (int n = 0; n < 4; n++) {
      if (kind[n] > EXECUTE && (address[n] >>> 12 == page >>> 12 || address[n] + reach[n] >>> 12 == page >>> 12)) return true;
    }
    return false;
  }

  void accessed(int linear, int bytes, boolean write) {
    for (int n = 0; n < 4; n++) {
      if (kind[n] != ACCESS && (kind[n] != WRITE || !write)) continue;
      // Differences, so that an access around the end of the address space is one as well.
      if (linear - address[n] >= 0 ? linear - address[n] <= reach[n] : address[n] - linear < bytes) hits |= 1 << n;
    }
  }

  /** DR6 bits of those that data accesses since the last call have met. */
  public int take() {
    int taken = hits;
    hits = 0;
    return taken;
  }
}
