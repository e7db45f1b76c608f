package lguest.cpu.x86.interpret;

import static lguest.cpu.x86.state.CpuState.*;

import lguest.cpu.x86.SystemCallGate;
import lguest.cpu.x86.state.CpuState;
import lguest.cpu.x86.state.Flags;
import lguest.cpu.x86.state.Mode;
import lguest.cpu.x86.state.Native;

/**
 * Notes for emitted code (translate.Crossing) of what segment loads, returns and the system call gate have come to here, where every check is made: a selector, the level it was used at,
 * and the segment register as it was afterwards. They hold until a descriptor changes.
 */
final class Shortcuts {
  private static final int UNKNOWN = -1;

  private final Core c;
  private final long state;
  /** Null when there is none. */
  private SystemCallGate gate;
  private boolean held;

  Shortcuts(Core c) {
    this.c = c;
    this.state = c.state;
    forget();
  }

  /** Descriptors are not what they were. */
  void forget() {
    forgetGate();
    c.set(RETURN_CS + SELECTOR, UNKNOWN);
    c.set(RETURN_SS + SELECTOR, UNKNOWN);
    c.set(SAME_CS + SELECTOR, UNKNOWN);
    for (int n = 0; n < LOADABLE_ENTRIES; n++) c.set(LOADABLE + n * SEGMENT_SIZE + SELECTOR, UNKNOWN);
  }

  /** The inner stack is in another segment. */
  void forgetGate() {
    c.set(GATE_VECTOR, UNKNOWN);
  }

  void gate(SystemCallGate gate) {
    this.gate = gate;
    forgetGate();
  }

  /** Whether the Host wants to see system calls for a while. */
  void hold(boolean hold) {
    if (held == hold) return;
    held = hold;
    forgetGate();
  }

  /** ES, DS, FS or GS was loaded with what stands in it now. */
  void loaded(int segment) {
    int selector = c.segments.selector(segment);
    int entry = LOADABLE + ((selector >>> 3 & LOADABLE_ENTRIES / 2 - 1) + (c.cpl() == 3 ? LOADABLE_ENTRIES / 2 : 0)) * SEGMENT_SIZE;
    note(segment, entry);
    c.set(entry + LOADABLE_KIND, (c.segments.flat(segment) ? LOADABLE_FLAT : 0) | (c.segments.open(segment) ? LOADABLE_OPEN : 0));
    c.set(entry + LOADABLE_LEVEL, c.cpl());
  }

  private void note(int segment, int at) {
    Native.copy(state + SEGMENTS + segment * SEGMENT_SIZE, state + at, LIMIT + 4);
  }

  /** An IRET is done; the mode and level before it. */
  void returned(int before, int level) {
    if (level == 0 || !sameButLevel(before)) return;
    if (c.cpl() == level) {
      note(CS, SAME_CS);
    } else if (c.cpl() == 3) {
      note(CS, RETURN_CS);
      note(SS, RETURN_SS);
    }
  }

  private boolean sameButLevel(int before) {
    return (before & ~Mode.CPL_MASK) == (c.mode & ~Mode.CPL_MASK) && (c.mode & Mode.FLAT) == Mode.FLAT;
  }

  /** INT with the next instruction at {@code next}: goes through the gate if that is possible, and else does nothing. Single steps are the Host's. */
  boolean interrupt(int vector, int next) {
    if (gate == null || held || vector != gate.vector() || c.cpl() != 3 || c.steps()) return false;
    int before = c.mode;
    long flag = c.mmu.host(gate.interruptFlag());
    int image = c.eflags() & ~Flags.IF | Native.get32(flag) & Flags.IF;
    c.eip(next);
    if (!new Delivery(c).deliver(gate.selector(), gate.offset(), image, false, 0)) return false;
    Native.set64(state + GATE_COUNT, crossings() + 1);
    if (!sameButLevel(before) || c.cpl() == 3) return true;
    note(CS, GATE_CS);
    note(SS, GATE_SS);
    c.set(GATE_EIP, gate.offset());
    c.set(GATE_LEVEL, c.cpl());
    Native.set64(state + GATE_INTERRUPT_FLAG, flag);
    c.set(GATE_VECTOR, vector);
    return true;
  }

  /** How often somebody went through the gate. */
  long crossings() {
    return Native.get64(state + GATE_COUNT);
  }
}
