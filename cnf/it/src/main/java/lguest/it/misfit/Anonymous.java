package lguest.it.misfit;

import lguest.device.DeviceProvider;
import org.osgi.framework.BundleActivator;
import org.osgi.framework.BundleContext;

/** An activator that registers a device provider and does not say of which type. */
public class Anonymous implements BundleActivator {
  @Override public void start(BundleContext context) { context.registerService(DeviceProvider.class, new Gadget(), null); }

  @Override public void stop(BundleContext context) {}
}
