package lguest.host.software;

/** The calls a guest can make through {@code int 0x1F}, by their numbers (ABI §1.2). */
enum Hypercall {
  FLUSH_ASYNC(0), LGUEST_INIT(1), CRASH(2), LOAD_GDT(3), NEW_PGTABLE(4), FLUSH_TLB(5), LOAD_IDT_ENTRY(6), SET_STACK(7), TS(8),
  SET_CLOCKEVENT(9),
  HALT(10), BIND_DMA(12), SEND_DMA(13), SET_PTE(14), SET_PMD(15), LOAD_TLS(16);

  private static final Hypercall[] BY_NUMBER = new Hypercall[17];

  static {
    for (Hypercall call : values()) BY_NUMBER[call.number] = call;
  }

  final int number;

  Hypercall(int number) { this.number = number; }

  /** The call of this number; an unknown one ends the guest. */
  static Hypercall of(int number) {
    Hypercall call = number >= 0 && number < BY_NUMBER.length ? BY_NUMBER[number] : null;
    if (call == null) throw new GuestKilled("Bad hypercall " + number + "\n");
    return call;
  }
}
