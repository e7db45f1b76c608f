package lguest.host.software;

import java.nio.charset.StandardCharsets;
import lguest.cpu.x86.Registers;
import lguest.host.Host.Outcome;

/**
 * Tour 4.3: Hypercalls, now and later
 *
 * <p>The guest asks.
 *
 * <p>{@code int 0x1F} with a number in EAX and arguments in EDX, EBX and ECX (ABI §1) is how a guest gets everything done that
 * a real kernel would do with a privileged instruction. Calls that can wait go into a ring of 64 in {@link GuestData} instead,
 * which costs no trap, and are done in order at the next exit of whatever kind (ABI §2.4). One of them may need the Launcher;
 * then it and only it is told, and the rest, including a call made directly, waits until the Launcher comes back.
 */
final class Hypercalls {
  /**
   * The time stamp counter counts nanoseconds, which spares the guest any calibration and lets it sleep without ticks (appendix
   * B 16).
   */
  static final int TIMESTAMP_KHZ = 1_000_000;

  private static final int DONE = 0xFF, ENTRY_BYTES = 16, CRASH_TEXT = 128, MAX_STACK_PAGES = 2, KERNEL_RING = 1, CR0_TS = 8;

  private final SoftwareHost host;
  private final Registers registers;
  private final Ram ram;
  private final GuestData data;

  /** Where the ring goes on; the guest keeps a cursor of its own and both walk the same way. */
  private int cursor;

  /** The guest has executed int 0x1F and its call is still to be done. */
  private boolean direct;
  private Outcome.Dma launcherDma;

  Hypercalls(SoftwareHost host) {
    this.host = host;
    this.registers = host.cpu.registers();
    this.ram = host.ram;
    this.data = host.data;
  }

  /** The guest is behind an int 0x1F. */
  void called() { direct = true; }

  /** Does what is waiting. Returns the DMA that the Launcher must see before anything else happens, or null. */
  Outcome.Dma service() {
    launcherDma = null;
    if (!data.known()) {
      if (direct) introduce();
      direct = false;
      return null;
    }
    drainRing();
    if (launcherDma == null && direct) {
      direct = false;
      int call = registers.eax();
      int result = execute(call, registers.edx(), registers.ebx(), registers.ecx());
      if (call == Hypercall.BIND_DMA.number) registers.eax(result);
    }
    return launcherDma;
  }

  private void introduce() {
    if (registers.eax() != Hypercall.LGUEST_INIT.number) throw new GuestKilled("hypercall " + registers.eax() + " before LGUEST_INIT");
    execute(Hypercall.LGUEST_INIT.number, registers.edx(), registers.ebx(), registers.ecx());
  }

  private void drainRing() {
    long status = data.address() + GuestData.STATUS, ring = data.address() + GuestData.RING;
    for (int i = 0; i < GuestData.RING_SIZE && launcherDma == null; i++) {
      int entry = cursor;
      if (ram.get8(status + entry) == DONE) return;
      cursor = (cursor + 1) % GuestData.RING_SIZE;
      long at = ring + entry * ENTRY_BYTES;
      host.statistics.event(Statistics.Event.RING_CALLS);
      execute(ram.get32(at), ram.get32(at + 4), ram.get32(at + 8), ram.get32(at + 12));
      ram.set8(status + entry, DONE);
    }
  }

  /** One call; the arguments are those of EDX, EBX and ECX. What it returns counts for BIND_DMA only. */
  private int execute(int number, int first, int second, int third) {
    Hypercall call = Hypercall.of(number);
    host.statistics.hypercall(call);
    long address = Integer.toUnsignedLong(first);
    switch (call) {
      case FLUSH_ASYNC -> { }
      case LGUEST_INIT -> {
        data.introduce(address, host.guestId, TIMESTAMP_KHZ);
        host.cpu.flushTlb();
      }
      case CRASH -> throw new GuestKilled("CRASH: " + text(ram.readBlock(address, CRASH_TEXT)));
      case LOAD_GDT -> {
        if (host.segments.loadTable(ram, address, second)) host.cpu.descriptorsChanged();
      }
      case NEW_PGTABLE -> host.pageTables.loadDirectory(first);
      case FLUSH_TLB -> host.pageTables.flush(first != 0);
      case LOAD_IDT_ENTRY -> host.traps.loadGate(first, second, third);
      case SET_STACK -> setStack(first, second, third);
      case TS -> taskSwitched(first != 0);
      case SET_CLOCKEVENT -> host.interrupts.setTimer(first == 0 ? AlarmClock.NEVER : host.clock.now() + address);
      case HALT -> host.interrupts.halt();
      case BIND_DMA -> { return host.dma.bind(address, Integer.toUnsignedLong(second), third); }
      case SEND_DMA -> launcherDma = host.dma.send(address, Integer.toUnsignedLong(second));
      case SET_PTE -> host.pageTables.entrySet(first, second);
      case SET_PMD -> host.pageTables.directoryEntrySet(first, second);
      case LOAD_TLS -> {
        if (host.segments.loadThreadLocal(ram, address)) host.cpu.descriptorsChanged();
      }
    }
    return 0;
  }

  private void setStack(int selector, int top, int pages) {
    if ((selector & 3) != KERNEL_RING) throw new GuestKilled("bad stack segment " + selector);
    if (Integer.compareUnsigned(pages, MAX_STACK_PAGES) > 0) throw new GuestKilled("bad stack pages " + Integer.toUnsignedString(pages));
    host.cpu.setInnerStack(selector & 0xFF, top);
    host.pageTables.checkStack(top, pages);
  }

  private void taskSwitched(boolean set) {
    int cr0 = registers.cr0();
    int wanted = set ? cr0 | CR0_TS : cr0 & ~CR0_TS;
    if (wanted != cr0) registers.cr0(wanted);
  }

  /**
   * The guest's bytes up to a NUL, or all but the last. A person will read them on a terminal, which the guest must not get to
   * command: control characters show as dots.
   */
  private static String text(byte[] bytes) {
    int length = 0;
    while (length < bytes.length - 1 && bytes[length] != 0) length++;
    return new String(bytes, 0, length, StandardCharsets.ISO_8859_1).replaceAll("[\\p{Cntrl}\\x80-\\x9f&&[^\n\t]]", ".");
  }
}
