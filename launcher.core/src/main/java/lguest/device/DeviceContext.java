package lguest.device;

import java.lang.foreign.MemorySegment;
import java.util.Optional;
import java.util.concurrent.Executor;
import java.util.concurrent.atomic.LongAdder;
import org.osgi.annotation.versioning.ProviderType;

/** A device's one door to the machine. Any thread may call unless said otherwise. */
@ProviderType
public interface DeviceContext {
  /** The guest's name, for messages. */
  String guestName();

  /** The slot's place on the bus, 0..15; its interrupt is one more (ABI §3.9). */
  int slot();

  /**
   * Says what the guest finds in the slot (ABI §3.2). Call it once, in {@link DeviceProvider#open}, before the pages are used. The first open of a slot decides; a
   * later one that says something else is refused with {@link DeviceException}, since the guest has read it long ago.
   *
   * @param type the number by which guests know the type, 1..65535
   * @param features bits, 0..65535
   * @param pages pages of device memory, 0..16. One device of a guest may have none, as consoles do: guests reach it by key 0, and another is refused (L31)
   * @param channels how many channels the device serves, 1..1024. What a guest sends on another is nobody's: logged, not answered (L31)
   */
  void describe(int type, int features, int pages, int channels) throws DeviceException;

  /** {@link #describe(int, int, int, int)} for a device that serves channel 0 only. */
  default void describe(int type, int features, int pages) throws DeviceException { describe(type, features, pages, 1); }

  /** Device page {@code index}, a live view of one page; the guest writes there whenever it likes. */
  MemorySegment page(int index);

  /** Maps the first page of a file, shared, in place of device page {@code index} (L45). */
  void sharePage(int index, java.nio.file.Path file) throws DeviceException;

  /** The next free buffer the guest has offered on {@code channel}, or empty. Guest's thread only: in {@link Device#request} or {@link Device#service}. */
  Optional<Request> offered(int channel);

  /** Asks for {@link Device#service} soon: the Waker breaks the guest out (L30). */
  void wake();

  /** Asks for {@link Device#service} again a little later, after the guest has had time to offer a buffer. */
  void retry();

  /** Has the Waker watch a file descriptor: {@link Device#service} is called while it is readable. Close the watch before the descriptor. */
  Watch watch(int fileDescriptor);

  /** Interrupts a guest without completing anything, for protocols that need it. */
  void interrupt();

  /** Tells that the device wrote to guest memory outside a {@link Request} and a device page. */
  void memoryWritten(MemorySegment part);

  /** Ends the guest cleanly on the user's wish, such as the triple ^C (L42). {@code status} becomes the exit status. */
  void endGuest(int status, String reason);

  /**
   * For work that must not hold up the guest. Threads are daemons and are interrupted when the slot is closed. {@link Device#close} has a second; when the guest has ended by itself it has as long as
   * such work goes on, for what the guest has written is to be on the medium then.
   */
  Executor executor();

  /** Log lines carry the guest's name and the slot. Detail (L5's --verbose lines) goes to {@link System.Logger.Level#INFO}. */
  System.Logger log();

  /** A counter people see by name, such as {@code bytes.out}; created on first use. */
  LongAdder counter(String name);

  /** Stops {@link #watch}ing. */
  @ProviderType
  interface Watch extends AutoCloseable {
    @Override void close();
  }
}
