package lguest.host.software;

import lguest.cpu.x86.Cpu;
import lguest.cpu.x86.Registers;

/**
 * Port input and output by the guest kernel (ABI §5.10). There are no ports: what is written is lost, and what is read is all
 * ones, which every driver takes for "nobody there". Simple forms only; a string instruction gets its fault, as does user mode.
 */
final class PortIo {
  private final Cpu cpu;
  private final Registers registers;

  PortIo(Cpu cpu) {
    this.cpu = cpu;
    this.registers = cpu.registers();
  }

  /**
   * Does the instruction at EIP if it is one of these; false with nothing changed if not. Fetched through the page tables
   * (appendix B 9).
   */
  boolean emulate() {
    if (registers.cpl() > 1) return false;
    int start = registers.base(Registers.CS) + registers.eip();
    int length = 0;
    int opcode = cpu.readLinearByte(start + length++);
    boolean word = opcode == 0x66;
    if (word) opcode = cpu.readLinearByte(start + length++);
    switch (opcode) {
      case 0xE4, 0xE5, 0xE6, 0xE7 -> {
        if (cpu.readLinearByte(start + length++) < 0) return false;
      }
      case 0xEC, 0xED, 0xEE, 0xEF -> { }
      default -> { return false; }
    }
    boolean input = (opcode & 2) == 0, wide = (opcode & 1) != 0;
    if (input) registers.eax(registers.eax() | (!wide ? 0xFF : word ? 0xFFFF : 0xFFFF_FFFF));
    registers.eip(registers.eip() + length);
    return true;
  }
}
