package lguest.launcher.run;

import java.nio.ByteOrder;
import java.lang.foreign.ValueLayout;
import java.util.ArrayDeque;
import java.util.Deque;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.concurrent.BlockingQueue;
import java.util.concurrent.CopyOnWriteArrayList;
import java.util.concurrent.LinkedBlockingQueue;
import java.util.function.Supplier;
import lguest.host.Host;
import lguest.host.HostConfig;
import lguest.host.HostProvider;

/** A Host whose guest does what a test tells it, step by step; with no step left it halts, until broken in on. Holds the Launcher to the Host's thread rules. */
final class ScriptedHost implements Host {
  static final ValueLayout.OfInt INT = ValueLayout.JAVA_INT_UNALIGNED.withOrder(ByteOrder.LITTLE_ENDIAN);
  static final ValueLayout.OfShort SHORT = ValueLayout.JAVA_SHORT_UNALIGNED.withOrder(ByteOrder.LITTLE_ENDIAN);

  final HostConfig config;
  final List<Integer> interrupts = new CopyOnWriteArrayList<>();
  final List<String> written = new CopyOnWriteArrayList<>();
  /** Buffers the guest has bound, by key. */
  final Map<Long, Deque<DmaBuffer>> bound = new java.util.concurrent.ConcurrentHashMap<>();
  private final BlockingQueue<Supplier<Outcome>> script = new LinkedBlockingQueue<>();
  private boolean broken;
  private boolean interrupted;
  private volatile Outcome.Dead dead;
  private volatile Thread owner;
  volatile boolean closed;
  volatile long runs;

  ScriptedHost(HostConfig config) { this.config = config; }

  /** A provider that makes these, and keeps them. */
  static final class Provider implements HostProvider {
    final List<ScriptedHost> hosts = new CopyOnWriteArrayList<>();

    @Override public String name() { return "scripted"; }

    @Override public Host open(HostConfig config) {
      ScriptedHost host = new ScriptedHost(config);
      hosts.add(host);
      return host;
    }

    ScriptedHost last() { return hosts.get(hosts.size() - 1); }
  }

  // The guest's part.

  /** The guest's next step, on its thread. */
  void step(Supplier<Outcome> step) {
    script.add(step);
    synchronized (this) { notifyAll(); }
  }

  /** The guest sends these sections on a key, with its lguest_dma at {@code address}. */
  void send(long address, long key, long... addressesAndLengths) {
    step(() -> {
      dma(address, addressesAndLengths);
      return new Outcome.Dma(address, key);
    });
  }

  void die(String reason) { step(() -> new Outcome.Dead(reason)); }

  /** The guest binds a buffer. */
  void bind(long key, long address, int irq, long... addressesAndLengths) {
    dma(address, addressesAndLengths);
    bound.computeIfAbsent(key, k -> new java.util.concurrent.ConcurrentLinkedDeque<>()).add(new DmaBuffer(address, irq));
  }

  void dma(long address, long... addressesAndLengths) {
    var bytes = config.memory().view(address, 100).fill((byte) 0);
    for (int i = 0; i < addressesAndLengths.length / 2; i++) {
      bytes.set(INT, 4 + 4L * i, (int) addressesAndLengths[2 * i]);
      bytes.set(SHORT, 68 + 2L * i, (short) addressesAndLengths[2 * i + 1]);
    }
  }

  int usedLength(long address) { return config.memory().view(address, 4).get(INT, 0); }

  // Host.

  @Override public Outcome run() {
    onOwnThread();
    runs++;
    while (true) {
      Supplier<Outcome> next;
      synchronized (this) {
        if (dead != null) return dead;
        if (broken) return new Outcome.Break();
        next = script.poll();
        if (next == null) {
          try {
            wait();
          } catch (InterruptedException e) {
            throw new AssertionError("nobody may interrupt the guest's thread in the Host", e);
          }
          continue;
        }
      }
      Outcome outcome = next.get();
      if (outcome instanceof Outcome.Dead now) dead = now;
      if (outcome != null) return outcome;
    }
  }

  @Override public Optional<DmaBuffer> getDma(long key) {
    onOwnThread();
    Deque<DmaBuffer> buffers = bound.getOrDefault(key, new ArrayDeque<>());
    return Optional.ofNullable(buffers.poll());
  }

  @Override public void interrupt(int irq) {
    open();
    written.add("irq " + irq);
    interrupts.add(irq);
  }

  @Override public synchronized void breakIn() {
    open();
    broken = true;
    notifyAll();
  }

  @Override public synchronized void release() {
    onOwnThread();
    broken = false;
  }

  @Override public void memoryWritten(long address, long length) {
    open();
    written.add("%#x+%d".formatted(address, length));
  }

  @Override public long instructions() {
    open();
    return 1000 + runs;
  }

  @Override public Map<String, Long> statistics() {
    open();
    return Map.of("runs", runs);
  }

  @Override public void close() {
    open();
    onOwnThread();
    closed = true;
  }

  private void open() { if (closed) throw new AssertionError("called after close"); }

  private void onOwnThread() {
    open();
    if (owner == null) owner = Thread.currentThread();
    if (owner != Thread.currentThread()) throw new AssertionError("called on " + Thread.currentThread() + ", but the guest's thread is " + owner);
  }
}
