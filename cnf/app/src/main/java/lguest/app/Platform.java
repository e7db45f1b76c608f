package lguest.app;

import java.io.File;
import java.io.IOException;
import java.io.InputStream;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.Collection;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.TreeMap;
import java.util.function.ToIntFunction;
import java.util.jar.JarEntry;
import java.util.jar.JarFile;
import org.apache.felix.framework.FrameworkFactory;
import org.osgi.framework.Bundle;
import org.osgi.framework.BundleContext;
import org.osgi.framework.BundleException;
import org.osgi.framework.Constants;
import org.osgi.framework.ServiceReference;
import org.osgi.framework.launch.Framework;
import org.osgi.framework.wiring.FrameworkWiring;

/**
 * Tour 1.2: The house is furnished
 *
 * <p>Embeds the OSGi framework, installs and starts the bundles, and hands the command line and the main thread to the service
 * with the property {@code lguest.main}. Nothing here knows what the bundles do. They come from the directory {@code bundles}
 * beside the jar when there is one, read where they lie and most of them from the class path ({@link ClassPathBundles}), which is how the {@code lguest} script starts us; a jar on its own
 * carries them inside and they are unpacked first.
 */
public final class Platform {
  /** Installed but not started: one command line needs no prompt and no configuration. The shell starts them when it does. */
  private static final Set<String> LAZY = Set.of("org.apache.felix.gogo.runtime", "org.apache.felix.gogo.command",
      "org.apache.felix.configadmin", "org.apache.felix.fileinstall");
  /** Words of those who write devices. They need the bundles of the directory {@code tools}, which are otherwise not even installed, and which answer them: services with the property {@code lguest.command}. */
  private static final Set<String> TOOLS = Set.of("dev", "new-device");

  private Platform() {}

  /** Runs one command line. Returns the exit status. */
  public static int run(String[] arguments) throws Exception {
    try (Storage storage = Storage.create()) {
      Map<String, String> config = new HashMap<>();
      config.put(Constants.FRAMEWORK_STORAGE, storage.path().resolve("framework").toString());
      config.put("felix.log.level", "1");
      // Storage.create made a directory of our own: no second platform can be in it.
      config.put("felix.cache.locking", "false");
      // Bundles' entries are found through the bundles, never by the text of a URL.
      config.put("felix.service.urlhandlers", "false");
      // For who looks for more than bundles in the distribution's folder.
      config.put("lguest.home", jar().getParent());
      ClassPathBundles onClassPath = new ClassPathBundles(jar());
      Framework framework = new FrameworkFactory().newFramework(config, onClassPath);
      framework.start();
      try {
        return start(framework, onClassPath, arguments) ? main(framework.getBundleContext(), arguments) : 1;
      } finally {
        framework.stop();
        framework.waitForStop(5000);
      }
    }
  }

  private static boolean start(Framework framework, ClassPathBundles onClassPath, String[] arguments) throws Exception {
    List<Bundle> bundles = install(framework.getBundleContext(), onClassPath, "bundles");
    if (arguments.length > 0 && TOOLS.contains(arguments[0])) bundles.addAll(install(framework.getBundleContext(), onClassPath, "tools"));
    framework.adapt(FrameworkWiring.class).resolveBundles(bundles);
    // Declarative Services first: what starts after it is served while it starts, on this thread.
    bundles.sort((a, b) -> Boolean.compare(!a.getSymbolicName().endsWith(".scr"), !b.getSymbolicName().endsWith(".scr")));
    boolean all = true;
    for (Bundle bundle : bundles) {
      if (LAZY.contains(bundle.getSymbolicName())) continue;
      try {
        bundle.start();
      } catch (BundleException e) {
        System.err.println("lguest: the bundle " + bundle.getSymbolicName() + " does not start: " + e.getMessage());
        all = false;
      }
    }
    return all;
  }

  private static List<Bundle> install(BundleContext context, ClassPathBundles onClassPath, String directory) throws Exception {
    File self = jar();
    List<Bundle> bundles = new ArrayList<>();
    File[] beside = new File(self.getParentFile(), directory).listFiles((parent, name) -> name.endsWith(".jar"));
    if (beside != null) {
      Arrays.sort(beside);
      for (File jar : beside) bundles.add(context.installBundle(onClassPath.location(jar)));
      return bundles;
    }
    try (JarFile jar = new JarFile(self)) {
      TreeMap<String, JarEntry> nested = new TreeMap<>();
      jar.stream().filter(entry -> entry.getName().startsWith(directory + "/") && entry.getName().endsWith(".jar"))
          .forEach(entry -> nested.put(entry.getName(), entry));
      for (var entry : nested.values()) {
        try (InputStream in = jar.getInputStream(entry)) { bundles.add(context.installBundle(entry.getName(), in)); }
      }
    }
    return bundles;
  }

  /** Where we run from. Not as our class tells it: from the start-up cache of a folder that was moved since, it does not know. */
  private static File jar() { return new File(System.getProperty("java.class.path").split(File.pathSeparator)[0]).getAbsoluteFile(); }

  @SuppressWarnings({"rawtypes", "unchecked"})
  private static int main(BundleContext context, String[] arguments) throws Exception {
    String filter = arguments.length > 0 && TOOLS.contains(arguments[0]) ? "(lguest.command=" + arguments[0] + ")" : "(lguest.main=true)";
    Collection<ServiceReference<ToIntFunction>> mains = context.getServiceReferences(ToIntFunction.class, filter);
    if (mains.isEmpty()) throw new IOException("no bundle offers a command line");
    return context.getService(mains.iterator().next()).applyAsInt(arguments);
  }
}
