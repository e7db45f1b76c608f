package lguest.cpu.x86.fpu;

/** The state of the unit and what every instruction does with it: the stack, its faults, and the booking of exceptions. */
abstract class RegisterStack {
  static final int C0 = 0x100, C1 = 0x200, C2 = 0x400, C3 = 0x4000, SF = 0x40;
  static final int CONDITIONS = C0 | C1 | C2 | C3;
  private static final int BEFORE = Rounding.IE | Rounding.DE | Rounding.ZE;
  static final int CONTROL_RESET = 0x37f;

  final Conversion unit = new Conversion();
  final long[] mantissa = new long[8];
  final int[] signExp = new int[8];
  /** Exception flags, SF and C0–C3; TOP, ES and B are added when the word is read. */
  int status;
  int top;
  /** One bit per physical register: not empty. */
  int full;
  int fop, fip, fcs, fdp, fds;

  /** An unmasked exception waits: the next waiting form raises #MF. */
  public boolean pending() {
    return (status & ~unit.control & 0x3f) != 0;
  }

  public int controlWord() {
    return unit.control;
  }

  public void setControlWord(int word) {
    unit.control = word & 0x1f3f | 0x40;
  }

  public int statusWord() {
    return status | top << 11 | (pending() ? 0x8080 : 0);
  }

  void setStatusWord(int word) {
    status = word & (CONDITIONS | SF | 0x3f);
    top = word >> 11 & 7;
  }

  /** FNINIT. The register contents stay, empty. */
  public void reset() {
    unit.control = CONTROL_RESET;
    status = top = full = 0;
    fop = fip = fcs = fdp = fds = 0;
  }

  /** Notes FOP (eleven bits: low three of the escape byte, then ModRM), FCS and FIP. */
  public void instructionAt(int opcode, int modrm, int cs, int eip) {
    fop = (opcode & 7) << 8 | modrm & 0xff;
    fcs = cs & 0xffff;
    fip = eip;
  }

  public void operandAt(int selector, int offset) {
    fds = selector & 0xffff;
    fdp = offset;
  }

  // ---- the stack

  final int physical(int i) {
    return top + i & 7;
  }

  final boolean empty(int i) {
    return (full >> physical(i) & 1) == 0;
  }

  final void put(int i, int s, long m) {
    int p = physical(i);
    full |= 1 << p;
    signExp[p] = s;
    mantissa[p] = m;
  }

  final void push(int s, long m) {
    top = top - 1 & 7;
    put(0, s, m);
  }

  final void pop() {
    full &= ~(1 << top);
    top = top + 1 & 7;
  }

  /** Books a stack fault; true when it is masked and the default response applies. */
  final boolean stackFault(boolean overflow) {
    status = status & ~C1 | Rounding.IE | SF | (overflow ? C1 : 0);
    return !unit.unmasked(Rounding.IE);
  }

  final boolean underflow(int i) {
    if (stackFault(false)) put(i, Rounding.INDEFINITE, Rounding.INDEFINITE_MANTISSA);
    return pending();
  }

  /** Books what the unit met. False when an unmasked invalid, denormal or divide exception keeps the destination as it was. */
  final boolean settle() {
    int f = unit.flags;
    status &= ~C1;
    if (f == 0) return true;
    if ((f & ~unit.control & BEFORE) != 0) {
      status |= f & BEFORE;
      return false;
    }
    status |= f | (unit.up ? C1 : 0);
    return true;
  }
}
