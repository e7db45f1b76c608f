package lguest.it;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.io.IOException;
import java.lang.ref.WeakReference;
import java.lang.reflect.Constructor;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.ServiceLoader;
import java.util.concurrent.CountDownLatch;
import java.util.stream.Stream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;
import org.osgi.framework.Bundle;
import org.osgi.framework.BundleContext;
import org.osgi.framework.Constants;
import org.osgi.framework.ServiceReference;
import org.osgi.framework.launch.Framework;
import org.osgi.framework.launch.FrameworkFactory;
import org.osgi.framework.wiring.FrameworkWiring;
import org.osgi.util.tracker.ServiceTracker;

/**
 * The Launcher itself is refreshed under its guests. Since that takes along every bundle that knows its classes, this test is none of them: it has a framework of its own, beside the one it runs in,
 * with the same bundles, and speaks to the Launcher there by reflection.
 */
@Timeout(300)
class RefreshTest {
  @TempDir Path folder;

  @Test void guestsEndInGoodOrderAndANewLauncherWorksAtOnce() throws Exception {
    Path disk = Files.write(folder.resolve("disk"), new byte[100 * 512]);
    Framework framework = ServiceLoader.load(FrameworkFactory.class, Platform.context().getBundle(0).getClass().getClassLoader()).iterator().next()
        .newFramework(Map.of(Constants.FRAMEWORK_STORAGE, folder.resolve("felix").toString(), Constants.FRAMEWORK_STORAGE_CLEAN, "onFirstInit"));
    framework.start();
    try {
      BundleContext context = framework.getBundleContext();
      install(context);
      Bundle core = Stream.of(context.getBundles()).filter(bundle -> bundle.getSymbolicName().equals("lguest.launcher.core")).findFirst().orElseThrow();
      WeakReference<ClassLoader> old = refreshUnderGuests(framework, core, disk);
      Object launcher = launcher(context);
      Object guest = boot(launcher, "again", disk);
      assertEquals("RUNNING", call(guest, "state").toString());
      assertEquals("ACTIVE", call(slot(guest), "state").toString());
      call(guest, "close");
      for (int tries = 0; old.get() != null && tries < 300; tries++) {
        System.gc();
        Thread.sleep(50);
      }
      assertFalse(old.get() != null, "the old Launcher's classes are held by somebody");
    } finally {
      framework.stop();
      framework.waitForStop(60_000);
    }
  }

  /** Returns the old Launcher's class loader, which nobody should need any more. */
  private WeakReference<ClassLoader> refreshUnderGuests(Framework framework, Bundle core, Path disk) throws Exception {
    Object launcher = launcher(framework.getBundleContext());
    // A first guest, so that what stays for good is there before it is counted.
    call(boot(launcher, "warm", disk), "close");
    long descriptors = descriptors(disk);
    Object running = boot(launcher, "running", disk), parked = boot(launcher, "parked", null), paused = boot(launcher, "paused", null);
    call(slot(parked), "park", "for a test");
    call(paused, "pause");
    assertTrue(descriptors(disk) > descriptors, "the disk is open");
    CountDownLatch done = new CountDownLatch(1);
    framework.adapt(FrameworkWiring.class).refreshBundles(List.of(core), event -> done.countDown());
    done.await();
    for (Object guest : List.of(running, parked, paused))
      assertEquals("GuestEnd[kind=STOPPED, reason=the Launcher was stopped or replaced, and its guests with it, status=1]", call(guest, "await").toString());
    assertEquals(descriptors, descriptors(disk));
    assertEquals(List.of(), Thread.getAllStackTraces().keySet().stream().map(Thread::getName).filter(name -> name.matches("(running|parked|paused)-.*")).toList());
    return new WeakReference<>(launcher.getClass().getClassLoader());
  }

  /** The bundles that are here, but for tests. */
  private static void install(BundleContext context) throws Exception {
    for (Bundle bundle : Platform.context().getBundles()) {
      String name = bundle.getSymbolicName();
      if (bundle.getBundleId() == 0 || name.startsWith("junit") || name.contains("opentest4j") || name.equals("lguest.it") || name.contains("tester")) continue;
      context.installBundle(bundle.getLocation());
    }
    for (Bundle bundle : context.getBundles()) if (bundle.getHeaders().get(Constants.FRAGMENT_HOST) == null) bundle.start();
  }

  private static Object launcher(BundleContext context) throws Exception {
    ServiceTracker<Object, Object> tracker = new ServiceTracker<>(context, context.createFilter("(objectClass=lguest.launcher.Launcher)"), null);
    tracker.open(true);
    try {
      Object launcher = tracker.waitForService(30_000);
      // The device types and the Host, too.
      Platform.await(() -> ((List<?>) call(launcher, "providers")).size() >= 4 && has(context, "lguest.host.HostProvider"), () -> call(launcher, "providers").toString());
      return launcher;
    } finally {
      tracker.close();
    }
  }

  private static boolean has(BundleContext context, String type) {
    try {
      ServiceReference<?>[] found = context.getAllServiceReferences(type, null);
      return found != null;
    } catch (org.osgi.framework.InvalidSyntaxException e) {
      throw new AssertionError(e);
    }
  }

  /** A guest, with a disk first if there is one, that has come to life. */
  private static Object boot(Object launcher, String name, Path disk) throws Exception {
    ClassLoader there = launcher.getClass().getClassLoader();
    Constructor<?> device = there.loadClass("lguest.launcher.GuestSpec$DeviceSpec").getConstructors()[0];
    List<Object> devices = disk == null ? List.of(device.newInstance("console", "")) : List.of(device.newInstance("block", disk.toString()), device.newInstance("console", ""));
    Object spec = there.loadClass("lguest.launcher.GuestSpec").getConstructor(String.class, long.class, Path.class, Optional.class, List.class, String.class)
        .newInstance(name, 32L << 20, Platform.demo(), Optional.empty(), devices, "");
    Object guest = call(launcher, "create", spec);
    call(guest, "start");
    Platform.await(() -> (Long) call(guest, "instructions") > 100_000, () -> name + " does not run");
    return guest;
  }

  private static Object slot(Object guest) { return ((List<?>) call(guest, "slots")).getFirst(); }

  private static Object call(Object on, String method, Object... arguments) {
    try {
      for (Class<?> type : on.getClass().getInterfaces())
        for (var candidate : type.getMethods())
          if (candidate.getName().equals(method) && candidate.getParameterCount() == arguments.length) return candidate.invoke(on, arguments);
    } catch (ReflectiveOperationException e) {
      throw new AssertionError(e);
    }
    throw new AssertionError("no method " + method);
  }

  /** Descriptors of this process on that file. */
  private static long descriptors(Path file) throws IOException {
    try (Stream<Path> all = Files.list(Path.of("/proc/self/fd"))) {
      return all.filter(fd -> {
        try {
          return Files.readSymbolicLink(fd).equals(file);
        } catch (IOException gone) {
          return false;
        }
      }).count();
    }
  }
}
