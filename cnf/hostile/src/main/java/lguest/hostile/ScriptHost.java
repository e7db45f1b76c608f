package lguest.hostile;

import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.nio.ByteOrder;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.concurrent.TimeUnit;
import lguest.host.Host;
import lguest.host.HostConfig;
import lguest.host.HostProvider;
import lguest.memory.GuestMemory;

/**
 * A Host without a processor, which runs a {@link Script} itself: stores, copies, and the calls for DMA. It believes the guest everything a Launcher must not believe: no key, list or section
 * is checked.
 */
final class ScriptHost implements Host {
  private static final ValueLayout.OfInt INT = ValueLayout.JAVA_INT_UNALIGNED.withOrder(ByteOrder.LITTLE_ENDIAN);
  private static final int STORE = -1, COPY = -2, CRASH = 2, HALT = 10, BIND = 12, SEND = 13, RECORD = 16, LIST = 100;
  private static final long NAP_NANOS = TimeUnit.MICROSECONDS.toNanos(300);

  private record Binding(long key, long array, int count, int irq) {}

  private final GuestMemory memory;
  private final MemorySegment bytes;
  private final List<Binding> bindings = new ArrayList<>();
  private boolean dead;
  private int breaks, interrupts;

  private ScriptHost(GuestMemory memory) {
    this.memory = memory;
    bytes = memory.segment();
  }

  static HostProvider provider() {
    return new HostProvider() {
      @Override public String name() { return "script"; }

      @Override public Host open(HostConfig config) { return new ScriptHost(config.memory()); }
    };
  }

  private synchronized boolean isBroken() { return breaks > 0; }

  @Override public Outcome run() {
    while (true) {
      if (dead) return new Outcome.Dead("CRASH: Power down");
      if (isBroken()) return new Outcome.Break();
      long at = Integer.toUnsignedLong(bytes.get(INT, Script.POSITION) - Script.OFFSET);
      if (!memory.contains(at, RECORD)) {
        dead = true;
        continue;
      }
      bytes.set(INT, Script.POSITION, (int) at + RECORD + Script.OFFSET);
      int edx = bytes.get(INT, at + 4), ebx = bytes.get(INT, at + 8), ecx = bytes.get(INT, at + 12);
      switch (bytes.get(INT, at)) {
        case STORE -> { if (memory.contains(physical(edx), 4)) bytes.set(INT, physical(edx), ebx); }
        case COPY -> {
          if (ecx >= 0 && memory.contains(physical(edx), ecx) && memory.contains(physical(ebx), ecx)) MemorySegment.copy(bytes, physical(ebx), bytes, physical(edx), ecx);
        }
        case CRASH -> dead = true;
        case HALT -> nap();
        case BIND -> { if (bindings.size() < 32) bindings.addFirst(new Binding(Integer.toUnsignedLong(edx), Integer.toUnsignedLong(ebx), ecx >>> 8 & 0xFFFF, ecx & 31)); }
        case SEND -> { return new Outcome.Dma(Integer.toUnsignedLong(ebx), Integer.toUnsignedLong(edx)); }
        default -> { }
      }
    }
  }

  private static long physical(int linear) { return Integer.toUnsignedLong(linear - Script.OFFSET); }

  /** Until an interrupt, but not for long. */
  private synchronized void nap() {
    try {
      if (interrupts == 0 && breaks == 0) TimeUnit.NANOSECONDS.timedWait(this, NAP_NANOS);
    } catch (InterruptedException e) {
      Thread.currentThread().interrupt();
    }
    interrupts = 0;
  }

  @Override public Optional<DmaBuffer> getDma(long key) {
    for (Binding binding : bindings) {
      if (binding.key != key) continue;
      for (int i = 0; i < binding.count; i++) {
        long at = binding.array + (long) i * LIST;
        // One that is not in memory is handed out, too.
        if (memory.contains(at, 4)) {
          if (bytes.get(INT, at) != 0) continue;
          bytes.set(INT, at, binding.irq);
        }
        return Optional.of(new DmaBuffer(at, binding.irq));
      }
      return Optional.empty();
    }
    return Optional.empty();
  }

  @Override public synchronized void interrupt(int irq) {
    interrupts++;
    notifyAll();
  }

  @Override public synchronized void breakIn() {
    breaks = 1;
    notifyAll();
  }

  @Override public synchronized void release() { breaks = 0; }

  @Override public void memoryWritten(long address, long length) { Finding.unless(memory.contains(address, length), "it is told that %d bytes at %#x were written, which are not the guest's", length, address); }

  @Override public long instructions() { return 0; }

  @Override public Map<String, Long> statistics() { return Map.of(); }

  @Override public void close() {}
}
