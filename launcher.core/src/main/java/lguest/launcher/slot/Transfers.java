package lguest.launcher.slot;

import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import lguest.host.Host;

/** The transfers under way in a slot, oldest first, and what completing them does to the guest. The slot's lock is held in every call. */
final class Transfers {
  private final Machine machine;
  private final Meter meter;
  private final List<Transfer> underWay = new ArrayList<>();

  Transfers(Machine machine, Meter meter) {
    this.machine = machine;
    this.meter = meter;
  }

  /** Requests the guest has sent that are not complete. */
  int waiting() { return (int) underWay.stream().filter(Transfer::sent).count(); }

  /** The guest has sent one. */
  Transfer send(int channel, Dma dma) {
    Transfer transfer = new Transfer(channel, dma, -1);
    if (meter.isTraced()) transfer.first = Meter.first(dma, machine.memory(), dma.length());
    underWay.add(transfer);
    return transfer;
  }

  /** The oldest sent one that nobody has, now {@code holder}'s. */
  Optional<Transfer> nextFor(Occupant holder) { return take(holder, transfer -> transfer.sent()); }

  /** The next buffer the guest offers on {@code channel}, now {@code holder}'s: one that a device has given back, else a fresh one. The guest's thread. */
  Optional<Transfer> bufferFor(Occupant holder, int channel, long key) {
    Optional<Transfer> back = take(holder, transfer -> !transfer.sent() && transfer.channel == channel);
    if (back.isPresent()) return back;
    Optional<Host.DmaBuffer> free = machine.getDma(key);
    if (free.isEmpty()) return Optional.empty();
    Transfer buffer = new Transfer(channel, Dma.read(machine.memory(), free.get().address()), free.get().irq());
    buffer.holder = holder;
    underWay.add(buffer);
    return Optional.of(buffer);
  }

  private Optional<Transfer> take(Occupant holder, java.util.function.Predicate<Transfer> which) {
    for (Transfer transfer : underWay)
      if (transfer.holder == null && which.test(transfer)) {
        transfer.holder = holder;
        return Optional.of(transfer);
      }
    return Optional.empty();
  }

  /** The device has left: what it had waits for the next. */
  void giveBack() { for (Transfer transfer : underWay) transfer.holder = null; }

  void clear() { underWay.clear(); }

  /** Tells the guest, in the order in which it may look: data, then used_len, then the interrupt. A deferred request's place has long been reused, so nothing is written there. */
  void complete(Transfer transfer, Occupant by, long length) {
    if (transfer.complete) throw new IllegalStateException("the request is complete already");
    check(transfer, by);
    transfer.complete = true;
    underWay.remove(transfer);
    meter.completed(transfer, length, machine.memory());
    if (!transfer.sent()) dataWritten(transfer.dma, length);
    if (!transfer.deferred) setUsed(transfer.dma, length);
    if (!transfer.sent()) machine.interrupt(transfer.irq);
  }

  void defer(Transfer transfer, Occupant by) {
    if (!transfer.sent() || transfer.released()) return;
    check(transfer, by);
    setUsed(transfer.dma, 0);
    transfer.deferred = true;
  }

  private static void check(Transfer transfer, Occupant by) {
    if (transfer.holder != by) throw new IllegalStateException("the device was drained and its request given back");
  }

  private void dataWritten(Dma dma, long length) {
    long left = length;
    for (Dma.Section section : dma.sections()) {
      if (left <= 0) return;
      machine.memoryWritten(section.address(), Math.min(left, section.length()));
      left -= section.length();
    }
  }

  private void setUsed(Dma dma, long length) {
    dma.setUsed(machine.memory(), length);
    machine.memoryWritten(dma.address(), Integer.BYTES);
  }
}
