package lguest.endurance;

import java.io.ByteArrayInputStream;
import java.io.ByteArrayOutputStream;
import java.io.IOException;
import java.io.InputStream;
import java.net.URI;
import java.nio.charset.StandardCharsets;
import java.util.ArrayList;
import java.util.List;
import java.util.Random;
import java.util.concurrent.TimeUnit;
import java.util.jar.JarEntry;
import java.util.jar.JarInputStream;
import java.util.jar.JarOutputStream;
import java.util.jar.Manifest;
import lguest.launcher.DeviceSlot;
import org.osgi.framework.Bundle;
import org.osgi.framework.BundleContext;
import org.osgi.framework.BundleException;

/** A device type's bundle, with a rival: the same code under another name, which outranks it. */
final class DeviceBundle {
  private static final long PATIENCE = TimeUnit.SECONDS.toNanos(60);

  private final String type;
  private final Bundle bundle, rival;
  private final List<DeviceSlot> slots = new ArrayList<>();
  private int swaps;

  DeviceBundle(BundleContext context, String type) throws BundleException, IOException {
    this.type = type;
    String name = "lguest.device." + type;
    Bundle found = null;
    for (Bundle candidate : context.getBundles()) if (name.equals(candidate.getSymbolicName())) found = candidate;
    if (found == null) throw new IOException("there is no bundle " + name);
    bundle = found;
    try (InputStream jar = URI.create(found.getLocation()).toURL().openStream()) {
      rival = context.installBundle("rival:" + type, new ByteArrayInputStream(rival(jar, name)));
    }
  }

  String type() { return type; }

  int swaps() { return swaps; }

  /** A slot that has to change hands at each swap. */
  void watch(DeviceSlot slot) { slots.add(slot); }

  /** One swap or two, in a way that chance picks; returns when the guests have their devices back. */
  void exchange(Random random) throws Exception {
    switch (random.nextInt(4)) {
      case 0 -> {
        bundle.update();
        settled(1);
      }
      case 1 -> {
        bundle.stop();
        // Sometimes the guests have to wait for it.
        if (random.nextInt(4) == 0) Thread.sleep(random.nextInt(5));
        bundle.start();
        settled(1);
      }
      case 2 -> {
        rival.start();
        settled(1);
        rival.stop();
        settled(1);
      }
      default -> {
        // The one that serves goes while the other is there.
        rival.start();
        settled(1);
        bundle.stop();
        rival.stop();
        bundle.start();
        settled(1);
      }
    }
  }

  private void settled(int more) throws InterruptedException {
    swaps += more;
    long deadline = System.nanoTime() + PATIENCE;
    for (DeviceSlot slot : slots)
      while (slot.statistics().swaps() < swaps || slot.state() != DeviceSlot.State.ACTIVE) {
        if (System.nanoTime() > deadline)
          throw new AssertionError("slot %d (%s) is %s after %d of %d swaps: %s".formatted(slot.index(), type, slot.state(), slot.statistics().swaps(), swaps, slot.reason().orElse("")));
        Thread.sleep(1);
      }
  }

  /** The same jar with another symbolic name and a higher ranking in its component's description. */
  private static byte[] rival(InputStream jar, String name) throws IOException {
    ByteArrayOutputStream bytes = new ByteArrayOutputStream();
    try (JarInputStream in = new JarInputStream(jar)) {
      Manifest manifest = in.getManifest();
      manifest.getMainAttributes().putValue("Bundle-SymbolicName", name + ".rival");
      try (JarOutputStream out = new JarOutputStream(bytes, manifest)) {
        for (JarEntry entry; (entry = in.getNextJarEntry()) != null;) {
          out.putNextEntry(new JarEntry(entry.getName()));
          byte[] content = in.readAllBytes();
          if (entry.getName().startsWith("OSGI-INF/") && entry.getName().endsWith(".xml"))
            content = new String(content, StandardCharsets.UTF_8).replaceFirst("<service>", "<property name=\"service.ranking\" type=\"Integer\" value=\"9\"/><service>").getBytes(StandardCharsets.UTF_8);
          out.write(content);
        }
      }
    }
    return bytes.toByteArray();
  }
}
