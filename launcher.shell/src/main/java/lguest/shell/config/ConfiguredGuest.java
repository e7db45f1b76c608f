package lguest.shell.config;

import java.net.URI;
import java.nio.file.Path;
import java.util.List;
import java.util.Map;
import lguest.launcher.Guest;
import lguest.launcher.GuestEnd;
import lguest.launcher.GuestSpec;
import lguest.launcher.GuestSpec.DeviceSpec;
import lguest.launcher.LaunchException;
import lguest.shell.command.Guests;
import lguest.shell.command.News;
import lguest.shell.command.Owner;
import lguest.shell.words.Demo;
import lguest.shell.words.DeviceOptions;
import lguest.shell.words.UserError;
import org.osgi.framework.BundleContext;
import org.osgi.service.component.annotations.Activate;
import org.osgi.service.component.annotations.Component;
import org.osgi.service.component.annotations.ConfigurationPolicy;
import org.osgi.service.component.annotations.Deactivate;
import org.osgi.service.component.annotations.Modified;
import org.osgi.service.component.annotations.Reference;
import org.osgi.service.metatype.annotations.Designate;

/**
 * A guest defined by a configuration, from the moment that appears until it is gone. What is wrong with it is told in one line
 * and changes nothing. While the guest runs a change waits for its next start, except that devices added at the end of the list
 * are put in at once.
 */
@Component(service = {}, immediate = true, configurationPid = ConfiguredGuest.PID, configurationPolicy = ConfigurationPolicy.REQUIRE)
@Designate(ocd = GuestFile.class, factory = true)
public final class ConfiguredGuest implements Owner {
  static final String PID = "lguest.guest";
  private static final long RESTART_MILLIS = 1000;

  private final BundleContext context;
  private final Guests guests;
  private final News news;
  private final DeviceOptions options;
  private String place;
  private Path demo;
  private boolean withdrawn;
  /** What the configuration says, if that can be used. */
  private Definition wanted;
  /** What the guest was made of, and has got since. */
  private Definition applied;
  private Guest guest;

  @Activate
  public ConfiguredGuest(BundleContext context, Map<String, Object> properties, @Reference Guests guests, @Reference News news,
      @Reference DeviceOptions options) {
    this.context = context;
    this.guests = guests;
    this.news = news;
    this.options = options;
    modified(properties);
  }

  @Modified
  synchronized void modified(Map<String, Object> properties) {
    place = place(properties);
    try {
      wanted = Definition.parse(name(properties), properties, options.list(), this::demo);
      if (guest == null) make();
      else if (guest.state() == Guest.State.READY || guest.state() == Guest.State.ENDED) remake();
      else change();
    } catch (UserError | LaunchException e) {
      news.tell(place + ": " + e.getMessage());
    }
  }

  private void make() throws LaunchException {
    Guest made = guests.create(wanted.spec(), false);
    guests.own(made.name(), this);
    made(made);
    news.tell(made.name() + " is " + (wanted.start() ? "running" : "ready") + ", as " + place + " has it");
    if (wanted.start()) guests.start(made, end -> { });
  }

  private void remake() throws LaunchException {
    guest.close();
    guests.disown(guest.name(), this);
    guest = null;
    make();
  }

  private void change() throws LaunchException {
    List<DeviceSpec> added = applied.added(wanted);
    for (DeviceSpec device : added) guest.addDevice(device);
    if (!added.isEmpty()) {
      applied = wanted;
      news.tell(guest.name() + " has got " + String.join(", ", added.stream().map(DeviceSpec::type).toList()) + ", as " + place + " has it now");
    }
    List<String> changed = applied.differences(wanted);
    if (!changed.isEmpty())
      news.tell(place + ": " + String.join(", ", changed) + " changed; that waits for the next start of " + guest.name());
  }

  /** The configuration is gone, or we are: the guest is stopped in good order. */
  @Deactivate
  void withdraw() {
    Guest last;
    synchronized (this) {
      withdrawn = true;
      last = guest;
    }
    if (last == null) return;
    guests.disown(last.name(), this);
    boolean ran = last.state() != Guest.State.ENDED;
    last.close();
    if (ran) news.tell(last.name() + " has been stopped: " + place + " is gone");
  }

  // Owner.

  @Override public synchronized String place() { return place; }

  @Override public synchronized GuestSpec next() { return wanted.spec(); }

  @Override public synchronized void made(Guest made) {
    guest = made;
    applied = wanted;
  }

  @Override public void ended(Guest ended, GuestEnd end) {
    try {
      synchronized (this) {
        if (!wanted.restart().after(end)) return;
      }
      Thread.sleep(RESTART_MILLIS);
      synchronized (this) {
        if (withdrawn || guest != ended || !wanted.restart().after(end)) return;
        guests.start(guests.again(ended), next -> { });
        news.tell(guest.name() + " is running again");
      }
    } catch (LaunchException e) {
      news.tell(place() + ": " + e.getMessage());
    } catch (InterruptedException e) {
      Thread.currentThread().interrupt();
    }
  }

  // The file behind it.

  /** The file as a person would name it; without one, the configuration's PID. */
  private static String place(Map<String, Object> properties) {
    if (!(properties.get("felix.fileinstall.filename") instanceof String name)) return "configuration " + properties.get("service.pid");
    Path file = name.startsWith("file:") ? Path.of(URI.create(name)) : Path.of(name);
    Path here = Path.of("").toAbsolutePath();
    return (file.startsWith(here) ? here.relativize(file) : file).toString();
  }

  /** {@code web} for {@code lguest.guest~web}. */
  private static String name(Map<String, Object> properties) {
    String pid = String.valueOf(properties.get("service.pid"));
    return pid.substring(pid.lastIndexOf('~') + 1);
  }

  private Path demo() throws UserError { return demo = demo == null ? Demo.image(context) : demo; }
}
