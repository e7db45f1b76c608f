package lguest.device.testkit;

import java.lang.foreign.MemorySegment;
import java.util.List;
import lguest.device.Request;

/** A request or a lent buffer of a {@link TestGuest}; a device has a {@link Handle} on it for as long as it sits in the slot. Under the guest's lock. */
final class Transfer {
  final int channel;
  final List<MemorySegment> parts;
  final boolean sent;
  /** How often a device still asks in vain. */
  int late;
  Occupant holder;
  volatile boolean complete, deferred;
  volatile long used;

  Transfer(int channel, List<MemorySegment> parts, boolean sent, int late) {
    this.channel = channel;
    this.parts = parts;
    this.sent = sent;
    this.late = late;
  }

  boolean released() { return complete || deferred; }

  long length() { return parts.stream().mapToLong(MemorySegment::byteSize).sum(); }

  record Handle(TestGuest guest, Transfer transfer, Occupant by) implements Request {
    @Override public int channel() { return transfer.channel; }

    @Override public List<MemorySegment> parts() { return transfer.parts; }

    @Override public void complete(long length) {
      guest.locked(() -> {
        if (by.gone) return null;
        if (length < 0 || length > length()) {
          guest.broken("the device completed a request of " + length() + " bytes on channel " + channel() + " with " + length);
          throw new IllegalArgumentException("completed with " + length + " of " + length() + " bytes");
        }
        if (by.drained) {
          guest.broken("the device completed a request on channel " + channel() + " after drain() had returned: by then it is the next device's");
          throw new IllegalStateException("the device was drained and its request given back");
        }
        if (transfer.complete) {
          guest.broken("the device completed a request on channel " + channel() + " twice");
          throw new IllegalStateException("the request is complete already");
        }
        transfer.used = length;
        transfer.complete = true;
        if (!transfer.sent) by.interrupt();
        guest.finished(transfer);
        return null;
      });
    }

    @Override public void defer() {
      guest.locked(() -> {
        if (by.gone || !transfer.sent || transfer.complete) return null;
        if (by.drained) {
          guest.broken("the device deferred a request after drain() had returned");
          throw new IllegalStateException("the device was drained and its request given back");
        }
        transfer.deferred = true;
        guest.woken();
        return null;
      });
    }
  }
}
