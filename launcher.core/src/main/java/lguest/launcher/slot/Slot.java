package lguest.launcher.slot;

import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.Optional;
import java.util.SortedMap;
import java.util.TreeMap;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.atomic.AtomicBoolean;
import java.util.concurrent.atomic.LongAdder;
import java.util.function.BooleanSupplier;
import java.util.function.Consumer;
import java.util.function.Supplier;
import lguest.device.Attachable;
import lguest.device.Device;
import lguest.device.DeviceException;
import lguest.device.Request;
import lguest.launcher.DeviceSlot;
import lguest.launcher.LaunchException;
import lguest.launcher.RequestTrace;
import lguest.launcher.SlotStatistics;
import lguest.memory.GuestMemory;

/**
 * Tour 3.6: A place on the bus
 *
 * <p>The guest looks at its bus once, at boot, and must never have to again (L26). So what it sees is not a device but a slot: descriptor, pages, keys, interrupt and the requests
 * under way are the slot's, and a device is merely who answers at the moment. When nobody does, requests wait here, and so does the guest if it has to: it sees a slow device, never
 * one that failed, lost, repeated or reordered a request.
 */
public final class Slot implements DeviceSlot, Exchange.Tenancy {
  private final Machine machine;
  private final int index;
  private final String type, argument;
  private final Map<String, LongAdder> counters = new ConcurrentHashMap<>();
  private final AtomicBoolean serviceAsked = new AtomicBoolean();
  private final Meter meter = new Meter();
  private final Choice choice;
  private final Occupancy occupancy;
  private final Attachments attachments = new Attachments();
  private final Calls calls;
  private final Exchange exchange;
  private final Row row;
  /** Where the keys are, once that is settled: each request of a guest is held against it, in every slot. */
  private volatile Keys keys = new Keys(0, 0);
  // Under the occupancy's lock.
  private final Transfers transfers;
  private Description description;
  private boolean settled;
  private long pages;
  private int room;

  private record Keys(long first, int channels) {}

  /** The row of slots this is one of. */
  interface Row {
    /** The first device has said what the slot is. */
    void settled(Slot slot);

    /** A slot whose device has no page. There can be one: its keys begin at 0. */
    default Optional<Slot> withoutPage() { return Optional.empty(); }
  }

  Slot(Machine machine, int index, String type, String argument, Row row) {
    this.machine = machine;
    this.index = index;
    this.type = type;
    this.argument = argument;
    this.row = row;
    transfers = new Transfers(machine, meter);
    choice = new Choice(type);
    occupancy = new Occupancy(choice, meter::swapped);
    calls = new Calls(machine, name(), occupancy, this::failed);
    exchange = new Exchange(machine, this, occupancy, calls, attachments, this);
  }

  /** For messages. */
  String name() { return "device '" + type + "' in slot " + index; }

  @Override public int index() { return index; }

  @Override public String type() { return type; }

  @Override public String argument() { return argument; }

  @Override public State state() { return occupancy.state(); }

  @Override public Optional<String> reason() { return occupancy.reason(); }

  @Override public Optional<String> provider() { return occupancy.active(device -> device.candidate().label()); }

  @Override public int requestsWaiting() { return occupancy.locked(transfers::waiting); }

  @Override public SlotStatistics statistics() { return meter.statistics(); }

  @Override public AutoCloseable trace(Consumer<RequestTrace> listener) { return meter.trace(listener); }

  @Override public Map<String, Long> counters() {
    SortedMap<String, Long> values = new TreeMap<>();
    counters.forEach((name, value) -> values.put(name, value.sum()));
    return values;
  }

  LongAdder counter(String name) { return counters.computeIfAbsent(name, ignored -> new LongAdder()); }

  @Override public Optional<Attachable.Attachment> attach(Attachable.Output output, boolean replay) {
    return attachments.attach(output, replay, () -> occupancy.active(here -> here));
  }

  // What the guest has read in the descriptor.

  /** The guest's drivers expect the interrupt to follow from the place (ABI §3.9). */
  int irq() { return index + 1; }

  /** What the slot is; null until its first device has come and said so. */
  Description description() { return occupancy.locked(() -> settled ? description : null); }

  /** A device says what the slot is. Until one has come to stay, the last word counts. */
  void describe(Description now) throws DeviceException {
    Description.settle(description(), now);
    Optional<Slot> other = now.pages() > 0 ? Optional.empty() : row.withoutPage().filter(slot -> slot != this);
    if (other.isPresent())
      throw new DeviceException("%s has no page, so that guests would reach it by key 0, by which they reach %s; leave one of them out, or have its makers give it a page".formatted(name(), other.get().name()));
    occupancy.locked(() -> {
      if (settled) return null;
      if (now.pages() > room) {
        // Who comes while the guest runs may fail, and another may say something else: there is room for that only once.
        room = occupancy.state() == State.EMPTY ? now.pages() : Description.MAX_PAGES;
        pages = machine.memory().addPages(room);
      }
      return description = now;
    });
  }

  /** No device ever came to stay, and the slot is not needed any more. */
  void discard() { machine.memory().takeBack(pages, room); }

  /** The first device has come to stay. */
  @Override public void settled(Occupant occupant) {
    boolean first = occupancy.locked(() -> {
      if (description == null) throw new IllegalStateException("it did not describe itself");
      if (settled) return false;
      keys = new Keys(base(), description.channels());
      return settled = true;
    });
    if (first) row.settled(this);
  }

  /** The guest-physical address of a device page. */
  long pageAddress(int page) {
    return occupancy.locked(() -> {
      if (description == null) throw new IllegalStateException("the device has not described itself yet");
      return pages + (long) Objects.checkIndex(page, description.pages()) * GuestMemory.PAGE_SIZE;
    });
  }

  /** The DMA key of a channel (ABI §3.10): four bytes apart, from the first device page on, or from 0 for a device without. */
  long key(int channel) { return occupancy.locked(() -> base() + 4L * channel); }

  private long base() { return description == null || description.pages() == 0 ? 0 : pages; }

  /** The channel a DMA key means here, or −1. */
  int channel(long key) {
    Keys mine = keys;
    long channel = (key - mine.first) / 4;
    return key >= mine.first && key % 4 == 0 && channel < mine.channels ? (int) channel : -1;
  }

  // The guest's thread.

  /** A request the guest has sent; {@link #work} hands it to the device. */
  Transfer send(int channel, Dma dma) { return occupancy.locked(() -> transfers.send(channel, dma)); }

  /** Whether the guest may run on after sending this. */
  boolean isReleased(Transfer transfer) { return occupancy.locked(transfer::released); }

  /** {@link lguest.device.DeviceContext#offered}. */
  Optional<Request> offered(Occupant asking, int channel) {
    return occupancy.locked(() -> {
      Objects.checkIndex(channel, description.channels());
      // In a slot that drains already, too: the call that goes on is waited for, and to say that there is no buffer, where there is one, would be a lie that a guest may die of.
      if (!calls.isCalling(asking)) throw new IllegalStateException("offered() is for the guest's thread, in request() and service()");
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
      calls.call(holder, device -> device.request(new Transfer.Handle(this, given, holder)));
    }
    if (!serviceAsked.get()) return worked;
    Optional<Occupant> served = occupancy.active(device -> serviceAsked.getAndSet(false) ? device : null);
    served.ifPresent(occupant -> {
      calls.call(occupant, Device::service);
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

  /** A device threw: it is named, and the slot parks until another provider comes. Any thread. */
  void failed(Occupant device, Throwable fault) {
    if (machine.ending() || !occupancy.failed(device, name() + " failed: " + fault + "; its requests wait for another version of it")) return;
    machine.log().line(System.Logger.Level.ERROR, name() + " failed and is parked; its requests wait for another version of it", fault);
    exchange.start();
  }

  // Devices come and go.

  /** Opens the slot's first device, or parks it when there is no provider. A failure is the user's, and leaves nothing. */
  public void openFirst(List<Candidate> candidates) throws LaunchException {
    occupancy.locked(() -> {
      choice.offer(candidates);
      return null;
    });
    if (candidates.isEmpty()) {
      occupancy.vacant();
      machine.log().line(System.Logger.Level.WARNING, name() + " waits: " + occupancy.reason().orElse(""), null);
      return;
    }
    try {
      occupancy.placed(exchange.openFirst(candidates.getFirst()));
    } catch (DeviceException e) {
      throw new LaunchException(e.getMessage(), e);
    } catch (Throwable e) {
      machine.log().line(System.Logger.Level.ERROR, name() + " could not be opened", e);
      throw new LaunchException("%s could not be opened, by a fault in its bundle: %s; tell its makers, the log has the details".formatted(name(), e), e);
    }
  }

  /** Says who provides its type now, best first. Asked under the lock, so that what was asked last counts. Returns at once; whatever has to be done is done on another thread. */
  public void offer(Supplier<List<Candidate>> candidates) { choose(() -> choice.offer(candidates.get())); }

  @Override public void park(String reason) { choose(() -> choice.hold(reason)); }

  @Override public void resume() { choose(choice::release); }

  @Override public void swap(String provider) throws LaunchException {
    Optional<LaunchException> refusal = occupancy.locked(() -> {
      try {
        choice.pin(provider);
        return Optional.empty();
      } catch (LaunchException e) {
        return Optional.of(e);
      }
    });
    if (refusal.isPresent()) throw refusal.get();
    exchange.start();
  }

  private void choose(Runnable change) {
    occupancy.locked(() -> {
      change.run();
      return null;
    });
    exchange.start();
  }

  /** Waits until no device of this provider sits here or is about to, at most until {@code deadline} ({@link System#nanoTime}). */
  public boolean awaitWithout(Candidate candidate, long deadline) { return occupancy.awaitWithout(candidate, deadline); }

  @Override public void vacated() { transfers.giveBack(); }

  // The end.

  /** Makes a call into the device that goes on return soon, for the guest is to stop. */
  public void interruptCall() { calls.interrupt(); }

  /** The guest has ended: closes the device for good. Its output is waited for, longer than a step's time as long as {@code patient} says so. */
  public void gone(BooleanSupplier patient) {
    occupancy.gone(transfers::clear).ifPresent(last -> exchange.close(last, patient));
    // An exchange under way sees that the slot is gone, and closes what it holds.
    occupancy.awaitNoExchange(machine.limits().open() + 5 * machine.limits().step());
    occupancy.cleared();
    attachments.gone();
  }
}
