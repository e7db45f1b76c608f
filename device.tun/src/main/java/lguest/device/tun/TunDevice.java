package lguest.device.tun;

import java.io.IOException;
import java.lang.System.Logger.Level;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.util.Arrays;
import java.util.HashMap;
import java.util.HexFormat;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Set;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.LongAdder;
import lguest.device.Device;
import lguest.device.DeviceContext;
import lguest.device.DeviceException;
import lguest.device.DeviceState;
import lguest.device.Request;

/**
 * Tour 6.3: A cable to the host
 *
 * <p>A network's page is a table of who is on it, six bytes of hardware address each (ABI §3.4). On this network there are two: in place 0 the host's end, a tap interface, and in place 1
 * the guest. A guest sends to whom a frame is for by the key of that place. The host's end says it wants to see everything, which is the lowest bit of its address, and so gets every frame.
 *
 * <p>In the other direction a frame needs a buffer the guest has offered, and it has only so many. Frames wait in the tap's own queue while a guest is busy, but not for a guest that does not
 * take any: after a while they are dropped (L47), for nothing on a network waits for long.
 */
final class TunDevice implements Device {
  static final int STATE_VERSION = 1;
  private static final int TYPE_NET = 2, F_RANDOMNESS = 0x8000, GUEST_PLACE = 1;
  private static final int OUT = 0, IN = 1, CHANNELS = 2;
  private static final byte PROMISCUOUS = 1;
  /** Frames handed over at one go; the guest stands still meanwhile. */
  private static final int BATCH = 256;
  /** How long frames wait for a guest that takes none, and how often it must have been served by then: on a busy machine time alone says little about a guest. */
  private static final long PATIENCE = TimeUnit.MILLISECONDS.toNanos(200);
  private static final int SERVICES = 12;
  private static final String FD = "fd", NAME = "name", SENT = "sent", WAITING = "waiting";
  /** What every state has. */
  static final Set<String> LEFT = Set.of(FD, NAME, SENT, WAITING);

  private final DeviceContext context;
  private final Tap tap;
  private final MemorySegment frame = Arena.ofAuto().allocate(Tap.MAX_FRAME, 8);
  private final LongAdder framesOut, framesIn, bytesOut, bytesIn, dropped, unsent;
  private DeviceContext.Watch watch;

  // The guest's thread.
  /** Bytes of the frame that waits in {@link #frame}; 0: none does. */
  private int waiting;
  /** Since when the guest has had no buffer; 0: it had one the last time. */
  private long needySince;
  /** How often it has been served since. */
  private int services;
  private boolean sent, warned, drained;
  private int lastError;

  /** On a new tap. */
  TunDevice(Tap tap, DeviceContext context) throws DeviceException {
    this(context, tap);
    byte[] address = tap.hardwareAddress();
    address[0] |= PROMISCUOUS;
    MemorySegment.copy(address, 0, context.page(0), ValueLayout.JAVA_BYTE, 0, address.length);
    context.log().log(Level.INFO, "tap " + tap.name() + ", " + HexFormat.ofDelimiter(":").formatHex(tap.hardwareAddress()));
  }

  /** Goes on where another implementation has stopped. */
  TunDevice(DeviceState state, DeviceContext context) throws DeviceException {
    this(context, new Tap(((Long) state.values().get(FD)).intValue(), (String) state.values().get(NAME)));
    sent = (Boolean) state.values().get(SENT);
    byte[] bytes = (byte[]) state.values().get(WAITING);
    waiting = Math.min(bytes.length, Tap.MAX_FRAME);
    MemorySegment.copy(bytes, 0, frame, ValueLayout.JAVA_BYTE, 0, waiting);
    if (waiting > 0) context.wake();
  }

  private TunDevice(DeviceContext context, Tap tap) throws DeviceException {
    this.context = context;
    this.tap = tap;
    context.describe(TYPE_NET, F_RANDOMNESS | GUEST_PLACE, 1, CHANNELS);
    framesOut = context.counter("frames.out");
    framesIn = context.counter("frames.in");
    bytesOut = context.counter("bytes.out");
    bytesIn = context.counter("bytes.in");
    dropped = context.counter("frames.dropped");
    unsent = context.counter("frames.unsent");
    watch = context.watch(tap.fd());
  }

  @Override public void request(Request request) throws IOException {
    request.complete(request.channel() == OUT ? send(request) : 0);
    // While we are here: what the guest has just sent is often an answer, and more to answer waits.
    if (waiting > 0) receive();
  }

  private long send(Request request) {
    sent = true;
    long length = request.length();
    if (length == 0) return 0;
    List<MemorySegment> parts = request.parts();
    int error = watch == null ? Libc.EIO : tap.write(parts);
    if (context.log().isLoggable(Level.INFO)) say("output", length, parts.getFirst(), error == 0 ? "sent" : "discarded");
    if (error == 0) {
      framesOut.increment();
      bytesOut.add(length);
      lastError = 0;
      return length;
    }
    unsent.increment();
    // The host does not want it: too short, too many, or its end is down. The guest counts an error, the user hears only of what can be helped.
    if (watch != null && error != Libc.EAGAIN && error != Libc.EINVAL && error != lastError)
      context.log().log(Level.WARNING, "cannot send on " + tap.name() + ": " + Libc.strerror(error) + (error == Libc.EIO ? "; bring it up with: ip link set " + tap.name() + " up" : ""));
    lastError = error;
    return 0;
  }

  @Override public void service() throws IOException {
    services++;
    if (watch != null) receive();
  }

  private void receive() {
    try {
      for (int frames = 0; frames < BATCH; frames++) {
        if (waiting == 0) waiting = tap.read(frame).orElse(0);
        if (waiting == 0) return;
        Optional<Request> buffer = context.offered(IN);
        if (buffer.isPresent()) {
          needySince = 0;
          services = 0;
          deliver(buffer.get());
          continue;
        }
        long now = System.nanoTime() | 1;
        if (needySince == 0) needySince = now;
        if (services < SERVICES || now - needySince < PATIENCE) {
          context.retry();
          return;
        }
        drop("discarded");
        if (sent && !warned) {
          warned = true;
          context.log().log(Level.WARNING, "frames from " + tap.name() + " are dropped, for the guest takes none");
        }
      }
      context.wake();
    } catch (IOException e) {
      context.log().log(Level.ERROR, "cannot receive from " + tap.name() + ": " + e.getMessage() + "; this network is closed, the guest goes on without it");
      watch.close();
      watch = null;
    }
  }

  private void deliver(Request buffer) {
    if (waiting > buffer.length()) {
      // It cannot be taken in pieces. The buffer goes back empty, which to the guest is a free one.
      buffer.complete(0);
      drop("too long");
      return;
    }
    long at = 0;
    for (MemorySegment part : buffer.parts()) {
      long size = Math.min(part.byteSize(), waiting - at);
      MemorySegment.copy(frame, at, part, 0, size);
      at += size;
    }
    if (context.log().isLoggable(Level.INFO)) say("input", waiting, frame, "sent");
    framesIn.increment();
    bytesIn.add(waiting);
    buffer.complete(waiting);
    waiting = 0;
  }

  private void drop(String why) {
    if (context.log().isLoggable(Level.INFO)) say("input", waiting, frame, why);
    dropped.increment();
    waiting = 0;
  }

  private void say(String direction, long length, MemorySegment first, String what) {
    byte[] begin = first.asSlice(0, Math.min(2, first.byteSize())).toArray(ValueLayout.JAVA_BYTE);
    context.log().log(Level.INFO, direction + " packet len " + length + " [" + HexFormat.ofDelimiter(" ").formatHex(begin) + "] (" + what + ")");
  }

  /** The tap stays open: closing it would take the interface from the host, and every connection with it. */
  @Override public Optional<DeviceState> drain() {
    if (watch == null) return Optional.empty();
    drained = true;
    Map<String, Object> values = new HashMap<>();
    values.put(FD, (long) tap.fd());
    values.put(NAME, tap.name());
    values.put(SENT, sent);
    values.put(WAITING, Arrays.copyOf(frame.asSlice(0, waiting).toArray(ValueLayout.JAVA_BYTE), waiting));
    return Optional.of(new DeviceState(STATE_VERSION, values, Set.of(FD)));
  }

  @Override public void close() {
    if (watch != null) watch.close();
    if (!drained) tap.close();
  }
}
