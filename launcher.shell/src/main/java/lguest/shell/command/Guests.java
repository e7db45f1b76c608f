package lguest.shell.command;

import java.util.Map;
import java.util.Optional;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.atomic.AtomicReference;
import java.util.function.Consumer;
import lguest.launcher.Guest;
import lguest.launcher.GuestEnd;
import lguest.launcher.GuestSpec;
import lguest.launcher.LaunchException;
import lguest.launcher.Launcher;
import org.osgi.service.component.annotations.Activate;
import org.osgi.service.component.annotations.Component;
import org.osgi.service.component.annotations.Reference;

/** Guests in the background: what they log and how they end is told as news. */
@Component(service = Guests.class)
public final class Guests {
  private final Launcher launcher;
  private final News news;
  private final Map<String, Owner> owners = new ConcurrentHashMap<>();

  @Activate
  public Guests(@Reference Launcher launcher, @Reference News news) {
    this.launcher = launcher;
    this.news = news;
  }

  /** Makes a guest, whose log goes to the user. */
  public Guest create(GuestSpec spec, boolean verbose) throws LaunchException {
    String name = spec.name();
    if (launcher.find(name).filter(guest -> guest.state() == Guest.State.ENDED).isPresent())
      throw new LaunchException("there is a guest named '" + name + "' already, which has ended; 'start " + name + "' boots it once more, 'stop " + name + "' has it forgotten");
    return make(spec, verbose);
  }

  private Guest make(GuestSpec spec, boolean verbose) throws LaunchException {
    AtomicReference<String> name = new AtomicReference<>(spec.name().isEmpty() ? "lguest" : spec.name());
    Guest guest = launcher.create(spec, new LogLines(() -> name.get() + ": ", verbose, news::tell));
    name.set(guest.name());
    return guest;
  }

  /** Starts a guest. {@code ended} is called when it has, after the user has been told. */
  public void start(Guest guest, Consumer<GuestEnd> ended) {
    guest.start();
    Thread.ofVirtual().name("end of " + guest.name()).start(() -> {
      try {
        GuestEnd end = guest.await();
        // Who stops a guest is told by the command that did it.
        if (end.kind() != GuestEnd.Kind.STOPPED) news.tell(guest.name() + ": " + ending(end));
        ended.accept(end);
        owner(guest.name()).ifPresent(owner -> owner.ended(guest, end));
      } catch (InterruptedException e) {
        Thread.currentThread().interrupt();
      }
    });
  }

  /** A guest like one that has ended, or as its owner wants it now, under its name; that one is forgotten, unless this fails. */
  public Guest again(Guest ended) throws LaunchException {
    Optional<Owner> owner = owner(ended.name());
    GuestSpec old = owner.map(Owner::next).orElse(ended.spec());
    Guest guest = make(new GuestSpec(ended.name(), old.memory(), old.image(), old.initrd(), old.devices(), old.arguments(), old.host()), false);
    owner.ifPresent(one -> one.made(guest));
    return guest;
  }

  /** From now on until {@link #disown}, guests of this name are defined by {@code owner}. */
  public void own(String name, Owner owner) { owners.put(name, owner); }

  public void disown(String name, Owner owner) { owners.remove(name, owner); }

  public Optional<Owner> owner(String name) { return Optional.ofNullable(owners.get(name)); }

  /** One line of figures, also read by cnf/bench. */
  public static String stats(Guest guest) {
    double seconds = guest.processorTime().toNanos() / 1e9;
    Long inside = guest.statistics().get("guest_nanos"); // there when the Host was asked to measure it
    return "%d instructions, %.3f s of processor time, %.3f s in all, %.1f million instructions/s".formatted(
        guest.instructions(), seconds, guest.uptime().toNanos() / 1e9, guest.instructions() / Math.max(seconds, 1e-6) / 1e6)
        + (inside == null ? "" : ", %.3f s inside the guest".formatted(inside / 1e9));
  }

  public static String ending(GuestEnd end) {
    return switch (end.kind()) {
      case POWER_OFF -> "off";
      case STOPPED -> "stopped";
      case DIED -> "died: " + end.reason();
      case FAILED -> "failed: " + end.reason();
    };
  }
}
