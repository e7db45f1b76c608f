package lguest.launcher.slot;

import java.util.Map;
import java.util.Objects;
import java.util.Optional;
import java.util.SortedMap;
import java.util.TreeMap;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.atomic.AtomicBoolean;
import java.util.concurrent.atomic.LongAdder;
import java.util.function.BooleanSupplier;
import lguest.device.Attachable;
import lguest.device.Device;
import lguest.device.DeviceException;
import lguest.device.Request;
import lguest.launcher.DeviceSlot;
import lguest.launcher.LaunchException;
import lguest.memory.GuestMemory;

/**
 * Tour 3.6: A place on the bus
 *
 * <p>The guest looks at its bus once, at boot, and must never have to again (L26). So what it sees is not a device but a slot: descriptor, pages, keys, interrupt and the requests
 * under way are the slot's, and a device is merely who answers at the moment. When nobody does, requests wait here, and so does the guest if it has to: it sees a slow device, never
 * one that failed, lost, repeated or reordered a request.
 */
public final class Slot implements DeviceSlot, Occupancy.Tenancy {
  private final Machine machine;
  private final int index;
  private final String type, argument;
  private final Map<String, LongAdder> counters = new ConcurrentHashMap<>();
  private final AtomicBoolean serviceAsked = new AtomicBoolean();
  private final Occupancy occupancy;
  // Under the occupancy's lock.
  private final Transfers transfers;
  private Description description;
  private long pages;

  public Slot(Machine machine, int index, String type, String argument) {
    this.machine = machine;
    this.index = index;
    this.type = type;
    this.argument = argument;
    transfers = new Transfers(machine);
    occupancy = new Occupancy(machine, this, this);
  }

  @Override public int index() { return index; }

  @Override public String type() { return type; }

  @Override public String argument() { return argument; }

  @Override public State state() { return occupancy.state(); }

  @Override public Optional<String> reason() { return occupancy.reason(); }

  @Override public Map<String, Long> counters() {
    SortedMap<String, Long> values = new TreeMap<>();
    counters.forEach((name, value) -> values.put(name, value.sum()));
    return values;
  }

  LongAdder counter(String name) { return counters.computeIfAbsent(name, ignored -> new LongAdder()); }

  @Override public Optional<Attachable.Attachment> attach(Attachable.Output output, boolean replay) { return occupancy.attach(output, replay); }

  // What the guest has read in the descriptor.

  /** The guest's drivers expect the interrupt to follow from the place (ABI §3.9). */
  int irq() { return index + 1; }

  /** What the slot is; null until its first device has said so. */
  Description description() { return occupancy.locked(() -> description); }

  void describe(Description now) throws DeviceException {
    Description earlier = description();
    Description settled = Description.settle(earlier, now);
    if (earlier != null) return;
    occupancy.locked(() -> {
      if (settled.pages() > 0) pages = machine.memory().addPages(settled.pages());
      return description = settled;
    });
  }

  /** The guest-physical address of a device page. */
  long pageAddress(int page) {
    return occupancy.locked(() -> {
      if (description == null) throw new IllegalStateException("the device has not described itself yet");
      return pages + (long) Objects.checkIndex(page, description.pages()) * GuestMemory.PAGE_SIZE;
    });
  }

  /** The DMA key of a channel (ABI §3.10): four bytes apart, from the first device page on, or from 0 for a device without. */
  long key(int channel) { return occupancy.locked(() -> pages + 4L * channel); }

  /** The channel a DMA key means here, or −1. */
  int channel(long key) {
    return occupancy.locked(() -> {
      long channel = (key - pages) / 4;
      return description != null && key >= pages && key % 4 == 0 && channel < description.channels() ? (int) channel : -1;
    });
  }

  // The guest's thread.

  /** A request the guest has sent; {@link #work} hands it to the device. */
  Transfer send(int channel, Dma dma) { return occupancy.locked(() -> transfers.send(channel, dma)); }

  /** Whether the guest may run on after sending this. */
  boolean isReleased(Transfer transfer) { return occupancy.locked(transfer::released); }

  /** {@link lguest.device.DeviceContext#offered}. */
  Optional<Request> offered(Occupant asking, int channel) {
    Objects.checkIndex(channel, description().channels());
    return occupancy.locked(() -> {
      // In a slot that drains already, too: the call that goes on is waited for, and to say that there is no buffer, where there is one, would be a lie that a guest may die of.
      if (!occupancy.isCalling(asking)) throw new IllegalStateException("offered() is for the guest's thread, in request() and service()");
      return transfers.bufferFor(asking, channel, key(channel));
    }).map(buffer -> new Transfer.Handle(this, buffer, asking));
  }

  /**
   * Gives the device the requests that wait, oldest first, then its {@link Device#service} if that was asked for. Returns whether there was anything to do. A guest's fault comes out as
   * {@link lguest.device.GuestFaultException} or {@link lguest.memory.InvalidAddressException}.
   */
  boolean work() {
    boolean worked = false;
    for (Optional<Transfer> next; (next = occupancy.active(device -> transfers.nextFor(device).orElse(null))).isPresent(); worked = true) {
      Transfer given = next.get();
      Occupant holder = given.holder;
      occupancy.call(holder, device -> device.request(new Transfer.Handle(this, given, holder)));
    }
    Optional<Occupant> served = occupancy.active(device -> serviceAsked.getAndSet(false) ? device : null);
    served.ifPresent(occupant -> {
      occupancy.call(occupant, Device::service);
      occupant.context().serviced();
    });
    return worked || served.isPresent();
  }

  // What devices do, on any thread.

  void askForService() {
    if (serviceAsked.compareAndSet(false, true)) machine.breakIn();
  }

  void complete(Transfer transfer, Occupant by, long length) {
    occupancy.locked(() -> {
      if (state() != State.GONE) transfers.complete(transfer, by, length);
      return null;
    });
    machine.ring();
  }

  void defer(Transfer transfer, Occupant by) {
    occupancy.locked(() -> {
      if (state() != State.GONE) transfers.defer(transfer, by);
      return null;
    });
    machine.ring();
  }

  void failed(Occupant device, Throwable fault) { occupancy.failed(device, fault); }

  // Devices come and go.

  /** Opens the slot's first device. A failure is the user's, and leaves nothing. */
  public void openFirst(Candidate candidate) throws LaunchException {
    try {
      occupancy.openFirst(candidate);
    } catch (DeviceException e) {
      throw new LaunchException(e.getMessage(), e);
    } catch (Throwable e) {
      machine.log().line(System.Logger.Level.ERROR, occupancy.name() + " could not be opened", e);
      throw new LaunchException("%s could not be opened, by a fault in its bundle: %s; tell its makers, the log has the details".formatted(occupancy.name(), e), e);
    }
  }

  /** Says whose device should sit here; null: there is nobody. Returns at once; whatever has to be done is done on another thread. */
  public void want(Candidate best) { occupancy.want(best); }

  /** Waits until no device of this provider sits here or is about to, at most until {@code deadline} ({@link System#nanoTime}). */
  public boolean awaitWithout(Candidate candidate, long deadline) { return occupancy.awaitWithout(candidate, deadline); }

  @Override public void vacated() { transfers.giveBack(); }

  // The end.

  /** Makes a call into the device that goes on return soon, for the guest is to stop. */
  public void interruptCall() { occupancy.interruptCall(); }

  /** The guest has ended: closes the device for good. Its output is waited for, longer than a second as long as {@code patient} says so. */
  public void gone(BooleanSupplier patient) { occupancy.gone(patient); }

  @Override public void ended() { transfers.clear(); }
}
