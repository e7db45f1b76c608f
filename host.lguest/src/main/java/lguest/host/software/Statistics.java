package lguest.host.software;

import java.util.LinkedHashMap;
import java.util.Locale;
import java.util.Map;
import java.util.concurrent.atomic.AtomicLongArray;
import lguest.cpu.x86.Exit;

/** Counters of one guest. Counted on its thread without a bus lock, read from any; a reader may see a number a moment old. */
final class Statistics {
  /** What is counted beside hypercalls, exits, traps and interrupts. */
  enum Event { RING_CALLS, HALTS, PORT_IO, DMA_TO_LAUNCHER, DMA_TO_GUEST, DMA_WITHOUT_RECEIVER, DMA_FROM_LAUNCHER }

  private final AtomicLongArray hypercalls = new AtomicLongArray(Hypercall.values().length);
  private final AtomicLongArray exits = new AtomicLongArray(Exit.values().length);
  private final AtomicLongArray events = new AtomicLongArray(Event.values().length);
  private final AtomicLongArray traps = new AtomicLongArray(256);
  private final AtomicLongArray interrupts = new AtomicLongArray(32);

  void hypercall(Hypercall call) { count(hypercalls, call.ordinal()); }

  void exit(Exit exit) { count(exits, exit.ordinal()); }

  void event(Event event) { count(events, event.ordinal()); }

  /** A trap or software interrupt that reached the guest's handler. */
  void trap(int vector) { count(traps, vector); }

  /** A virtual interrupt that reached the guest's handler. */
  void interrupt(int irq) { count(interrupts, irq); }

  /** One writer, so no need for an atomic addition. */
  private static void count(AtomicLongArray counters, int index) { counters.setOpaque(index, counters.getPlain(index) + 1); }

  Map<String, Long> snapshot() {
    Map<String, Long> all = new LinkedHashMap<>();
    for (Exit exit : Exit.values()) put(all, "exit." + exit.name(), exits, exit.ordinal());
    for (Hypercall call : Hypercall.values()) put(all, "hypercall." + call.name(), hypercalls, call.ordinal());
    for (Event event : Event.values()) put(all, event.name(), events, event.ordinal());
    for (int vector = 0; vector < 256; vector++) put(all, "trap." + vector, traps, vector);
    for (int irq = 0; irq < 32; irq++) put(all, "interrupt." + irq, interrupts, irq);
    return all;
  }

  /** What never happened is left out. */
  private static void put(Map<String, Long> all, String name, AtomicLongArray counters, int index) {
    long value = counters.getOpaque(index);
    if (value != 0) all.put(name.toLowerCase(Locale.ROOT), value);
  }
}
