package lguest.device.fake;

import java.io.IOException;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.nio.channels.FileChannel;
import java.nio.file.Path;
import java.nio.file.StandardOpenOption;
import java.time.Duration;
import java.util.ArrayDeque;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.Deque;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.ResourceBundle;
import java.util.SortedMap;
import java.util.TreeMap;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.CopyOnWriteArrayList;
import java.util.concurrent.Executor;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.Semaphore;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.concurrent.atomic.LongAdder;
import lguest.device.Device;
import lguest.device.DeviceContext;
import lguest.device.DeviceException;
import lguest.device.Request;
import lguest.launcher.slot.Description;

/**
 * A device's door to a machine that is not there. A test plays the guest: it {@linkplain #send sends} requests, {@linkplain #offer offers}
 * buffers, {@linkplain #serve serves} as the run loop would, and looks at what the device did.
 *
 * <pre>{@code
 * try (FakeContext guest = new FakeContext(); Device device = provider.open(FakeContext.config("argument"), guest)) {
 *   FakeRequest hello = guest.send(0, "hello".getBytes());
 *   device.request(hello);
 *   assertEquals(5, hello.completedLength());
 * }
 * }</pre>
 */
public final class FakeContext implements DeviceContext, AutoCloseable {
  /** A line the device logged. */
  public record LogLine(System.Logger.Level level, String text, Optional<Throwable> cause) {}

  /** How the device ended the guest. */
  public record Ended(int status, String reason) {}

  private final Arena arena = Arena.ofShared();
  private final Deque<FakeRequest> offers = new ArrayDeque<>();
  private final List<Integer> watched = new CopyOnWriteArrayList<>();
  private final List<LogLine> lines = new CopyOnWriteArrayList<>();
  private final Map<String, LongAdder> counters = new ConcurrentHashMap<>();
  private final AtomicInteger interrupts = new AtomicInteger();
  private final Semaphore asked = new Semaphore(0);
  private final AtomicInteger retries = new AtomicInteger();
  private final ExecutorService executor = Executors.newCachedThreadPool(Thread.ofPlatform().daemon().name("fake-device-", 0).factory());
  private final System.Logger log = new Log();
  private Description description;
  private List<MemorySegment> pages = List.of();
  private volatile Ended ended;

  /** What a slot's first open gets. */
  public static lguest.device.DeviceConfig config(String argument) { return new lguest.device.DeviceConfig(argument, Optional.empty()); }

  // The guest's part.

  /** A request the guest sends on a channel: hand it to {@link Device#request}. */
  public FakeRequest send(int channel, byte[]... parts) {
    return new FakeRequest(channel, Arrays.stream(parts).map(this::segment).toList(), () -> {});
  }

  /** Offers a buffer on a channel, in parts of these sizes. The device finds it by {@link #offered}, oldest first. */
  public synchronized FakeRequest offer(int channel, int... sizes) {
    FakeRequest buffer = new FakeRequest(channel, Arrays.stream(sizes).mapToObj(size -> arena.allocate(size)).toList(), interrupts::incrementAndGet);
    offers.add(buffer);
    return buffer;
  }

  /** What the run loop does on a break: calls {@link Device#service} if the device asked for it by {@link #wake} or {@link #retry}, and says whether it did. */
  public boolean serve(Device device) throws Exception {
    if (asked.drainPermits() == 0) return false;
    device.service();
    return true;
  }

  /** {@link #serve}, but waits until the device asks. An {@link AssertionError} when it does not within {@code limit}. */
  public void awaitAndServe(Device device, Duration limit) throws Exception {
    if (!asked.tryAcquire(limit.toNanos(), TimeUnit.NANOSECONDS)) throw new AssertionError("the device did not ask for service within " + limit);
    asked.drainPermits();
    device.service();
  }

  // What the device did.

  /** The type it described itself as. */
  public int type() { return described().type(); }

  public int features() { return described().features(); }

  public int pages() { return described().pages(); }

  public int channels() { return described().channels(); }

  /** Interrupts raised, with filled buffers and without. */
  public int interrupts() { return interrupts.get(); }

  /** How often {@link #retry} was called. */
  public int retries() { return retries.get(); }

  /** File descriptors being watched. */
  public List<Integer> watched() { return List.copyOf(watched); }

  public List<LogLine> lines() { return List.copyOf(lines); }

  public SortedMap<String, Long> counters() {
    SortedMap<String, Long> values = new TreeMap<>();
    counters.forEach((name, value) -> values.put(name, value.sum()));
    return values;
  }

  /** How the device ended the guest, if it did. */
  public Optional<Ended> ended() { return Optional.ofNullable(ended); }

  /** Frees everything; what the device still holds of the guest's memory throws from now on. */
  @Override public void close() {
    executor.shutdownNow();
    arena.close();
  }

  // DeviceContext.

  @Override public String guestName() { return "fake"; }

  @Override public int slot() { return 0; }

  @Override public synchronized void describe(int type, int features, int count, int channels) throws DeviceException {
    boolean first = description == null;
    description = Description.settle(description, new Description(type, features, count, channels));
    if (first) pages = java.util.stream.Stream.generate(() -> arena.allocate(4096, 4096)).limit(count).toList();
  }

  @Override public MemorySegment page(int index) { return pages.get(index); }

  @Override public void sharePage(int index, Path file) throws DeviceException {
    try (FileChannel channel = FileChannel.open(file, StandardOpenOption.READ, StandardOpenOption.WRITE)) {
      MemorySegment page = channel.map(FileChannel.MapMode.READ_WRITE, 0, 4096, arena);
      pages = new ArrayList<>(pages);
      pages.set(index, page);
    } catch (IOException e) {
      throw new DeviceException("cannot map " + file + ": " + e.getMessage(), e);
    }
  }

  @Override public synchronized Optional<Request> offered(int channel) {
    for (FakeRequest offer : offers)
      if (offer.channel() == channel && offers.remove(offer)) return Optional.of(offer);
    return Optional.empty();
  }

  @Override public void wake() { asked.release(); }

  @Override public void retry() {
    retries.incrementAndGet();
    asked.release();
  }

  @Override public Watch watch(int fileDescriptor) {
    Integer watch = fileDescriptor;
    watched.add(watch);
    return () -> watched.remove(watch);
  }

  @Override public void interrupt() { interrupts.incrementAndGet(); }

  @Override public void memoryWritten(MemorySegment part) {}

  @Override public void endGuest(int status, String reason) { if (ended == null) ended = new Ended(status, reason); }

  @Override public Executor executor() { return executor; }

  @Override public System.Logger log() { return log; }

  @Override public LongAdder counter(String name) { return counters.computeIfAbsent(name, ignored -> new LongAdder()); }

  private synchronized Description described() {
    if (description == null) throw new AssertionError("the device did not describe itself");
    return description;
  }

  private MemorySegment segment(byte[] bytes) {
    return arena.allocate(Math.max(bytes.length, 1)).copyFrom(MemorySegment.ofArray(bytes)).asSlice(0, bytes.length);
  }

  private final class Log implements System.Logger {
    @Override public String getName() { return "fake"; }

    @Override public boolean isLoggable(Level level) { return true; }

    @Override public void log(Level level, ResourceBundle bundle, String text, Throwable cause) { lines.add(new LogLine(level, text, Optional.ofNullable(cause))); }

    @Override public void log(Level level, ResourceBundle bundle, String format, Object... values) {
      lines.add(new LogLine(level, values == null || values.length == 0 ? format : java.text.MessageFormat.format(format, values), Optional.empty()));
    }
  }
}
