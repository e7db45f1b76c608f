package lguest.cli;

import static java.nio.charset.StandardCharsets.ISO_8859_1;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.io.IOException;
import java.io.InputStream;
import java.io.RandomAccessFile;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Map;
import java.util.concurrent.TimeUnit;
import java.util.jar.Attributes;
import java.util.jar.JarEntry;
import java.util.jar.JarFile;
import java.util.jar.JarOutputStream;
import java.util.jar.Manifest;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;

/** What {@code lguest dev} says when something is wrong. When all is well it is {@link GuideTest}'s. */
@Timeout(600)
class DevTest {
  @TempDir Path directory;
  private Lguest lguest;
  private Process platform;
  private final StringBuilder screen = new StringBuilder();

  @BeforeEach void prepare() throws Exception { lguest = new Lguest(directory); }

  @AfterEach void end() {
    if (platform == null) return;
    platform.descendants().forEach(ProcessHandle::destroyForcibly);
    platform.destroyForcibly();
  }

  @Test void mistakesAreOneClearLine() throws Exception {
    Lguest.assertComplaint(lguest.run("", "dev", "nowhere"), "there is no folder 'nowhere'");
    Lguest.assertComplaint(lguest.run("", "dev", "--fast"), "unknown option --fast");
    Lguest.assertComplaint(lguest.run("", "dev", "--into=nowhere"), "there is no folder 'nowhere'");
    Lguest.assertComplaint(lguest.run("", "dev", "--classpath=no.jar"), "there is no jar 'no.jar'");
    Lguest.assertComplaint(lguest.run("", "new-device", "lamp"), "takes a name and a package");
    Lguest.assertComplaint(lguest.run("", "new-device", "Lamp", "org.example.lamp"), "cannot be a device's name");
    Files.createDirectory(directory.resolve("lamp"));
    Lguest.assertComplaint(lguest.run("", "new-device", "lamp", "org.example.lamp"), "is there already");
  }

  private void await(String text) throws InterruptedException {
    synchronized (screen) {
      while (screen.indexOf(text) < 0) {
        try {
          screen.wait();
        } catch (InterruptedException e) {
          throw new AssertionError("'" + text + "' did not appear; this did:\n" + screen, e);
        }
      }
    }
  }

  private void type(String line) throws IOException {
    platform.getOutputStream().write((line + "\n").getBytes(ISO_8859_1));
    platform.getOutputStream().flush();
  }

  private void show(InputStream in) {
    byte[] piece = new byte[4096];
    try (in) {
      for (int length; (length = in.read(piece)) > 0; )
        synchronized (screen) {
          screen.append(new String(piece, 0, length, ISO_8859_1));
          screen.notifyAll();
        }
    } catch (IOException e) {
      // It has ended.
    }
  }

  /** A bundle with nothing in it but these headers. */
  private void drop(String name, Map<String, String> headers) throws IOException {
    Manifest manifest = new Manifest();
    manifest.getMainAttributes().put(Attributes.Name.MANIFEST_VERSION, "1.0");
    headers.forEach(manifest.getMainAttributes()::putValue);
    Path jar = directory.resolve(name);
    new JarOutputStream(Files.newOutputStream(jar), manifest).close();
    Files.move(jar, directory.resolve("drop-in").resolve(name));
  }

  /** The disk's bundle as it is shipped, but for one more import. */
  private void dropDiskThatNeeds(String more) throws IOException {
    Path made = directory.resolve("disk.jar");
    try (JarFile shipped = new JarFile(Lguest.ROOT.resolve("cnf/app/target/bundles/device.block.jar").toFile())) {
      Manifest manifest = new Manifest(shipped.getManifest());
      manifest.getMainAttributes().putValue("Import-Package", manifest.getMainAttributes().getValue("Import-Package") + "," + more);
      try (JarOutputStream out = new JarOutputStream(Files.newOutputStream(made), manifest)) {
        for (JarEntry entry : shipped.stream().filter(entry -> !entry.getName().equals(JarFile.MANIFEST_NAME)).toList()) {
          out.putNextEntry(new JarEntry(entry.getName()));
          try (InputStream in = shipped.getInputStream(entry)) { in.transferTo(out); }
        }
      }
    }
    Files.move(made, directory.resolve("drop-in/disk.jar"));
  }

  @Test void aBundleThatCannotBeUsedIsExplainedAndTakenBack() throws Exception {
    Files.createDirectory(directory.resolve("drop-in"));
    try (RandomAccessFile disk = new RandomAccessFile(directory.resolve("disk").toFile(), "rw")) { disk.setLength(1 << 20); }
    platform = lguest.lguest("dev", "drop-in", "--", "--block=disk", "demo").redirectErrorStream(true).start();
    Thread.ofVirtual().start(() -> show(platform.getInputStream()));
    await("demo# ");
    type("disk 0 write 5");
    await("wrote 2048 sectors");

    dropDiskThatNeeds("org.example.missing;version=\"[3,4)\"");
    await("dev: disk.jar: it needs the package org.example.missing, version 3.0.0 or later, which no bundle here offers; the version before goes on");
    type("disk 0 verify 5");
    await("verified 2048 sectors");

    drop("idle.jar", Map.of("Bundle-ManifestVersion", "2", "Bundle-SymbolicName", "org.example.idle"));
    await("dev: idle.jar: it is active, but offers no device");
    drop("plain.jar", Map.of("Built-By", "somebody"));
    await("dev: plain.jar cannot be used: it is no bundle: its manifest has no Bundle-SymbolicName");
    drop("broken.jar", Map.of("Bundle-ManifestVersion", "2", "Bundle-SymbolicName", "org.example.broken", "Bundle-Activator", "org.example.Nobody"));
    await("dev: broken.jar: ");
    assertFalse(screen.toString().contains("\tat "), screen::toString);
    type("poweroff");
    assertTrue(platform.waitFor(60, TimeUnit.SECONDS));
    assertEquals(0, platform.exitValue(), screen::toString);
  }
}
