package lguest.host.software;

import static lguest.host.software.GuestKilled.hex;

import lguest.cpu.x86.Cpu;
import lguest.cpu.x86.Registers;
import lguest.cpu.x86.SystemCallGate;

/**
 * Tour 4.4: Reflecting a trap
 *
 * <p>Exceptions and software interrupts on their way to the guest's own handlers.
 *
 * <p>A guest kernel lives in ring 1, so no trap may reach it without the Host's consent: each leaves the processor, is looked
 * at here, and is pushed onto the guest's kernel stack as the hardware would have done (ABI §5.4). The original let harmless
 * ones go straight to the guest for speed. Here the system call does, for which the processor needs no Host as long as nothing is odd; all
 * others take this one way and differ in nothing (appendix G.2).
 *
 * <p>The interrupt flag in the frame is the guest's virtual one. The real one never counts: it is always on, and the guest
 * cannot change it.
 */
final class Traps {
  static final int DEBUG = 1, DOUBLE_FAULT = 8, GENERAL_PROTECTION = 13, PAGE_FAULT = 14, HYPERCALL = 0x1F;

  private final Cpu cpu;
  private final Registers registers;
  private final GuestData data;
  private final PageTables pageTables;
  private final PortIo portIo;
  private final DebugStatus debugStatus;
  private final Statistics statistics;
  final Gates gates = new Gates();

  Traps(Cpu cpu, GuestData data, PageTables pageTables, Statistics statistics) {
    this.cpu = cpu;
    this.registers = cpu.registers();
    this.data = data;
    this.pageTables = pageTables;
    this.portIo = new PortIo(cpu);
    this.debugStatus = new DebugStatus(cpu);
    this.statistics = statistics;
  }

  /** LOAD_IDT_ENTRY. */
  void loadGate(int vector, int low, int high) {
    gates.load(vector, low, high);
    if (vector == Gates.SYSTEM_CALL) cpu.systemCallGate(direct(gates.gate(vector)));
  }

  /** What the processor may do by itself: a gate for programs that leaves the virtual interrupt flag alone. Null when it is not of that kind. */
  private SystemCallGate direct(Gates.Gate gate) {
    if (gate == null || gate.privilege() != 3 || gate.turnsInterruptsOff()) return null;
    return new SystemCallGate(Gates.SYSTEM_CALL, Segments.KERNEL_CS, gate.offset(), (int) data.address() + GuestData.IRQ_ENABLED);
  }

  /** The processor met a fault or trap (ABI §5.8). */
  void exception() {
    int vector = cpu.vector();
    boolean hasErrorCode = cpu.hasErrorCode();
    int errorCode = hasErrorCode ? cpu.errorCode() : 0;
    if (vector == GENERAL_PROTECTION && errorCode == 0) {
      if (portIo.emulate()) {
        statistics.event(Statistics.Event.PORT_IO);
        return;
      }
      if (debugStatus.emulate()) return;
    }
    if (vector == DEBUG) debugStatus.trapped(true);
    int detail = errorCode;
    if (vector == PAGE_FAULT) {
      detail = cpu.faultAddress();
      pageTables.checkNotSwitcher(detail);
      if (data.known()) data.pageFaultAddress(detail);
    }
    reflect(vector, hasErrorCode, errorCode, detail);
  }

  /**
   * {@code int n} and its short forms. The gate's privilege is the guest's own, so that a debugger in the guest can use int3,
   * which the original refused (appendix B 3).
   *
   * @return whether it was a hypercall, for the Host to execute; EIP is behind the instruction then
   */
  boolean softwareInterrupt() {
    int vector = cpu.vector();
    int length = cpu.instructionLength();
    int next = registers.eip() + length;
    if (vector == HYPERCALL && registers.cpl() <= 1) {
      registers.eip(next);
      return true;
    }
    Gates.Gate gate = gates.gate(vector);
    boolean icebp = vector == DEBUG && length == 1; // F1 is an exception in disguise: no privilege asked for
    if (gate == null || registers.cpl() > gate.privilege() && !icebp) {
      int errorCode = vector * 8 + 2;
      reflect(GENERAL_PROTECTION, true, errorCode, errorCode);
      return false;
    }
    if (vector == DEBUG) debugStatus.trapped(false);
    registers.eip(next);
    enter(gate, false, 0);
    statistics.trap(vector);
    return false;
  }

  private void reflect(int vector, boolean hasErrorCode, int errorCode, int detail) {
    Gates.Gate gate = gates.gate(vector);
    if (gate == null) throw unhandled(vector, detail);
    enter(gate, hasErrorCode, errorCode);
    statistics.trap(vector);
  }

  /**
   * The guest goes on in a handler, with the frame on its kernel stack. A stack that cannot take it is a double fault, and
   * nobody handles those.
   */
  void enter(Gates.Gate gate, boolean hasErrorCode, int errorCode) {
    int flags = registers.eflags() & ~GuestData.INTERRUPTS_ON | data.interruptFlag();
    if (!cpu.deliver(Segments.KERNEL_CS, gate.offset(), flags, hasErrorCode, errorCode)) throw unhandled(DOUBLE_FAULT, 0);
    if (gate.turnsInterruptsOff()) data.interruptFlag(0);
  }

  private GuestKilled unhandled(int vector, int detail) {
    return new GuestKilled("unhandled trap " + vector + " at " + hex(registers.eip()) + " (" + hex(detail) + ")");
  }
}
