package lguest.endurance;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Comparator;
import java.util.List;
import java.util.Map;
import java.util.ServiceLoader;
import java.util.stream.Stream;
import org.osgi.framework.Bundle;
import org.osgi.framework.BundleContext;
import org.osgi.framework.Constants;
import org.osgi.framework.launch.Framework;
import org.osgi.framework.launch.FrameworkFactory;

/**
 * Furnishes a framework with the platform's bundles and ourselves, and hands over to {@link Soak} inside. The arguments: the folder of the bundles, our own jar, how many swaps of each
 * device, the seed of the random numbers.
 */
public final class Main {
  private Main() {}

  public static void main(String[] arguments) throws Exception {
    if (arguments.length != 4) throw new IllegalArgumentException("wanted: <folder of bundles> <own jar> <swaps> <seed>");
    Path work = Files.createTempDirectory(Path.of(System.getProperty("java.io.tmpdir")), "lguest-soak-");
    boolean well = false;
    Framework framework = ServiceLoader.load(FrameworkFactory.class).findFirst().orElseThrow()
        .newFramework(Map.of(Constants.FRAMEWORK_STORAGE, work.resolve("framework").toString(), "felix.log.level", "1"));
    try {
      framework.start();
      BundleContext context = framework.getBundleContext();
      List<Bundle> bundles = new ArrayList<>();
      try (Stream<Path> jars = Files.list(Path.of(arguments[0]))) {
        for (Path jar : jars.filter(file -> file.toString().endsWith(".jar")).sorted().toList()) bundles.add(context.installBundle(jar.toUri().toString()));
      }
      Bundle self = context.installBundle(Path.of(arguments[1]).toUri().toString());
      for (Bundle bundle : bundles) if (!bundle.getSymbolicName().contains("gogo")) bundle.start();
      self.start();
      // The class of the same name in the framework: it sees the platform's classes, this one does not.
      well = (Boolean) self.loadClass(Soak.class.getName()).getMethod("run", BundleContext.class, Path.class, int.class, long.class)
          .invoke(null, self.getBundleContext(), work, Integer.parseInt(arguments[2]), Long.parseLong(arguments[3]));
    } finally {
      framework.stop();
      framework.waitForStop(10_000);
      delete(work);
    }
    System.exit(well ? 0 : 1);
  }

  private static void delete(Path tree) throws IOException {
    try (Stream<Path> files = Files.walk(tree)) {
      for (Path file : files.sorted(Comparator.reverseOrder()).toList()) Files.deleteIfExists(file);
    }
  }
}
