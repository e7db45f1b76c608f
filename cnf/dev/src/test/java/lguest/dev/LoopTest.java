package lguest.dev;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.io.ByteArrayInputStream;
import java.io.File;
import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardCopyOption;
import java.util.Arrays;
import java.util.Comparator;
import java.util.List;
import java.util.Map;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.CopyOnWriteArrayList;
import java.util.function.BooleanSupplier;
import java.util.jar.JarEntry;
import java.util.jar.JarInputStream;
import java.util.stream.Stream;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;

/** Saves as editors and build tools make them, and what becomes of them. */
@Timeout(300)
class LoopTest {
  private static final long PATIENCE_NANOS = 60_000_000_000L;
  @TempDir Path here;
  private final List<String> told = new CopyOnWriteArrayList<>();
  private final Bundles bundles = new Bundles();
  private Loop loop;

  /** A platform that takes every bundle. */
  private static final class Bundles implements Target {
    final Map<String, byte[]> there = new ConcurrentHashMap<>();
    final List<byte[]> put = new CopyOnWriteArrayList<>();

    @Override public boolean has(String name) { return there.containsKey(name); }

    @Override public Outcome put(byte[] jar) throws IOException {
      there.put(Live.symbolicName(jar), jar);
      put.add(jar);
      return new Outcome(true, "live");
    }

    @Override public void remove(String name) { there.remove(name); }

    /** Whether the bundle's provider has this text in it. */
    boolean says(String name, String text) { return there.containsKey(name) && new String(entry(there.get(name), "org/example/XProvider.class"), StandardCharsets.ISO_8859_1).contains(text); }
  }

  private static byte[] entry(byte[] jar, String name) {
    try (JarInputStream in = new JarInputStream(new ByteArrayInputStream(jar))) {
      for (JarEntry entry; (entry = in.getNextJarEntry()) != null;) if (entry.getName().equals(name)) return in.readAllBytes();
      return new byte[0];
    } catch (IOException e) {
      throw new AssertionError(e);
    }
  }

  private static String source(String text) {
    return """
        package org.example;
        import lguest.device.*;
        @org.osgi.service.component.annotations.Component
        @DeviceType(type = "x")
        public final class XProvider implements DeviceProvider {
          @Override public String type() { return "x"; }
          @Override public Device open(DeviceConfig config, DeviceContext context) throws DeviceException { throw new DeviceException("%s"); }
        }
        """.formatted(text);
  }

  private Path file(String project) { return here.resolve(project).resolve("src/main/java/org/example/XProvider.java"); }

  private void project(String name, String text) throws IOException {
    Files.createDirectories(file(name).getParent());
    Files.writeString(here.resolve(name).resolve("pom.xml"), "<project><parent><artifactId>other</artifactId><version>9</version></parent><artifactId>x</artifactId><version>1.2.3-SNAPSHOT</version></project>");
    Files.writeString(file(name), source(text));
    Files.writeString(here.resolve(name).resolve("bnd.bnd"), "Bundle-SymbolicName: org.example." + name + "\n");
  }

  private static void await(String what, BooleanSupplier condition) throws InterruptedException {
    for (long end = System.nanoTime() + PATIENCE_NANOS; !condition.getAsBoolean(); Thread.sleep(5)) if (System.nanoTime() > end) throw new AssertionError(what);
  }

  @BeforeEach void start() throws Exception {
    project("one", "version 1");
    List<Path> classPath = Arrays.stream(System.getProperty("java.class.path").split(File.pathSeparator)).map(Path::of)
        .filter(path -> path.toString().matches(".*(launcher\\.core|osgi\\.annotation|component\\.annotations|osgi\\.core).*")).toList();
    loop = new Loop(bundles, classPath, told::add, round -> {});
    loop.addHere(here);
    loop.begin();
    Thread.ofPlatform().daemon().start(loop::run);
    assertTrue(bundles.says("org.example.one", "version 1"), told::toString);
  }

  @AfterEach void stop() throws Exception { loop.close(); }

  @Test void aBundleIsWhatMavenWouldMake() throws Exception {
    try (JarInputStream in = new JarInputStream(new ByteArrayInputStream(bundles.there.get("org.example.one")))) {
      var manifest = in.getManifest().getMainAttributes();
      assertEquals("1.2.3.SNAPSHOT", manifest.getValue("Bundle-Version"));
      assertTrue(manifest.getValue("Provide-Capability").contains("lguest.device;type=x"), manifest.getValue("Provide-Capability"));
      assertTrue(manifest.getValue("Import-Package").contains("lguest.device;version=\"[1."), manifest.getValue("Import-Package"));
      assertEquals("OSGI-INF/org.example.XProvider.xml", manifest.getValue("Service-Component"));
    }
  }

  @Test void savesInPlaceByRenameAndInABurst() throws Exception {
    Files.writeString(file("one"), source("version 2"));
    await("saved in place", () -> bundles.says("org.example.one", "version 2"));

    Path beside = Files.writeString(file("one").resolveSibling(".XProvider.java.new"), source("version 3"));
    Files.move(beside, file("one"), StandardCopyOption.ATOMIC_MOVE, StandardCopyOption.REPLACE_EXISTING);
    await("saved by rename", () -> bundles.says("org.example.one", "version 3"));

    // As vim does: the old one becomes the backup.
    Files.move(file("one"), file("one").resolveSibling("XProvider.java~"));
    Files.writeString(file("one"), source("version 4"));
    Files.delete(file("one").resolveSibling("XProvider.java~"));
    await("saved with a backup", () -> bundles.says("org.example.one", "version 4"));

    int before = bundles.put.size();
    for (int i = 0; i < 300; i++) Files.writeString(file("one"), source("burst " + i + "."));
    await("saved in a burst", () -> bundles.says("org.example.one", "burst 299."));
    assertTrue(bundles.put.size() - before < 150, () -> "each of a burst was built: " + (bundles.put.size() - before));
  }

  @Test void anErrorIsShownWithItsPlaceAndTheVersionBeforeGoesOn() throws Exception {
    int before = bundles.put.size();
    Files.writeString(file("one"), source("version 2").replace("return \"x\";", "return 7;"));
    await("the error is told", () -> told.stream().anyMatch(line -> line.contains("does not compile")));
    String error = told.getLast();
    assertTrue(error.contains("one does not compile; the version before goes on") && error.contains("XProvider.java:6: incompatible types: int cannot be converted"), error);
    assertEquals(before, bundles.put.size());
    Files.writeString(file("one"), source("version 3"));
    await("mended", () -> bundles.says("org.example.one", "version 3"));
  }

  @Test void halfAFileIsWaitedFor() throws Exception {
    String text = source("version 2");
    Files.writeString(file("one"), text.substring(0, text.length() / 2));
    Thread.sleep(30);
    Files.writeString(file("one"), text);
    await("the whole", () -> bundles.says("org.example.one", "version 2"));
    // On a machine so busy that half a second passes between the halves the half is shown, and rightly so.
    assertTrue(told.stream().filter(line -> line.contains("does not compile")).count() <= 1, told::toString);
  }

  @Test void whatIsTheSameIsNotExchanged() throws Exception {
    int before = bundles.put.size();
    Files.setLastModifiedTime(file("one"), java.nio.file.attribute.FileTime.fromMillis(System.currentTimeMillis()));
    Files.writeString(file("one"), source("version 1"));
    Files.writeString(file("one").resolveSibling("notes.txt"), "no source");
    Thread.sleep(500);
    assertEquals(before, bundles.put.size());
  }

  @Test void deletedAndNewFilesCount() throws Exception {
    Path more = Files.writeString(Files.createDirectories(file("one").resolveSibling("more")).resolve("More.java"), "package org.example.more;\nfinal class More {}\n");
    await("a new source in a new folder", () -> entry(bundles.there.get("org.example.one"), "org/example/more/More.class").length > 0);
    Files.delete(more);
    await("its end", () -> entry(bundles.there.get("org.example.one"), "org/example/more/More.class").length == 0);
    Path resource = Files.writeString(Files.createDirectories(here.resolve("one/src/main/resources")).resolve("words"), "a resource");
    await("a resource", () -> new String(entry(bundles.there.get("org.example.one"), "words")).equals("a resource"));
    Files.writeString(resource, "another");
    await("changed", () -> new String(entry(bundles.there.get("org.example.one"), "words")).equals("another"));
    Files.writeString(here.resolve("one/bnd.bnd"), "Bundle-SymbolicName: org.example.one\nBundle-Vendor: somebody\n");
    await("an instruction", () -> new String(entry2(bundles.there.get("org.example.one"))).contains("somebody"));
  }

  private static byte[] entry2(byte[] jar) {
    try (JarInputStream in = new JarInputStream(new ByteArrayInputStream(jar))) {
      return in.getManifest().getMainAttributes().toString().concat(String.valueOf(in.getManifest().getMainAttributes().getValue("Bundle-Vendor"))).getBytes();
    } catch (IOException e) {
      throw new AssertionError(e);
    }
  }

  @Test void projectsComeAndGo() throws Exception {
    project("two", "version 1");
    await("a new project", () -> bundles.says("org.example.two", "version 1"));
    Files.writeString(file("two"), source("version 2"));
    await("and it is watched", () -> bundles.says("org.example.two", "version 2"));
    Files.move(here.resolve("two"), here.resolve("away"));
    await("gone", () -> !bundles.has("org.example.two"));
    assertTrue(bundles.has("org.example.one"));
    delete(here.resolve("one/src"));
    project("one", "version 5");
    await("a source folder made anew", () -> bundles.says("org.example.one", "version 5"));
    Files.writeString(file("one"), source("version 6"));
    await("is watched anew", () -> bundles.says("org.example.one", "version 6"));
  }

  private static void delete(Path tree) throws IOException {
    try (Stream<Path> all = Files.walk(tree)) { for (Path file : all.sorted(Comparator.reverseOrder()).toList()) Files.delete(file); }
  }

  @Test void finishedJarsComeWholeAndGo() throws Exception {
    byte[] jar = bundles.there.get("org.example.one");
    bundles.there.clear();
    Path folder = Files.createDirectory(here.resolve("drop-in")), file = folder.resolve("their-device.jar");
    await("the folder is noticed", () -> told.stream().anyMatch(line -> line.contains("for finished jars")));
    Files.write(file, Arrays.copyOf(jar, jar.length / 2));
    await("half a jar", () -> told.stream().anyMatch(line -> line.contains("their-device.jar is not a whole jar yet")));
    assertFalse(bundles.has("org.example.one"));
    Files.write(file, jar);
    await("the whole jar", () -> bundles.has("org.example.one"));
    Files.delete(file);
    await("gone", () -> !bundles.has("org.example.one"));
    assertTrue(told.getLast().contains("their-device.jar is gone, and its device with it"), told::toString);
    Files.write(folder.resolve("empty.jar"), emptyJar());
    await("no bundle", () -> told.stream().anyMatch(line -> line.contains("empty.jar cannot be used: it is no bundle")));
  }

  private static byte[] emptyJar() throws IOException {
    var bytes = new java.io.ByteArrayOutputStream();
    new java.util.jar.JarOutputStream(bytes, new java.util.jar.Manifest()).close();
    return bytes.toByteArray();
  }
}
