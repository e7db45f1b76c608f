package lguest.host.software;

import java.time.Instant;

/**
 * {@code struct lguest_data}: the page of notes guest and Host leave for each other (ABI §2.1), known once LGUEST_INIT has told
 * where it is. The guest's half is read afresh at each use, since the guest changes it without saying so.
 */
final class GuestData {
  static final int SIZE = 1128;
  static final int RING_SIZE = 64;
  static final int IRQ_ENABLED = 0, BLOCKED_INTERRUPTS = 4, CR2 = 8, TIME_SECONDS = 12, TIME_NANOSECONDS = 16, STATUS = 20, RING = 84,
      RESERVE_MEM = 1108, GUEST_ID = 1112, TSC_KHZ = 1116, NOIRQ_START = 1120, NOIRQ_END = 1124;

  /**
   * IF, in EFLAGS and in irq_enabled. The original tested irq_enabled against zero in one place and this bit in another
   * (appendix B 1).
   */
  static final int INTERRUPTS_ON = 0x200;

  /** What LGUEST_INIT tells: the top 4 MiB of virtual space are not the guest's. */
  static final int RESERVED_BYTES = 4 << 20;

  private final Ram ram;
  private long address = -1;
  private int noInterruptsStart;
  private int noInterruptsEnd;

  GuestData(Ram ram) { this.ram = ram; }

  boolean known() { return address >= 0; }

  /** Where the structure begins; only once {@link #known}. */
  long address() { return address; }

  /** LGUEST_INIT (ABI §1.4). */
  void introduce(long at, int guestId, int timestampKhz) {
    if (known()) throw new GuestKilled("already have lguest_data");
    if (!ram.contains(at, SIZE)) throw new GuestKilled("bad guest page %08x".formatted(at));
    address = at;
    noInterruptsStart = ram.get32(at + NOIRQ_START);
    noInterruptsEnd = ram.get32(at + NOIRQ_END);
    ram.set32(at + RESERVE_MEM, RESERVED_BYTES);
    ram.set32(at + TSC_KHZ, timestampKhz);
    ram.set16(at + GUEST_ID, guestId);
    timeIsNow();
  }

  /** The virtual interrupt flag, as bit 9. */
  int interruptFlag() { return ram.get32(address + IRQ_ENABLED) & INTERRUPTS_ON; }

  void interruptFlag(int value) { ram.set32(address + IRQ_ENABLED, value); }

  int blockedInterrupts() { return ram.get32(address + BLOCKED_INTERRUPTS); }

  /** Whether this is an instruction of the few before which no interrupt may be injected (ABI §2.6). */
  boolean noInterruptsAt(int eip) {
    return Integer.compareUnsigned(eip, noInterruptsStart) >= 0 && Integer.compareUnsigned(eip, noInterruptsEnd) < 0;
  }

  void pageFaultAddress(int linear) { ram.set32(address + CR2, linear); }

  /** Lets the guest know the time of day. */
  void timeIsNow() {
    Instant now = Instant.now();
    ram.set32(address + TIME_NANOSECONDS, now.getNano());
    ram.set32(address + TIME_SECONDS, (int) now.getEpochSecond());
  }
}
