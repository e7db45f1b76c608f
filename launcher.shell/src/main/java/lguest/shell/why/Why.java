package lguest.shell.why;

import java.util.ArrayList;
import java.util.Comparator;
import java.util.List;
import java.util.Optional;
import java.util.Set;
import java.util.TreeSet;
import java.util.stream.Stream;
import lguest.device.DeviceProvider;
import lguest.launcher.DeviceSlot;
import lguest.launcher.Guest;
import lguest.launcher.Launcher;
import org.osgi.framework.Bundle;
import org.osgi.framework.BundleContext;
import org.osgi.framework.Constants;
import org.osgi.framework.InvalidSyntaxException;
import org.osgi.framework.ServiceReference;
import org.osgi.framework.startlevel.BundleStartLevel;
import org.osgi.framework.startlevel.FrameworkStartLevel;
import org.osgi.service.component.runtime.ServiceComponentRuntime;

/**
 * Explains why a device type is not there, or why a slot is parked: from what the framework, the component runtime and the slots know, in sentences for people who know none of them. It only
 * reads: nothing is started or changed by asking.
 */
public final class Why {
  private final BundleContext context;
  private final Launcher launcher;
  private final Unresolved unresolved;
  private final Components components;

  /** {@code context} is that of the bundle that asks. */
  public Why(BundleContext context, Launcher launcher) {
    this.context = context;
    this.launcher = launcher;
    unresolved = new Unresolved(context);
    // There is one: this bundle's own components live by it.
    components = new Components(context, context.getService(context.getServiceReference(ServiceComponentRuntime.class)));
  }

  /** About one type: the answer first, then what else is worth knowing. One sentence a line. */
  public List<String> explain(String type) {
    List<String> lines = new ArrayList<>();
    List<ServiceReference<?>> providers = providers(type);
    if (!providers.isEmpty()) lines.add(type + " is provided by " + String.join(", then ", providers.stream().map(provider -> name(provider.getBundle())).toList()) + ".");
    List<Bundle> offering = Stream.of(context.getBundles()).filter(bundle -> Offers.types(bundle).contains(type)).toList();
    offering.forEach(bundle -> reasons(bundle).forEach(reason -> lines.add(name(bundle) + " offers " + type + ", but " + reason + ".")));
    if (providers.isEmpty() && offering.isEmpty()) {
      lines.add("No installed bundle offers " + type + ". Types there are: " + known() + ".");
      // One that does not say what it offers may well be the one that is meant.
      Stream.of(context.getBundles()).filter(bundle -> Offers.usesApi(bundle) && Offers.types(bundle).isEmpty() && !isOurs(bundle))
          .forEach(bundle -> reasons(bundle).forEach(reason -> lines.add(name(bundle) + " uses the device API and may be meant for it, but " + reason + ".")));
    }
    if (lines.isEmpty()) lines.add(String.join(", ", offering.stream().map(Why::name).toList()) + " offers " + type + ", is started, and has registered no DeviceProvider.");
    slots().filter(place -> place.slot().type().equals(type)).map(Place::sentence).forEach(lines::add);
    return lines;
  }

  /** About everything that is not as it should be; empty when all is well. */
  public List<String> explain() {
    List<String> lines = new ArrayList<>();
    for (Bundle bundle : context.getBundles())
      if (!isOurs(bundle) && (Offers.usesApi(bundle) || !Offers.types(bundle).isEmpty())) reasons(bundle).forEach(reason -> lines.add(name(bundle) + ": " + reason + "."));
    slots().filter(place -> place.slot().state() != DeviceSlot.State.ACTIVE).map(Place::sentence).forEach(lines::add);
    return lines;
  }

  /** The types for which there is anything to say: offered, or wanted by a slot. */
  public Set<String> types() {
    Set<String> types = new TreeSet<>();
    for (Bundle bundle : context.getBundles()) types.addAll(Offers.types(bundle));
    slots().forEach(place -> types.add(place.slot().type()));
    return types;
  }

  static String name(Bundle bundle) { return "bundle " + bundle.getBundleId() + " (" + bundle.getSymbolicName() + " " + bundle.getVersion() + ")"; }

  private List<String> reasons(Bundle bundle) {
    if (bundle.getHeaders("").get(Constants.FRAGMENT_HOST) != null) return List.of("it is a fragment, which has no life of its own: make it a bundle");
    if (unresolved.is(bundle)) return List.of("it cannot be resolved: " + unresolved.reason(bundle));
    if (bundle.getState() != Bundle.ACTIVE) {
      BundleStartLevel level = bundle.adapt(BundleStartLevel.class);
      int now = context.getBundle(0).adapt(FrameworkStartLevel.class).getStartLevel();
      if (!level.isPersistentlyStarted()) return List.of("it is installed and not started: start it with 'start " + bundle.getBundleId() + "'");
      if (level.getStartLevel() > now) return List.of("it waits for start level " + level.getStartLevel() + ", and the framework is at " + now + ": 'frameworklevel " + level.getStartLevel() + "' goes there");
      if (bundle.getState() == Bundle.STARTING || bundle.getState() == Bundle.STOPPING) return List.of("it is just " + (bundle.getState() == Bundle.STARTING ? "starting" : "stopping"));
      return List.of("its activator " + bundle.getHeaders("").get("Bundle-Activator") + " failed when it was started: 'start " + bundle.getBundleId() + "' tries again and shows how");
    }
    try {
      List<String> reasons = new ArrayList<>();
      if (Offers.usesApi(bundle) || !Offers.types(bundle).isEmpty()) {
        reasons.addAll(components.reasons(bundle));
        if (reasons.isEmpty()) reasons.addAll(services(bundle));
      }
      return reasons;
    } catch (InvalidSyntaxException e) {
      throw new IllegalStateException(e); // a service's class name as a filter: cannot be wrong
    }
  }

  /** What is wrong with the providers a bundle has registered. */
  private List<String> services(Bundle bundle) throws InvalidSyntaxException {
    List<String> reasons = new ArrayList<>();
    ServiceReference<?>[] all = context.getAllServiceReferences(DeviceProvider.class.getName(), null);
    if (all == null) return reasons;
    for (ServiceReference<?> service : all) {
      if (service.getBundle() != bundle) continue;
      if (!service.isAssignableTo(core(), DeviceProvider.class.getName()))
        reasons.add("it carries a DeviceProvider of its own instead of importing " + Offers.API + " from " + name(core()) + ": do not pack the device API into the bundle");
      else if (service.getProperty(Offers.TYPE) == null)
        reasons.add("its DeviceProvider is registered without the property " + Offers.TYPE + ": put @DeviceType on it");
      else
        type(service).filter(said -> !said.equals(service.getProperty(Offers.TYPE)))
            .ifPresent(said -> reasons.add("its DeviceProvider calls itself " + said + " and is registered as " + service.getProperty(Offers.TYPE) + ": @DeviceType and type() must agree"));
    }
    return reasons;
  }

  /** What the provider says itself; asking makes it, so only those are asked with which nothing else is wrong. */
  private Optional<String> type(ServiceReference<?> service) {
    try {
      return context.getService(service) instanceof DeviceProvider provider ? Optional.ofNullable(provider.type()) : Optional.empty();
    } finally {
      context.ungetService(service);
    }
  }

  /** The usable providers of a type, the one that is taken first. */
  private List<ServiceReference<?>> providers(String type) {
    try {
      ServiceReference<?>[] found = context.getAllServiceReferences(DeviceProvider.class.getName(), null);
      List<ServiceReference<?>> usable = new ArrayList<>();
      if (found != null)
        for (ServiceReference<?> service : found) if (reasons(service.getBundle()).isEmpty() && type(service).filter(type::equals).isPresent()) usable.add(service);
      usable.sort(Comparator.reverseOrder());
      return usable;
    } catch (InvalidSyntaxException e) {
      throw new IllegalStateException(e);
    }
  }

  private boolean isOurs(Bundle bundle) { return bundle == core() || bundle == context.getBundle(); }

  /** The Launcher's bundle; null while there is none. */
  private Bundle core() {
    ServiceReference<Launcher> service = context.getServiceReference(Launcher.class);
    return service == null ? null : service.getBundle();
  }

  private String known() {
    Set<String> types = new TreeSet<>();
    for (Bundle bundle : context.getBundles()) types.addAll(Offers.types(bundle));
    return types.isEmpty() ? "none" : String.join(", ", types);
  }

  private record Place(Guest guest, DeviceSlot slot) {
    String sentence() {
      String where = guest.name() + "/" + slot.index() + " is " + slot.state().name().toLowerCase();
      return where + slot.reason().map(reason -> ": " + reason).orElse("") + ".";
    }
  }

  private Stream<Place> slots() {
    return launcher.guests().stream().filter(guest -> guest.state() != Guest.State.ENDED).flatMap(guest -> guest.slots().stream().map(slot -> new Place(guest, slot)));
  }
}
