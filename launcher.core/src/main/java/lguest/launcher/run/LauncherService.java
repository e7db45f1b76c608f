package lguest.launcher.run;

import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.concurrent.CopyOnWriteArrayList;
import java.util.concurrent.ThreadLocalRandom;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.locks.ReentrantLock;
import lguest.device.DeviceProvider;
import lguest.host.HostProvider;
import lguest.launcher.Guest;
import lguest.launcher.GuestLog;
import lguest.launcher.GuestSpec;
import lguest.launcher.GuestSpec.DeviceSpec;
import lguest.launcher.LaunchException;
import lguest.launcher.Launcher;
import lguest.launcher.ProviderInfo;
import lguest.launcher.slot.Candidate;
import lguest.launcher.slot.Limits;
import lguest.launcher.slot.Slot;
import org.osgi.framework.Bundle;
import org.osgi.framework.Constants;
import org.osgi.framework.ServiceReference;
import org.osgi.service.component.annotations.Component;
import org.osgi.service.component.annotations.Deactivate;
import org.osgi.service.component.annotations.Reference;
import org.osgi.service.component.annotations.ReferenceCardinality;
import org.osgi.service.component.annotations.ReferencePolicy;
import org.osgi.service.component.annotations.ReferencePolicyOption;

/**
 * Tour 3.1: The Launcher
 *
 * <p>The Launcher gives a guest everything but its processor: memory with a kernel in it, devices, a thread. The processor is a Host's, and comes as a service, and so does every
 * type of device; nothing in this bundle knows which there are. Providers come and go while guests run: guests are told which is the best device provider of each type now, and see to it
 * themselves. A guest keeps the Host it was made on; a better one runs the guests that come after.
 */
@Component(immediate = true)
public final class LauncherService implements Launcher {
  /** A provider that leaves waits at most this long for its devices to be out of their slots. */
  private static final long LEAVE_MILLIS = 5000;

  private final Providers providers = new Providers();
  private volatile Limits limits = Limits.USUAL;
  private final List<RunningGuest> guests = new CopyOnWriteArrayList<>();
  /** Held while a guest is made: names and numbers are free until it is in the list, and providers that leave find it there. */
  private final ReentrantLock making = new ReentrantLock();
  /**
   * Guests make their hardware addresses of their number (ABI §9.3). The original's Host counted from 0 for all guests of the machine; guests of other processes may be on the same
   * network as ours, so each process begins somewhere of its own.
   */
  private final int firstId = ThreadLocalRandom.current().nextInt(0x10000);

  @Reference(cardinality = ReferenceCardinality.OPTIONAL, policy = ReferencePolicy.DYNAMIC, policyOption = ReferencePolicyOption.GREEDY)
  private volatile HostProvider host;

  @Override public Guest create(GuestSpec spec, GuestLog log) throws LaunchException {
    HostProvider best = host;
    if (best == null) throw new LaunchException("no Host is there to run a guest on; install a bundle that provides one, such as host.lguest");
    RunningGuest guest;
    making.lock();
    try {
      String name = nameFor(spec);
      guest = RunningGuest.create(name, freeId(), spec, log, best, this);
      guests.removeIf(ended -> ended.name().equals(name));
      guests.add(guest);
    } finally {
      making.unlock();
    }
    // Providers may have come and gone while it was made, and nobody told it.
    for (Slot slot : guest.bus().slots()) slot.offer(() -> providers.of(slot.type()));
    return guest;
  }

  // What guests ask of their home.

  Limits limits() { return limits; }

  List<Candidate> providersOf(String type) { return providers.of(type); }

  /** Adds a slot to a guest, with nobody's provider leaving unnoticed meanwhile. */
  Slot addDevice(RunningGuest guest, DeviceSpec device) throws LaunchException {
    Slot slot;
    making.lock();
    try {
      slot = guest.bus().add(device, providers.of(device.type()));
    } finally {
      making.unlock();
    }
    slot.offer(() -> providers.of(slot.type()));
    return slot;
  }

  void forget(RunningGuest guest) { guests.remove(guest); }

  // Names and numbers.

  private String nameFor(GuestSpec spec) throws LaunchException {
    if (!spec.name().isEmpty()) {
      if (find(spec.name()).filter(guest -> guest.state() != Guest.State.ENDED).isPresent()) throw new LaunchException("there is a guest named '" + spec.name() + "' already; choose another name or close that one");
      return spec.name();
    }
    int number = 1;
    while (find("guest" + number).isPresent()) number++;
    return "guest" + number;
  }

  /** A number no other guest here has. */
  private int freeId() throws LaunchException {
    for (int i = 0; i <= 0xFFFF; i++) {
      int candidate = firstId + i & 0xFFFF;
      if (guests.stream().noneMatch(guest -> guest.id() == candidate)) return candidate;
    }
    throw new LaunchException("there are 65536 guests already; close one");
  }

  @Override public List<Guest> guests() { return List.copyOf(guests); }

  @Override public Optional<Guest> find(String name) { return guests().stream().filter(guest -> guest.name().equals(name)).findFirst(); }

  @Override public List<ProviderInfo> providers() { return providers.list(); }

  @Reference(cardinality = ReferenceCardinality.MULTIPLE, policy = ReferencePolicy.DYNAMIC, policyOption = ReferencePolicyOption.GREEDY)
  void addDevice(DeviceProvider provider, ServiceReference<DeviceProvider> reference, Map<String, Object> properties) { arrived(candidate(provider, reference, properties), properties); }

  void updatedDevice(DeviceProvider provider, ServiceReference<DeviceProvider> reference, Map<String, Object> properties) { arrived(candidate(provider, reference, properties), properties); }

  void removeDevice(DeviceProvider provider, ServiceReference<DeviceProvider> reference, Map<String, Object> properties) { leaves(candidate(provider, reference, properties)); }

  private static Candidate candidate(DeviceProvider provider, ServiceReference<DeviceProvider> reference, Map<String, Object> properties) {
    int ranking = properties.get(Constants.SERVICE_RANKING) instanceof Integer number ? number : 0;
    long id = properties.get(Constants.SERVICE_ID) instanceof Long number ? number : 0;
    Bundle bundle = reference.getBundle();
    // It has none any more when it leaves; then it is known by itself.
    return bundle == null ? new Candidate(provider, "", "", ranking, id) : new Candidate(provider, bundle.getSymbolicName(), bundle.getVersion().toString(), ranking, id);
  }

  /** A provider is there, or has another ranking. */
  void arrived(Candidate candidate, Map<String, Object> properties) {
    providers.remove(candidate);
    providers.add(candidate, properties);
    tell(candidate.provider().type());
  }

  /** Its devices leave their slots before this returns, unless that takes too long; OSGi tears the provider down afterwards. */
  void leaves(Candidate candidate) {
    providers.remove(candidate);
    long deadline = System.nanoTime() + TimeUnit.MILLISECONDS.toNanos(LEAVE_MILLIS);
    awaitMaking(deadline);
    tell(candidate.provider().type());
    for (RunningGuest guest : guests)
      for (Slot slot : guest.bus().slots()) if (!slot.awaitWithout(candidate, deadline)) return;
  }

  /** Waits until a guest that is being made, perhaps with devices of a provider that leaves, is in the list. */
  private void awaitMaking(long deadline) {
    try {
      if (making.tryLock(deadline - System.nanoTime(), TimeUnit.NANOSECONDS)) making.unlock();
    } catch (InterruptedException e) {
      Thread.currentThread().interrupt();
    }
  }

  private void tell(String type) {
    for (RunningGuest guest : guests)
      for (Slot slot : guest.bus().slots()) if (slot.type().equals(type)) slot.offer(() -> providers.of(type));
  }

  /** Guests cannot outlive the classes they are made of: they end in good order, all at once, and are told why. */
  @Deactivate
  void deactivate() {
    List<Thread> closers = guests.stream().map(guest -> Thread.ofPlatform().daemon().name(guest.name() + "-close").start(() -> guest.close("the Launcher was stopped or replaced, and its guests with it"))).toList();
    for (Thread closer : closers) {
      try {
        closer.join();
      } catch (InterruptedException e) {
        Thread.currentThread().interrupt();
        return;
      }
    }
  }

  /** For tests, which have no OSGi to set it. */
  void host(HostProvider provider) { host = provider; }

  /** For tests, which have less time. */
  void limits(Limits other) { limits = other; }
}
