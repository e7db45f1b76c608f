package lguest.shell.words;

import java.util.Collection;
import java.util.List;
import java.util.TreeMap;
import java.util.concurrent.ConcurrentHashMap;
import lguest.device.DeviceProvider;
import org.osgi.framework.ServiceReference;
import org.osgi.service.component.annotations.Component;
import org.osgi.service.component.annotations.Reference;
import org.osgi.service.component.annotations.ReferenceCardinality;
import org.osgi.service.component.annotations.ReferencePolicy;

/**
 * The device options of the moment: what the device bundles that are here announce. Only service properties are read, no
 * device code is loaded for it.
 */
@Component(service = DeviceOptions.class)
public final class DeviceOptions {
  private final ConcurrentHashMap<ServiceReference<DeviceProvider>, List<DeviceOption>> announced = new ConcurrentHashMap<>();

  @Reference(service = DeviceProvider.class, cardinality = ReferenceCardinality.MULTIPLE, policy = ReferencePolicy.DYNAMIC)
  void addProvider(ServiceReference<DeviceProvider> provider) {
    String type = String.valueOf(provider.getProperty("lguest.device.type"));
    announced.put(provider, strings(provider.getProperty("lguest.device.option")).stream()
        .map(option -> DeviceOption.of(option, type)).toList());
  }

  void removeProvider(ServiceReference<DeviceProvider> provider) { announced.remove(provider); }

  /** By name. Where two bundles announce the same name they are of one type, or the higher ranking one has it. */
  public List<DeviceOption> list() {
    TreeMap<String, DeviceOption> byName = new TreeMap<>();
    announced.keySet().stream().sorted().forEach(provider -> announced.getOrDefault(provider, List.of())
        .forEach(option -> byName.put(option.name(), option)));
    return List.copyOf(byName.values());
  }

  /** A service property that may be one string or several. */
  private static Collection<String> strings(Object property) {
    return switch (property) {
      case String one -> List.of(one);
      case String[] several -> List.of(several);
      case Collection<?> several -> several.stream().map(String::valueOf).toList();
      case null, default -> List.of();
    };
  }
}
