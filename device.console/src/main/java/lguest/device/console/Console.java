package lguest.device.console;

import java.lang.foreign.MemorySegment;
import java.nio.ByteBuffer;
import java.util.ArrayDeque;
import java.util.ArrayList;
import java.util.Deque;
import java.util.List;
import java.util.Optional;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.LongAdder;
import java.util.function.LongSupplier;
import lguest.device.Attachable;
import lguest.device.Device;
import lguest.device.DeviceContext;
import lguest.device.DeviceState;
import lguest.device.Request;

/**
 * Tour 6.1: The smallest device there is
 *
 * <p>The console (L40 to L42): bytes out, bytes in, no pages, one channel both ways; and a whole device all the same. The guest
 * sends bytes: they go into a ring, from which a thread for each who is attached writes them out. If the ring is full the
 * request is simply left incomplete, the guest stands still, and whoever makes room goes on with it. Somebody types: the bytes
 * wait in a queue until the guest offers a buffer. The original threw input away that came too early; waiting is the one
 * liberty taken here.
 */
final class Console implements Device, Attachable {
  private static final int CHANNEL = 0;
  /** How long {@link #close} lets output flow to somebody who is slow to take it. */
  private static final long CLOSE_NANOS = TimeUnit.SECONDS.toNanos(2);

  private final DeviceContext context;
  private final LongSupplier clock;
  private final LongAdder bytesOut;
  private final LongAdder bytesIn;

  // All below is guarded by this. Calls out of here (complete, wake, endGuest, write) are made without the lock.
  private final OutputRing ring = new OutputRing();
  private final List<Attached> attached = new ArrayList<>();
  /** How far those were behind who were attached to the console before this; they come first and in the same order. */
  private final Deque<Integer> behind;
  private final InputQueue input = new InputQueue();
  private final InterruptKey interruptKey;
  /** The request that is being taken, and how much of it has been. */
  private Request current;
  private long taken;
  /** The request is taken whole, but the slot has not heard of it yet. */
  private boolean completing;
  private boolean inputEnded;
  private boolean endTold;
  /** After {@link #drain} or {@link #close}: nothing more is taken from either side. */
  private boolean finished;
  /** After {@link #drain}: the next console writes out what is not written yet. */
  private boolean relieved;

  Console(DeviceContext context, ConsoleState state, LongSupplier clock) {
    this.context = context;
    this.clock = clock;
    bytesOut = context.counter("bytes.out");
    bytesIn = context.counter("bytes.in");
    ring.put(MemorySegment.ofArray(state.history()), 0);
    input.put(ByteBuffer.wrap(state.input()));
    interruptKey = new InterruptKey(state.interrupts(), state.firstInterrupt());
    behind = new ArrayDeque<>(state.unwritten());
    taken = state.taken();
    endTold = state.endTold();
    if (!input.isEmpty()) context.wake();
  }

  // Output.

  @Override public void request(Request request) {
    synchronized (this) { current = request; }
    take();
  }

  /** Takes what there is room for of the current request, and completes it when that was all. */
  private void take() {
    Request complete = null;
    synchronized (this) {
      if (current == null || finished) return;
      long before = taken;
      long start = 0;
      for (MemorySegment part : current.parts()) {
        long end = start + part.byteSize();
        if (taken < end) taken += ring.put(part, taken - start);
        if (taken < end) break;
        start = end;
      }
      if (taken > before) {
        bytesOut.add(taken - before);
        notifyAll();
      }
      if (taken >= current.length()) {
        complete = current;
        completing = true;
        current = null;
        taken = 0;
      }
    }
    if (complete == null) return;
    try {
      complete.complete(complete.length());
    } finally {
      synchronized (this) {
        completing = false;
        notifyAll();
      }
    }
  }

  @Override public synchronized Attachment attach(Output output, boolean replay) {
    Attached party = new Attached(output, ring.attach(replay ? OutputRing.REPLAY : behind.isEmpty() ? 0 : behind.poll()));
    attached.add(party);
    party.writer.start();
    return party;
  }

  /** One who is attached: a thread that writes out what the guest printed, at that party's pace. */
  private final class Attached implements Attachment {
    private final Output output;
    private final OutputRing.Reader reader;
    private final Thread writer = Thread.ofPlatform().daemon().name("console of " + context.guestName()).unstarted(this::writeOut);
    private boolean detached;

    Attached(Output output, OutputRing.Reader reader) {
      this.output = output;
      this.reader = reader;
    }

    private void writeOut() {
      try {
        for (ByteBuffer piece; (piece = next()) != null; ) {
          output.write(piece);
          synchronized (Console.this) {
            reader.advance();
            Console.this.notifyAll();
          }
          take();
        }
      } catch (Exception e) {
        context.log().log(System.Logger.Level.INFO, "Console output to one who was attached ends: " + e);
      } finally {
        detach();
      }
    }

    private ByteBuffer next() throws InterruptedException {
      synchronized (Console.this) {
        while (!detached && !relieved && reader.upToDate()) Console.this.wait();
        return detached || relieved ? null : reader.piece();
      }
    }

    private void detach() {
      synchronized (Console.this) {
        detached = true;
        ring.detach(reader);
        attached.remove(this);
        Console.this.notifyAll();
      }
      take();
    }

    @Override public void input(ByteBuffer data) throws InterruptedException { Console.this.input(data, this); }

    @Override public void endOfInput() {
      synchronized (Console.this) { inputEnded = true; }
      tellEnd();
    }

    @Override public void close() throws InterruptedException {
      try {
        if (Thread.currentThread() != writer) awaitWritten(0);
      } finally {
        detach();
      }
    }

    /** Waits until all output so far is written or nobody will write it; for at most {@code nanos}, or for ever when 0. */
    private void awaitWritten(long nanos) throws InterruptedException {
      long deadline = System.nanoTime() + nanos;
      synchronized (Console.this) {
        long mark = ring.end();
        while (!detached && !relieved && !reader.past(mark)) {
          long left = nanos == 0 ? Long.MAX_VALUE : deadline - System.nanoTime();
          if (left <= 0) return;
          TimeUnit.NANOSECONDS.timedWait(Console.this, left);
        }
      }
    }
  }

  // Input.

  /** Queues {@code data}; returns early, with the rest remaining, when this console is relieved of its post. */
  private void input(ByteBuffer data, Attached from) throws InterruptedException {
    boolean enough;
    synchronized (this) { enough = interruptKey.read(data, clock.getAsLong()); }
    if (enough) context.endGuest(2, "three ^C");
    while (data.hasRemaining()) {
      synchronized (this) {
        while (input.isFull() && !finished && !from.detached) wait();
        if (finished || from.detached) return;
        input.put(data);
      }
      context.wake();
    }
  }

  @Override public void service() {
    while (hasInput()) {
      Optional<Request> offered = context.offered(CHANNEL);
      if (offered.isEmpty()) {
        context.retry();
        return;
      }
      Request buffer = offered.get();
      long length = 0;
      synchronized (this) {
        for (MemorySegment part : buffer.parts()) length += input.take(part);
        notifyAll();
      }
      bytesIn.add(length);
      buffer.complete(length);
      if (length == 0) {
        // A guest that offers a buffer of no bytes may do so without end.
        context.retry();
        return;
      }
    }
    tellEnd();
  }

  private synchronized boolean hasInput() { return !finished && !input.isEmpty(); }

  /** Reports the end of input when the guest has read all that came before it (L40b). */
  private void tellEnd() {
    synchronized (this) {
      if (!inputEnded || endTold || !input.isEmpty() || finished) return;
      endTold = true;
    }
    context.log().log(System.Logger.Level.WARNING, "Failed to get console input, ignoring console.");
  }

  // The end.

  @Override public Optional<DeviceState> drain() throws InterruptedException {
    synchronized (this) {
      while (completing) wait();
      finished = true;
      relieved = true;
      current = null; // not complete: the next console gets it again and skips what is taken
      notifyAll();
      List<Integer> unwritten = attached.stream().map(party -> party.reader.unseen()).toList();
      int history = Math.max(OutputRing.REPLAY, unwritten.stream().mapToInt(Integer::intValue).max().orElse(0));
      return Optional.of(new ConsoleState(ring.last(history), unwritten, input.content(), interruptKey.count(),
          interruptKey.first(), taken, endTold).write());
    }
  }

  @Override public void close() throws InterruptedException {
    List<Attached> left;
    synchronized (this) {
      finished = true;
      current = null;
      notifyAll();
      left = List.copyOf(attached);
    }
    for (Attached party : left) {
      try {
        party.awaitWritten(CLOSE_NANOS);
      } finally {
        party.detach();
      }
    }
  }
}
