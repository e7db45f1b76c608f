package lguest.launcher.slot;

import java.lang.foreign.MemorySegment;
import java.util.List;
import lguest.device.Request;

/**
 * A request under way between guest and slot: sent by the guest, or a buffer it has offered. It belongs to the slot; a device only holds a {@link Handle} on it, which dies when the
 * device leaves, and the next device gets a handle of its own. So nothing is lost, and nothing is completed twice. Guarded by the slot's lock.
 */
final class Transfer {
  final int channel;
  final Dma dma;
  /** What to raise when it is filled; −1 for a request the guest has sent. */
  final int irq;
  /** Who has it to work on; null while it waits. */
  Occupant holder;
  boolean deferred, complete;
  /** {@link System#nanoTime} when it was sent or taken. */
  final long began = System.nanoTime();
  /** The first bytes the guest has sent, if anybody wants to see them. */
  byte[] first;

  Transfer(int channel, Dma dma, int irq) {
    this.channel = channel;
    this.dma = dma;
    this.irq = irq;
  }

  boolean sent() { return irq < 0; }

  /** Whether the guest may run on. */
  boolean released() { return deferred || complete; }

  /** One device's hold on a transfer. */
  static final class Handle implements Request {
    private final Slot slot;
    private final Transfer transfer;
    private final Occupant holder;
    private final List<MemorySegment> parts;

    Handle(Slot slot, Transfer transfer, Occupant holder) {
      this.slot = slot;
      this.transfer = transfer;
      this.holder = holder;
      List<Dma.Section> sections = transfer.dma.sections();
      MemorySegment[] lent = new MemorySegment[sections.size()];
      for (int i = 0; i < lent.length; i++) lent[i] = holder.context().lend(sections.get(i).address(), sections.get(i).length());
      parts = List.of(lent);
    }

    @Override public int channel() { return transfer.channel; }

    @Override public List<MemorySegment> parts() { return parts; }

    @Override public long length() { return transfer.dma.length(); }

    @Override public void complete(long length) {
      if (length < 0 || length > length()) throw new IllegalArgumentException("completed with " + length + " of " + length() + " bytes");
      slot.complete(transfer, holder, length);
    }

    @Override public void defer() { slot.defer(transfer, holder); }
  }
}
