package lguest.host.software;

/**
 * The guest's interrupt descriptor table, as far as it counts: what LOAD_IDT_ENTRY keeps (ABI §5.2). Handlers always run in the
 * guest kernel's own code segment whatever selector the guest asked for.
 */
final class Gates {
  /** Virtual interrupt n comes as vector 0x20 + n. */
  static final int FIRST_INTERRUPT = 0x20, SYSTEM_CALL = 0x80;

  private static final int PRESENT = 0x8000, INTERRUPT_GATE = 0xE, TRAP_GATE = 0xF;

  /** A handler: the two words of its gate as they were kept. */
  record Gate(int low, int high) {
    int offset() { return low & 0xFFFF | high & 0xFFFF_0000; }

    int privilege() { return high >> 13 & 3; }

    /** An interrupt gate turns virtual interrupts off on its way, a trap gate does not. */
    boolean turnsInterruptsOff() { return (high >> 8 & 0xF) == INTERRUPT_GATE; }
  }

  /** 32 traps, 32 interrupts and the system call. */
  private final Gate[] gates = new Gate[64];
  private Gate systemCall;

  void load(int vector, int low, int high) {
    switch (vector) {
      case 2, 8, 15, 31 -> { }
      case SYSTEM_CALL -> systemCall = parse(low, high);
      default -> { if (vector >= 0 && vector < gates.length) gates[vector] = parse(low, high); }
    }
  }

  private static Gate parse(int low, int high) {
    if ((high & PRESENT) == 0) return null;
    int type = high >> 8 & 0xF;
    if (type != INTERRUPT_GATE && type != TRAP_GATE) throw new GuestKilled("bad IDT type " + type);
    return new Gate(low, high & 0xFFFF_EF00);
  }

  /** The guest's gate for a vector, or null when it has none. */
  Gate gate(int vector) {
    if (vector == SYSTEM_CALL) return systemCall;
    return vector >= 0 && vector < gates.length ? gates[vector] : null;
  }
}
