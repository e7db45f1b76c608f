package lguest.dev;

import java.io.ByteArrayInputStream;
import java.io.IOException;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.jar.JarInputStream;
import java.util.jar.Manifest;
import lguest.device.DeviceProvider;
import lguest.launcher.DeviceSlot;
import lguest.launcher.Guest;
import lguest.launcher.Launcher;
import org.osgi.framework.Bundle;
import org.osgi.framework.BundleContext;
import org.osgi.framework.BundleException;
import org.osgi.framework.ServiceReference;

/** Puts bundles into the running platform: a new one, or a new version of one that is there, whoever had installed it. A version that cannot be used is taken back. */
final class Live implements Target {
  private static final long SETTLING_NANOS = 5_000_000_000L;

  private final BundleContext context;
  /** What was last put in, by symbolic name, to go back to. */
  private final Map<String, byte[]> last = new HashMap<>();

  Live(BundleContext context) { this.context = context; }

  static String symbolicName(byte[] jar) throws IOException {
    try (JarInputStream in = new JarInputStream(new ByteArrayInputStream(jar))) {
      Manifest manifest = in.getManifest();
      String name = manifest == null ? null : manifest.getMainAttributes().getValue("Bundle-SymbolicName");
      if (name == null) throw new IOException("it is no bundle: its manifest has no Bundle-SymbolicName");
      return name.split(";")[0].strip();
    }
  }

  private Optional<Bundle> find(String name) { return Arrays.stream(context.getBundles()).filter(bundle -> name.equals(bundle.getSymbolicName())).findFirst(); }

  @Override public boolean has(String name) { return find(name).isPresent(); }

  @Override public Outcome put(byte[] jar) throws IOException {
    String name = symbolicName(jar);
    Optional<Bundle> there = find(name);
    try {
      Bundle bundle;
      if (there.isPresent()) {
        bundle = there.get();
        bundle.update(new ByteArrayInputStream(jar));
        if (bundle.getState() != Bundle.ACTIVE) bundle.start();
      } else {
        bundle = context.installBundle("dev:" + name, new ByteArrayInputStream(jar));
        bundle.start();
      }
      last.put(name, jar);
      return settle(bundle);
    } catch (BundleException e) {
      String why = plain(e);
      return new Outcome(false, why + back(name, there.isEmpty()));
    }
  }

  /** Undoes a put that failed. */
  private String back(String name, boolean wasNew) {
    Optional<Bundle> bundle = find(name);
    byte[] before = last.get(name);
    try {
      if (wasNew && bundle.isPresent()) {
        bundle.get().uninstall();
        return "";
      }
      if (bundle.isEmpty()) return "";
      // What the platform began with lies where it was installed from.
      if (before == null) bundle.get().update();
      else bundle.get().update(new ByteArrayInputStream(before));
      if (bundle.get().getState() != Bundle.ACTIVE) bundle.get().start();
      return "; the version before goes on";
    } catch (BundleException e) {
      return "; and the version before does not come back: " + plain(e);
    }
  }

  @Override public void remove(String name) throws IOException {
    last.remove(name);
    Optional<Bundle> bundle = find(name);
    try {
      if (bundle.isPresent()) bundle.get().uninstall();
    } catch (BundleException e) {
      throw new IOException(plain(e), e);
    }
  }

  /** Waits until every slot of the bundle's types has taken it, or has said why not. */
  private Outcome settle(Bundle bundle) {
    List<String> types = new ArrayList<>(), live = new ArrayList<>(), parked = new ArrayList<>();
    for (ServiceReference<?> service : services(bundle)) types.add(String.valueOf(service.getProperty("lguest.device.type")));
    if (types.isEmpty()) return new Outcome(false, "it is active, but offers no device: is its DeviceProvider a @Component, with a public constructor and all its references there?");
    long end = System.nanoTime() + SETTLING_NANOS;
    for (Guest guest : guests()) {
      if (guest.end().isPresent()) continue;
      for (DeviceSlot slot : guest.slots()) {
        if (!types.contains(slot.type())) continue;
        while (slot.state() != DeviceSlot.State.ACTIVE && !isRefused(slot) && System.nanoTime() < end && !Thread.interrupted()) {
          try {
            Thread.sleep(1);
          } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
          }
        }
        String where = guest.name() + ", slot " + slot.index();
        if (slot.state() == DeviceSlot.State.ACTIVE) live.add(where);
        else parked.add(where + " is " + slot.state().toString().toLowerCase(java.util.Locale.ROOT) + ": " + slot.reason().orElse("nobody knows why"));
      }
    }
    String offers = "offers " + String.join(", ", types);
    if (!parked.isEmpty()) return new Outcome(false, String.join("; ", parked));
    return new Outcome(true, live.isEmpty() ? offers + ", no guest uses it yet" : "live in " + String.join(" and ", live));
  }

  private static boolean isRefused(DeviceSlot slot) {
    return slot.state() == DeviceSlot.State.GONE || slot.state() == DeviceSlot.State.PARKED && slot.reason().map(reason -> reason.contains("could not be opened")).orElse(false);
  }

  private static List<ServiceReference<?>> services(Bundle bundle) {
    ServiceReference<?>[] registered = bundle.getRegisteredServices();
    if (registered == null) return List.of();
    return Arrays.stream(registered).filter(service -> Arrays.asList((String[]) service.getProperty("objectClass")).contains(DeviceProvider.class.getName())).toList();
  }

  List<Guest> guests() {
    ServiceReference<Launcher> launcher = context.getServiceReference(Launcher.class);
    return launcher == null ? List.of() : context.getService(launcher).guests();
  }

  /** What a BundleException means, in words of people who do not know OSGi. */
  private static String plain(BundleException e) {
    String message = String.valueOf(e.getMessage());
    var missing = java.util.regex.Pattern.compile("osgi\\.wiring\\.package=([\\w.]+)\\)(?:\\(version>=([\\d.]+)\\))?").matcher(message);
    if (missing.find())
      return "it needs the package " + missing.group(1) + (missing.group(2) == null ? "" : ", version " + missing.group(2) + " or later") + ", which no bundle here offers";
    if (e.getType() == BundleException.DUPLICATE_BUNDLE_ERROR) return "a bundle of the same name and version is installed from somewhere else";
    if (e.getType() == BundleException.ACTIVATOR_ERROR) return "its activator failed: " + e.getCause();
    return "it does not start: " + message.lines().findFirst().orElse("");
  }
}
