package lguest.it;


import java.io.IOException;
import java.io.InputStream;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardCopyOption;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Optional;
import java.util.function.BooleanSupplier;
import java.util.function.Supplier;
import lguest.launcher.DeviceSlot;
import lguest.launcher.Guest;
import lguest.launcher.GuestLog;
import lguest.launcher.GuestSpec;
import lguest.launcher.GuestSpec.DeviceSpec;
import lguest.launcher.LaunchException;
import lguest.launcher.Launcher;
import org.osgi.framework.Bundle;
import org.osgi.framework.BundleContext;
import org.osgi.framework.FrameworkUtil;
import org.osgi.util.tracker.ServiceTracker;

/** The framework this test runs in, seen as an operator sees it. */
final class Platform {
  private static final long PATIENCE_MILLIS = 30_000;

  private Platform() {}

  static BundleContext context() { return FrameworkUtil.getBundle(Platform.class).getBundleContext(); }

  static Bundle bundle(String name) {
    return Arrays.stream(context().getBundles()).filter(bundle -> bundle.getSymbolicName().equals(name)).findFirst().orElseThrow();
  }

  static <T> T service(Class<T> type) throws InterruptedException {
    ServiceTracker<T, T> tracker = new ServiceTracker<>(context(), type, null);
    tracker.open();
    return assertNotNull(tracker.waitForService(PATIENCE_MILLIS), type.getName());
  }

  private static <T> T assertNotNull(T service, String name) {
    org.junit.jupiter.api.Assertions.assertNotNull(service, "no service " + name);
    return service;
  }

  /** Our own guest's image, from this bundle, as a file. */
  static Path demo() throws IOException {
    Path file = context().getDataFile("demo.elf").toPath();
    try (InputStream in = context().getBundle().getEntry("demo.elf").openStream()) {
      if (!Files.exists(file)) Files.copy(in, file, StandardCopyOption.REPLACE_EXISTING);
    }
    return file;
  }

  /** A guest with these devices, and a console behind them. */
  static Guest boot(String name, DeviceSpec... more) throws IOException, LaunchException, InterruptedException { return boot(name, GuestLog.SYSTEM, more); }

  static Guest boot(String name, GuestLog log, DeviceSpec... more) throws IOException, LaunchException, InterruptedException {
    List<DeviceSpec> devices = new ArrayList<>(List.of(more));
    devices.add(new DeviceSpec("console", ""));
    Guest guest = service(Launcher.class).create(new GuestSpec(name, 32L << 20, demo(), Optional.empty(), devices, ""), log);
    guest.start();
    return guest;
  }

  /** Waits until the slot says why it is not ACTIVE, in these words. */
  static void awaitReason(DeviceSlot slot, String reason) throws InterruptedException { await(() -> slot.reason().equals(Optional.of(reason)), () -> "not '" + reason + "', but " + slot.state() + slot.reason()); }

  static void await(BooleanSupplier condition, Supplier<String> otherwise) throws InterruptedException {
    long deadline = System.currentTimeMillis() + PATIENCE_MILLIS;
    while (!condition.getAsBoolean()) {
      if (System.currentTimeMillis() > deadline) throw new AssertionError(otherwise.get());
      Thread.sleep(1);
    }
  }

  static void await(DeviceSlot slot, DeviceSlot.State state) throws InterruptedException {
    await(() -> slot.state() == state, () -> "the slot is " + slot.state() + ", not " + state + ": " + slot.reason());
  }
}
