package lguest.shell;

import java.util.Arrays;
import org.apache.felix.service.command.Converter;
import org.osgi.framework.Bundle;
import org.osgi.framework.BundleContext;
import org.osgi.service.component.annotations.Activate;
import org.osgi.service.component.annotations.Component;

/** Lets Gogo's own commands, such as {@code felix:update}, take a bundle by its number or its symbolic name. */
@Component(property = Converter.CONVERTER_CLASSES + "=org.osgi.framework.Bundle")
public final class BundleConverter implements Converter {
  private final BundleContext context;

  @Activate
  public BundleConverter(BundleContext context) { this.context = context; }

  @Override public Object convert(Class<?> wanted, Object word) {
    if (wanted != Bundle.class || word instanceof Bundle) return null;
    String name = word.toString();
    return Arrays.stream(context.getBundles())
        .filter(bundle -> name.equals(bundle.getSymbolicName()) || name.equals("" + bundle.getBundleId())).findFirst().orElse(null);
  }

  @Override public CharSequence format(Object target, int level, Converter escape) {
    if (!(target instanceof Bundle bundle) || level == INSPECT) return null;
    return bundle.getBundleId() + " " + bundle.getSymbolicName() + " " + bundle.getVersion();
  }
}
