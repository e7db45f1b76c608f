package lguest.launcher.slot;

import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.time.Duration;
import java.time.Instant;
import java.util.List;
import java.util.concurrent.CopyOnWriteArrayList;
import java.util.concurrent.atomic.LongAdder;
import java.util.function.Consumer;
import lguest.launcher.RequestTrace;
import lguest.launcher.SlotStatistics;
import lguest.memory.GuestMemory;

/** Counts and times what goes through a slot, and shows it to those who want to see each request. */
final class Meter {
  private final LongAdder requests = new LongAdder(), buffers = new LongAdder(), bytesOut = new LongAdder(), bytesIn = new LongAdder(), swaps = new LongAdder();
  private final Histogram latency = new Histogram(), pauses = new Histogram();
  private final List<Consumer<RequestTrace>> listeners = new CopyOnWriteArrayList<>();

  SlotStatistics statistics() {
    return new SlotStatistics(requests.sum(), buffers.sum(), bytesOut.sum(), bytesIn.sum(), latency.times(), swaps.sum(), pauses.times());
  }

  AutoCloseable trace(Consumer<RequestTrace> listener) {
    listeners.add(listener);
    return () -> listeners.remove(listener);
  }

  boolean isTraced() { return !listeners.isEmpty(); }

  void swapped(long pause) {
    swaps.increment();
    pauses.add(pause);
  }

  void completed(Transfer transfer, long used, GuestMemory memory) {
    long nanos = System.nanoTime() - transfer.began;
    if (transfer.sent()) {
      requests.increment();
      bytesOut.add(transfer.dma.length());
      latency.add(nanos);
    } else {
      buffers.increment();
      bytesIn.add(used);
    }
    if (!isTraced()) return;
    byte[] first = transfer.first != null ? transfer.first : transfer.sent() ? new byte[0] : first(transfer.dma, memory, used);
    RequestTrace trace = new RequestTrace(Instant.now().minusNanos(nanos), transfer.channel, transfer.sent(), transfer.dma.length(), first, used, Duration.ofNanos(nanos));
    for (Consumer<RequestTrace> listener : listeners) {
      try {
        listener.accept(trace);
      } catch (RuntimeException e) {
        listeners.remove(listener);
      }
    }
  }

  /** The first bytes of what {@code dma} names. */
  static byte[] first(Dma dma, GuestMemory memory, long length) {
    byte[] first = new byte[(int) Math.min(RequestTrace.FIRST, Math.min(length, dma.length()))];
    int at = 0;
    for (Dma.Section section : dma.sections()) {
      int size = Math.min(section.length(), first.length - at);
      MemorySegment.copy(memory.view(section.address(), size), ValueLayout.JAVA_BYTE, 0, first, at, size);
      at += size;
    }
    return first;
  }
}
