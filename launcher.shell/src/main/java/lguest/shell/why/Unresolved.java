package lguest.shell.why;

import java.util.ArrayList;
import java.util.Collection;
import java.util.HashSet;
import java.util.List;
import java.util.Set;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import org.osgi.framework.Bundle;
import org.osgi.framework.BundleContext;
import org.osgi.framework.Constants;
import org.osgi.framework.namespace.BundleNamespace;
import org.osgi.framework.namespace.ExecutionEnvironmentNamespace;
import org.osgi.framework.namespace.HostNamespace;
import org.osgi.framework.namespace.PackageNamespace;
import org.osgi.framework.wiring.BundleCapability;
import org.osgi.framework.wiring.BundleRequirement;
import org.osgi.framework.wiring.BundleRevision;
import org.osgi.framework.wiring.FrameworkWiring;
import org.osgi.resource.Namespace;

/** Why a bundle cannot be resolved: what it needs and nobody offers (OSGi Core 8, chapter 3). */
final class Unresolved {
  private static final Pattern FROM = Pattern.compile("\\(version>=([^)]*)\\)");
  private static final Pattern BEFORE = Pattern.compile("\\(!\\(version>=([^)]*)\\)\\)");
  private static final Pattern UP_TO = Pattern.compile("\\(version<=([^)]*)\\)|\\(!\\(version>([^)=]*)\\)\\)");
  private static final Pattern EXACTLY = Pattern.compile("\\(version=([^)]*)\\)");

  private final BundleContext context;
  private final FrameworkWiring wiring;

  Unresolved(BundleContext context) {
    this.context = context;
    wiring = context.getBundle(Constants.SYSTEM_BUNDLE_LOCATION).adapt(FrameworkWiring.class);
  }

  /** Whether it is unresolved, after the framework has tried once more; that starts nothing. */
  boolean is(Bundle bundle) { return bundle.getState() == Bundle.INSTALLED && !wiring.resolveBundles(List.of(bundle)); }

  /** What is in the way, as the rest of a sentence that begins with the bundle. */
  String reason(Bundle bundle) { return reason(bundle, new HashSet<>()); }

  private String reason(Bundle bundle, Set<Bundle> seen) {
    seen.add(bundle);
    List<String> needs = new ArrayList<>();
    BundleRevision revision = bundle.adapt(BundleRevision.class);
    for (BundleRequirement requirement : revision.getDeclaredRequirements(null)) {
      if (Namespace.RESOLUTION_OPTIONAL.equals(requirement.getDirectives().get(Namespace.REQUIREMENT_RESOLUTION_DIRECTIVE))
          || !Namespace.EFFECTIVE_RESOLVE.equals(requirement.getDirectives().getOrDefault(Namespace.REQUIREMENT_EFFECTIVE_DIRECTIVE, Namespace.EFFECTIVE_RESOLVE))
          || PackageNamespace.RESOLUTION_DYNAMIC.equals(requirement.getDirectives().get(Namespace.REQUIREMENT_RESOLUTION_DIRECTIVE))) continue;
      Collection<BundleCapability> offers = wiring.findProviders(requirement);
      if (offers.isEmpty()) {
        needs.add(missing(requirement));
      } else if (offers.stream().noneMatch(offer -> offer.getRevision().getBundle().getState() != Bundle.INSTALLED || offer.getRevision() == revision)) {
        Bundle other = offers.iterator().next().getRevision().getBundle();
        if (!seen.contains(other)) needs.add("it needs " + what(requirement) + " from " + Why.name(other) + ", which cannot be resolved itself: " + reason(other, seen));
      }
    }
    if (needs.isEmpty()) return "all it needs is there, but not all of it goes together; 'start " + bundle.getBundleId() + "' tells what clashes";
    return String.join("; ", needs);
  }

  private String missing(BundleRequirement requirement) {
    String what = what(requirement), namespace = requirement.getNamespace();
    if (namespace.equals(ExecutionEnvironmentNamespace.EXECUTION_ENVIRONMENT_NAMESPACE))
      return "it needs " + what + ", and this is Java " + Runtime.version().feature() + ": run the platform on a newer one, or build the bundle for this one";
    List<String> others = others(requirement);
    if (others.isEmpty()) return "it needs " + what + ", which no installed bundle " + (namespace.equals(PackageNamespace.PACKAGE_NAMESPACE) ? "exports" : "offers")
        + ": install one that does";
    return "it needs " + what + ", but there is only " + String.join(", ", others) + (name(requirement).startsWith(Offers.API)
        ? ": build it against the device API of this platform" : ": install that version, or build the bundle for the one that is there");
  }

  /** The same thing in other versions. */
  private List<String> others(BundleRequirement requirement) {
    List<String> others = new ArrayList<>();
    String namespace = requirement.getNamespace(), name = name(requirement);
    for (Bundle bundle : context.getBundles()) {
      BundleRevision revision = bundle.adapt(BundleRevision.class);
      if (revision == null) continue;
      for (BundleCapability capability : revision.getDeclaredCapabilities(namespace)) {
        Object version = capability.getAttributes().get(namespace.equals(PackageNamespace.PACKAGE_NAMESPACE) ? "version" : Constants.BUNDLE_VERSION_ATTRIBUTE);
        if (name.equals(capability.getAttributes().get(namespace)) && version != null) others.add("version " + version + " of " + Why.name(bundle));
      }
    }
    return others;
  }

  private static String what(BundleRequirement requirement) {
    String filter = requirement.getDirectives().getOrDefault(Namespace.REQUIREMENT_FILTER_DIRECTIVE, "").replace("bundle-version", "version");
    return switch (requirement.getNamespace()) {
      case PackageNamespace.PACKAGE_NAMESPACE -> "the package " + name(requirement) + versions(filter);
      case BundleNamespace.BUNDLE_NAMESPACE -> "the bundle " + name(requirement) + versions(filter);
      case HostNamespace.HOST_NAMESPACE -> "the bundle " + name(requirement) + versions(filter) + ", of which it is a fragment";
      case ExecutionEnvironmentNamespace.EXECUTION_ENVIRONMENT_NAMESPACE -> {
        Matcher version = Pattern.compile("\\(version>?=([^)]*)\\)").matcher(filter);
        yield "Java" + (version.find() ? " " + version.group(1).replaceFirst("(\\.0)+$", "") : " of another kind");
      }
      default -> "a " + requirement.getNamespace() + " " + filter;
    };
  }

  private static String name(BundleRequirement requirement) {
    String filter = requirement.getDirectives().getOrDefault(Namespace.REQUIREMENT_FILTER_DIRECTIVE, "");
    Matcher name = Pattern.compile("\\(" + Pattern.quote(requirement.getNamespace()) + "=([^)]*)\\)").matcher(filter);
    return name.find() ? name.group(1) : "";
  }

  private static String versions(String filter) {
    Matcher from = FROM.matcher(filter.replaceAll("\\(!\\(version>=[^)]*\\)\\)", "")), before = BEFORE.matcher(filter), upTo = UP_TO.matcher(filter),
        exactly = EXACTLY.matcher(filter);
    if (exactly.find()) return " in version " + exactly.group(1);
    String text = from.find() ? " in version " + from.group(1) : "";
    if (before.find()) return (text.isEmpty() ? " in a version" : text + " or later, but") + " before " + before.group(1);
    if (upTo.find()) return (text.isEmpty() ? " in a version" : text + " or later, but") + " not after " + (upTo.group(1) != null ? upTo.group(1) : upTo.group(2));
    return text.isEmpty() ? "" : text + " or later";
  }
}
