package lguest.shell.why;

import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import org.osgi.framework.Bundle;
import org.osgi.framework.BundleContext;
import org.osgi.framework.InvalidSyntaxException;
import org.osgi.framework.ServiceReference;
import org.osgi.service.component.runtime.ServiceComponentRuntime;
import org.osgi.service.component.runtime.dto.ComponentConfigurationDTO;
import org.osgi.service.component.runtime.dto.ComponentDescriptionDTO;
import org.osgi.service.component.runtime.dto.UnsatisfiedReferenceDTO;

/** Why the components of a started bundle offer nothing: as the component runtime sees them (OSGi Compendium 8, chapter 112). */
final class Components {
  private static final String PROVIDER = "lguest.device.DeviceProvider";

  private final BundleContext context;
  private final ServiceComponentRuntime runtime;

  Components(BundleContext context, ServiceComponentRuntime runtime) {
    this.context = context;
    this.runtime = runtime;
  }

  /** What is in the way, each as the rest of a sentence that begins with the bundle. Empty when nothing is. */
  List<String> reasons(Bundle bundle) throws InvalidSyntaxException {
    List<String> reasons = new ArrayList<>();
    List<String> missing = Offers.missingFiles(bundle);
    if (!missing.isEmpty())
      reasons.add("its manifest names the component description " + String.join(", ", missing) + ", which is not in the bundle: build it again, with bnd's annotations in use");
    boolean provides = false;
    for (ComponentDescriptionDTO component : runtime.getComponentDescriptionDTOs(bundle)) {
      if (!Arrays.asList(component.serviceInterfaces).contains(PROVIDER)) continue;
      provides = true;
      reasons.addAll(reasons(component));
    }
    if (provides) return reasons;
    ServiceReference<?>[] services = bundle.getRegisteredServices();
    if (services != null && Arrays.stream(services).anyMatch(service -> Arrays.asList((String[]) service.getProperty("objectClass")).contains(PROVIDER))) return reasons;
    if (!Offers.hasComponents(bundle))
      reasons.add("it has no component: put @Component and @DeviceType on the class that implements DeviceProvider, and build with bnd");
    else if (missing.isEmpty())
      reasons.add(runtime.getComponentDescriptionDTOs(bundle).isEmpty() ? "the component runtime cannot read its component description; the log says why"
          : "none of its components offers DeviceProvider: the annotated class has to implement it");
    return reasons;
  }

  private List<String> reasons(ComponentDescriptionDTO component) throws InvalidSyntaxException {
    String name = "its component " + component.name;
    if (!runtime.isComponentEnabled(component)) return List.of(name + " is disabled; it asks for that itself (enabled=false), or somebody has done it");
    List<String> reasons = new ArrayList<>();
    var configurations = runtime.getComponentConfigurationDTOs(component);
    for (ComponentConfigurationDTO configuration : configurations) {
      switch (configuration.state) {
        case ComponentConfigurationDTO.UNSATISFIED_CONFIGURATION -> reasons.add(configurationMissing(name, component));
        case ComponentConfigurationDTO.UNSATISFIED_REFERENCE -> {
          for (UnsatisfiedReferenceDTO reference : configuration.unsatisfiedReferences) reasons.add(name + " waits for " + service(component, reference));
        }
        case ComponentConfigurationDTO.FAILED_ACTIVATION -> reasons.add(name + " failed to start: " + cause(configuration.failure));
        default -> { }
      }
    }
    if (configurations.isEmpty()) reasons.add(configurationMissing(name, component));
    return reasons;
  }

  private static String configurationMissing(String name, ComponentDescriptionDTO component) {
    return name + " waits for a configuration " + String.join(" or ", component.configurationPid);
  }

  private String service(ComponentDescriptionDTO component, UnsatisfiedReferenceDTO reference) throws InvalidSyntaxException {
    String wanted = Arrays.stream(component.references).filter(declared -> declared.name.equals(reference.name)).findFirst()
        .map(declared -> declared.interfaceName).orElse(reference.name);
    boolean target = reference.target != null && !reference.target.isEmpty();
    boolean others = target && context.getAllServiceReferences(wanted, null) != null;
    return "a service " + wanted + (target ? " with " + reference.target : "") + ", which nobody offers" + (others ? "; there is one that does not match" : "");
  }

  /** The innermost cause of a stack trace's text. */
  private static String cause(String trace) {
    if (trace == null || trace.isBlank()) return "the log says why";
    List<String> lines = trace.lines().map(String::strip).toList();
    return lines.stream().filter(line -> line.startsWith("Caused by: ")).reduce((first, second) -> second)
        .map(line -> line.substring("Caused by: ".length())).orElse(lines.getFirst());
  }
}
