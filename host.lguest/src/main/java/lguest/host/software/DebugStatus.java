package lguest.host.software;

import lguest.cpu.x86.Cpu;
import lguest.cpu.x86.Registers;

/**
 * The one debug register a guest kernel reads (ABI §5.11): Linux's handler of the single-step trap asks DR6 why it came, with
 * the bare instruction, and in the original died of the answer, and its user's debugger with it. So that MOV is done for it.
 * All others, and all writes, stay the protection faults they were.
 */
final class DebugStatus {
  /** SDM vol. 3, 17.2.3: bits that read as one, and BS, a single step. */
  private static final int FIXED = 0xFFFF_0FF0, SINGLE_STEP = 1 << 14;

  private final Cpu cpu;
  private final Registers registers;
  private int status = FIXED;

  DebugStatus(Cpu cpu) {
    this.cpu = cpu;
    this.registers = cpu.registers();
  }

  /** A trap of vector 1 goes to the guest. Without breakpoints it is a single step, or the guest's own int. */
  void trapped(boolean singleStep) { status = singleStep ? FIXED | SINGLE_STEP : FIXED; }

  /** Does {@code mov r32, dr6} (0F 21 /6) for the guest kernel; false with nothing changed if EIP is at anything else. */
  boolean emulate() {
    if (registers.cpl() > 1) return false;
    int start = registers.base(Registers.CS) + registers.eip();
    if (cpu.readLinearByte(start) != 0x0F || cpu.readLinearByte(start + 1) != 0x21) return false;
    int operands = cpu.readLinearByte(start + 2);
    if (operands < 0 || (operands >> 3 & 7) != 6) return false; // the mode bits are ignored: always registers
    registers.general(operands & 7, status);
    registers.eip(registers.eip() + 3);
    return true;
  }
}
