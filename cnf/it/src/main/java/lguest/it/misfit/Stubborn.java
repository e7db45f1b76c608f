package lguest.it.misfit;

import org.osgi.framework.BundleActivator;
import org.osgi.framework.BundleContext;

/** An activator that fails. */
public class Stubborn implements BundleActivator {
  @Override public void start(BundleContext context) { throw new IllegalStateException("not today"); }

  @Override public void stop(BundleContext context) {}
}
