package lguest.host.software;

import static lguest.host.software.GuestKilled.hex;

import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import java.util.concurrent.locks.LockSupport;
import lguest.host.Host.DmaBuffer;
import lguest.host.Host.Outcome;
import lguest.memory.GuestMemory;
import lguest.memory.PageIdentity;

/**
 * Tour 4.6: Matching DMA
 *
 * <p>The I/O of lguest: lists of buffers sent to a key (ABI §3).
 *
 * <p>A key is an address in the guest's memory; the page it lies in decides who hears. A page of its own means its Launcher, a
 * page shared with other guests means whichever of them has bound the same place. The Host moves bytes in the second case only.
 */
final class Dma {
  /** Registrations a guest may hold. */
  static final int MAX_BINDINGS = 32;

  /**
   * Structures looked at per send before giving up until the next: a receiver may offer 65535, all taken, and the sender pays
   * for the search.
   */
  private static final int MAX_SEARCH = 1024;

  /**
   * A receiver without a free buffer gets this often this long to take packets away: about what its interrupt handler needs,
   * and much less than a lost packet costs both. The original tried again at once, and once. A receiver that has let one sender
   * wait in vain is not waited for again until it has taken something.
   */
  private static final int REFILL_TRIES = 5;
  private static final long REFILL_NANOS = 100_000;

  private final SoftwareHost host;
  private final GuestMemory memory;
  private final Ram ram;
  private final DmaExchange exchange;
  private final Statistics statistics;

  /** This guest's registrations, newest first. Its own thread only. */
  private final List<Binding> bindings = new ArrayList<>(MAX_BINDINGS);

  Dma(SoftwareHost host, GuestMemory memory, Ram ram, DmaExchange exchange, Statistics statistics) {
    this.host = host;
    this.memory = memory;
    this.ram = ram;
    this.exchange = exchange;
    this.statistics = statistics;
  }

  private PageIdentity identity(long key, String reason) {
    if (key % 4 != 0 || !ram.contains(key, 4)) throw new GuestKilled(reason);
    return memory.pageIdentity(key);
  }

  private static int offset(long key) { return (int) (key % GuestMemory.PAGE_SIZE); }

  /** BIND_DMA (ABI §3.6); {@code countAndIrq} is {@code count << 8 | irq}, and irq 0 unbinds. Returns the guest's EAX. */
  int bind(long key, long array, int countAndIrq) {
    int irq = countAndIrq & 0xFF, count = countAndIrq >>> 8 & 0xFFFF;
    if (irq >= Interrupts.LINES) return 0;
    PageIdentity page = identity(key, "bad dma key " + hex(key));
    if (irq == 0) return unbind(page, offset(key), array);
    if (bindings.size() == MAX_BINDINGS) return 0;
    Binding binding = new Binding(host, page, offset(key), array, count, irq);
    bindings.addFirst(binding);
    if (page instanceof PageIdentity.Shared shared) exchange.add(shared, binding);
    return 1;
  }

  private int unbind(PageIdentity page, int offset, long array) {
    for (Binding binding : bindings) {
      if (!binding.waitsOn(page, offset) || binding.array != array) continue;
      bindings.remove(binding);
      if (page instanceof PageIdentity.Shared shared) exchange.remove(shared, binding);
      return 1;
    }
    return 0;
  }

  /** After this no other guest touches this one's memory. */
  void unbindAll() {
    for (Binding binding : bindings)
      if (binding.page instanceof PageIdentity.Shared shared) exchange.remove(shared, binding);
    bindings.clear();
  }

  /** SEND_DMA (ABI §3.7): what to tell the Launcher, or null when it was between guests of this process. */
  Outcome.Dma send(long key, long list) {
    if (!(identity(key, "bad sending DMA key") instanceof PageIdentity.Shared page)) {
      statistics.event(Statistics.Event.DMA_TO_LAUNCHER);
      return new Outcome.Dma(list, key);
    }
    Transfer transfer = sendToGuest(page, offset(key), list, false);
    // The receiver has been interrupted: give it a chance to take something away.
    for (int again = 1; again <= REFILL_TRIES && transfer == Transfer.NO_BUFFER; again++) {
      LockSupport.parkNanos(REFILL_NANOS);
      transfer = sendToGuest(page, offset(key), list, again == REFILL_TRIES);
    }
    statistics.event(transfer == Transfer.DONE ? Statistics.Event.DMA_TO_GUEST : Statistics.Event.DMA_WITHOUT_RECEIVER);
    // Nobody in this process. The original dropped it here, but its Host saw all processes: the device that shared the page may
    // know of one in another.
    return transfer == Transfer.NOBODY ? new Outcome.Dma(list, key) : null;
  }

  private Transfer sendToGuest(PageIdentity.Shared page, int offset, long list, boolean lastTry) {
    return exchange.withReceiver(host, page, offset, receiver -> transfer(list, receiver, lastTry), Transfer.NOBODY);
  }

  /** {@code GIVEN_UP}: no buffer, and there was none either after the last sender had waited for one. */
  private enum Transfer { DONE, NO_BUFFER, GIVEN_UP, NOBODY }

  /**
   * Copies what {@code list} names into the receiver's next free buffers and interrupts it. Under the lock of the page, so that
   * neither it nor another sender is at them. A fault in the sender's list is thrown, one in the receiver's ends the receiver.
   */
  private Transfer transfer(long list, Binding receiver, boolean lastTry) {
    ram.checkBlock(list, DmaList.BYTES);
    SoftwareHost other = receiver.owner;
    Ram destination = other.ram();
    long free = -1;
    int search = Math.min(receiver.count, MAX_SEARCH);
    for (int i = 0; i < search && free < 0; i++) {
      long at = receiver.array + (receiver.next + i) % receiver.count * (long) DmaList.BYTES;
      if (!destination.contains(at, DmaList.BYTES)) {
        other.kill("bad address in registered DMA struct");
        return Transfer.DONE;
      }
      if (destination.get32(at) == 0) free = at;
    }
    if (free < 0) {
      if (search < receiver.count) receiver.next = (receiver.next + search) % receiver.count;
      other.interrupt(receiver.irq);
      if (receiver.givenUp) return Transfer.GIVEN_UP;
      receiver.givenUp = lastTry;
      return Transfer.NO_BUFFER;
    }
    receiver.givenUp = false;
    DmaList from = new DmaList(ram, list), to = new DmaList(destination, free);
    String fault = to.fault(destination);
    if (fault != null) {
      other.kill(fault);
      ram.set32(list, 0);
      return Transfer.DONE;
    }
    fault = from.fault(ram);
    if (fault != null) throw new GuestKilled(fault);
    int bytes = DmaList.copy(from, ram, to, destination);
    ram.set32(list, bytes);
    if (bytes == 0 && from.sections != 0) return Transfer.DONE;
    destination.set32(free, bytes);
    receiver.next = (receiver.next + 1) % receiver.count;
    other.interrupt(receiver.irq);
    return Transfer.DONE;
  }

  /** GETDMA (ABI §3.8), with "none free" as an answer (appendix B 5). */
  Optional<DmaBuffer> offered(long key) {
    PageIdentity page = identity(key, "bad registered DMA buffer");
    int offset = offset(key);
    for (Binding binding : bindings) {
      if (!binding.waitsOn(page, offset)) continue;
      statistics.event(Statistics.Event.DMA_FROM_LAUNCHER);
      return page instanceof PageIdentity.Shared shared ? exchange.alone(shared, () -> take(binding)) : take(binding);
    }
    return Optional.empty();
  }

  private Optional<DmaBuffer> take(Binding binding) {
    for (int i = 0; i < binding.count; i++) {
      long at = binding.array + i * (long) DmaList.BYTES;
      ram.checkBlock(at, DmaList.BYTES);
      if (ram.get32(at) != 0) continue;
      ram.set32(at, binding.irq);
      return Optional.of(new DmaBuffer(at, binding.irq));
    }
    return Optional.empty();
  }
}
