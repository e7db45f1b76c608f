package lguest.device.net;

import java.io.IOException;
import java.lang.System.Logger.Level;
import java.lang.foreign.MemorySegment;
import java.nio.file.Path;
import java.util.HashMap;
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
 * Tour 6.4: A cable between guests
 *
 * <p>The network is one page, mapped by every guest on it as its device page ({@link SharedPage}): a table of hardware addresses in which each guest writes its own line and reads the others'. To send, a
 * guest finds out who should get the frame and sends it to the key of that line.
 *
 * <p>Between guests of one process that is all. Their Host sees that the key lies in a page they share, and moves the bytes from memory to memory. This device never hears of it.
 *
 * <p>What the Host finds nobody for comes here, as anything sent to the Launcher does, and the key's channel is the line. If the guest there lives in another process, the frame is
 * copied into memory that the two processes share ({@link Ring}), and copied out over there into a buffer of its guest. The kernel only rings the bell ({@link Post}), and only when the other
 * side was idle. The original's kernel copied from process to process in one step; for that the guests' own memory would have to be open to each other's process, with everything in it. So this
 * costs one copy more, and a guest stays a secret of its process.
 */
final class NetDevice implements Device {
  static final int STATE_VERSION = 2;
  private static final int TYPE_NET = 2, F_NOCSUM = 0x4000;
  /** Frames handed over at one go; the guest stands still meanwhile. */
  private static final int BATCH = 256;
  /** How long frames wait for a guest that takes none, and how often it must have been served by then: on a busy machine time alone says little about a guest. */
  private static final long PATIENCE = TimeUnit.MILLISECONDS.toNanos(200);
  private static final int SERVICES = 12;
  private static final String PLACE = "place", FILE = "file", SOCKET = "socket", PAGE = "page", REAL = "real", RING = "ring.";
  /** What every state has. */
  static final Set<String> LEFT = Set.of(PLACE, FILE, SOCKET, PAGE, REAL);

  private final DeviceContext context;
  private final NetFile file;
  private final SharedPage page;
  private final Neighbours neighbours;
  private final LongAdder framesOut, framesIn, bytesOut, bytesIn, dropped, unsent;
  private final DeviceContext.Watch watch;
  private boolean drained;

  // The guest's thread.
  /** Since when the guest has had no buffer; 0: it had one the last time. */
  private long needySince;
  /** How often it has been served since. */
  private int services;

  /** A new guest on the network: what the last one of this place has left in its line is gone. */
  static NetDevice begin(NetFile file, DeviceContext context) throws DeviceException {
    Post post = null;
    int page = -1;
    try {
      post = Post.open(file);
      page = SharedPage.find(file, post.folder());
      NetDevice device = new NetDevice(context, file, post, page);
      device.map();
      file.joined();
      context.log().log(Level.INFO, "place " + file.place() + " on network file '" + file.path() + "'");
      return device;
    } catch (IOException | DeviceException | RuntimeException e) {
      if (page >= 0) Libc.closeQuietly(page);
      if (post != null) post.close();
      throw complaint("cannot use", file, e);
    }
  }

  private void map() throws DeviceException {
    try {
      context.sharePage(0, page.path());
      clearLine();
    } catch (DeviceException | RuntimeException e) {
      watch.close();
      try {
        page.leave();
      } catch (InterruptedException interrupt) {
        Thread.currentThread().interrupt();
      }
      throw e;
    }
  }

  /** Goes on where another implementation has stopped. What it has left stays as it is if that fails. */
  static NetDevice resume(String name, DeviceState state, DeviceContext context) throws DeviceException {
    Map<String, Object> values = state.values();
    NetFile file = NetFile.of(name, Path.of((String) values.get(REAL)), number(values, FILE), number(values, PLACE));
    Post post = null;
    try {
      post = Post.of(file, number(values, SOCKET));
      NetDevice device = new NetDevice(context, file, post, number(values, PAGE));
      for (int i = 0; values.containsKey(RING + i); i++) device.neighbours.resume(number(values, RING + i + ".place"), number(values, RING + i));
      context.wake();
      return device;
    } catch (IOException | DeviceException | RuntimeException e) {
      if (post != null) post.leave();
      throw complaint("cannot go on with", file, e);
    }
  }

  private static DeviceException complaint(String what, NetFile file, Exception e) {
    if (e instanceof Libc.Failure refusal) return new DeviceException(what + " network file '" + file.path() + "': " + Libc.text(refusal), refusal);
    if (e instanceof RuntimeException ours) throw ours;
    return e instanceof DeviceException theirs ? theirs : new DeviceException(what + " network file '" + file.path() + "': " + e.getMessage(), e);
  }

  private static int number(Map<String, Object> values, String name) { return ((Long) values.get(name)).intValue(); }

  private NetDevice(DeviceContext context, NetFile file, Post post, int page) throws DeviceException, IOException {
    this.context = context;
    this.file = file;
    context.describe(TYPE_NET, F_NOCSUM | file.place(), 1, NetFile.PLACES);
    framesOut = context.counter("frames.out");
    framesIn = context.counter("frames.in");
    bytesOut = context.counter("bytes.out");
    bytesIn = context.counter("bytes.in");
    dropped = context.counter("frames.dropped");
    unsent = context.counter("frames.unsent");
    neighbours = new Neighbours(post, file.place());
    this.page = new SharedPage(post.folder(), page, context.executor());
    watch = context.watch(neighbours.bell());
  }

  private void clearLine() { context.page(0).asSlice((long) file.place() * NetFile.ADDRESS, NetFile.ADDRESS).fill((byte) 0); }

  /** A frame for the guest at the place that is the channel, which is not one of this process. */
  @Override public void request(Request request) {
    long length = request.length();
    boolean sent = length > 0 && neighbours.send(request.channel(), request.parts(), length);
    (sent ? framesOut : unsent).increment();
    if (sent) bytesOut.add(length);
    request.complete(sent ? length : 0);
    // While we are here: what the guest has just sent is often an answer, and more to answer waits.
    if (needySince != 0) receive();
  }

  @Override public void service() {
    neighbours.collect();
    services++;
    receive();
  }

  private void receive() {
    for (int frames = 0; frames < BATCH; frames++) {
      Optional<Neighbours.From> next = neighbours.next(this::spoilt);
      if (next.isEmpty()) return;
      Ring ring = next.get().frames();
      int length;
      try {
        length = ring.next();
      } catch (IOException e) {
        spoilt(next.get(), e);
        return;
      }
      Optional<Request> buffer = context.offered(file.place());
      if (buffer.isPresent()) {
        needySince = 0;
        services = 0;
        deliver(ring, length, buffer.get());
        continue;
      }
      long now = System.nanoTime() | 1;
      if (needySince == 0) needySince = now;
      if (services < SERVICES || now - needySince < PATIENCE) {
        context.retry();
        return;
      }
      ring.skip(length);
      dropped.increment();
    }
    context.wake();
  }

  private void deliver(Ring ring, int length, Request buffer) {
    if (length > buffer.length()) {
      // It cannot be taken in pieces. The buffer goes back empty, which to the guest is a free one.
      buffer.complete(0);
      ring.skip(length);
      dropped.increment();
      return;
    }
    ring.take(buffer.parts(), length);
    framesIn.increment();
    bytesIn.add(length);
    buffer.complete(length);
  }

  private void spoilt(Neighbours.From neighbour, IOException fault) {
    context.log().log(Level.WARNING, "what place " + neighbour.place() + " of network file '" + file.path() + "' sends makes no sense, so it is left alone: " + fault.getMessage());
  }

  /** The place, and whatever waits to be taken, stay as they are for the next implementation. */
  @Override public Optional<DeviceState> drain() throws InterruptedException {
    drained = true;
    Map<String, Object> descriptors = new HashMap<>(), values = new HashMap<>();
    watch.close();
    page.leave();
    descriptors.put(FILE, (long) file.fd());
    descriptors.put(PAGE, (long) page.fd());
    descriptors.put(SOCKET, (long) neighbours.bell());
    values.put(REAL, file.real().toString());
    values.put(PLACE, (long) file.place());
    List<Neighbours.From> left = neighbours.leave();
    for (int i = 0; i < left.size(); i++) {
      descriptors.put(RING + i, (long) left.get(i).frames().fd());
      values.put(RING + i + ".place", (long) left.get(i).place());
    }
    values.putAll(descriptors);
    return Optional.of(new DeviceState(STATE_VERSION, values, descriptors.keySet()));
  }

  @Override public void close() throws InterruptedException {
    if (drained) return;
    watch.close();
    // The guest may not have come to it, and neighbours would send to nobody.
    clearLine();
    page.close();
    neighbours.close();
    file.close();
  }
}
