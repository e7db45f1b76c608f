package lguest.app;

import java.io.File;
import java.io.IOException;
import java.io.InputStream;
import java.io.UncheckedIOException;
import java.net.URI;
import java.util.HashMap;
import java.util.HashSet;
import java.util.Map;
import java.util.Optional;
import java.util.Set;
import java.util.jar.JarFile;
import java.util.zip.ZipEntry;
import org.osgi.framework.BundleActivator;
import org.osgi.framework.connect.ConnectContent;
import org.osgi.framework.connect.ConnectModule;
import org.osgi.framework.connect.ModuleConnector;

/**
 * Bundles whose jars are on the class path too, and are taken from there at first. The JVM's start-up cache keeps the classes, lambdas and profiles of its own class loader only, and without them a guest takes half as long again to boot.
 * So in the beginning these bundles share one class loader; that none of them needs that, tests in a framework without it show.
 *
 * <p>A bundle that is updated, or refreshed because one it depends on was, is a bundle like any other from then on, with a class loader of its own: here its jar on the class path is offered once.
 */
final class ClassPathBundles implements ModuleConnector {
  private final Set<File> jars = new HashSet<>();

  /** Those that the manifest of {@code main}, the jar we come from, puts on the class path, as far as they are there. */
  ClassPathBundles(File main) throws IOException {
    try (JarFile jar = new JarFile(main)) {
      String path = jar.getManifest().getMainAttributes().getValue("Class-Path");
      if (path != null) for (String name : path.split(" ")) jars.add(new File(main.getParentFile(), name));
    }
  }

  /** Where a jar is to be installed from. */
  String location(File jar) { return (jars.contains(jar) ? "" : "reference:") + jar.toURI(); }

  @Override public void initialize(File storage, Map<String, String> configuration) {}

  @Override public Optional<BundleActivator> newBundleActivator() { return Optional.empty(); }

  /** Once for each: an update reads the jar as it is then. */
  @Override public synchronized Optional<ConnectModule> connect(String location) {
    if (!location.startsWith("file:")) return Optional.empty();
    File jar = new File(URI.create(location));
    if (!jars.remove(jar)) return Optional.empty();
    Content content = new Content(jar);
    return Optional.of(() -> content);
  }

  private static final class Content implements ConnectContent {
    private final File file;
    private JarFile jar;
    private boolean wired;

    Content(File file) { this.file = file; }

    /** Asked for once for each wiring: the second is after a refresh. */
    @Override public synchronized Optional<ClassLoader> getClassLoader() {
      if (wired) return Optional.empty();
      wired = true;
      return Optional.of(ClassPathBundles.class.getClassLoader());
    }

    @Override public synchronized void open() throws IOException { jar = new JarFile(file); }

    @Override public synchronized void close() throws IOException { jar.close(); }

    @Override public Optional<Map<String, String>> getHeaders() {
      try {
        Map<String, String> headers = new HashMap<>();
        jar.getManifest().getMainAttributes().forEach((name, value) -> headers.put(name.toString(), value.toString()));
        return Optional.of(headers);
      } catch (IOException e) {
        throw new UncheckedIOException(e);
      }
    }

    @Override public Iterable<String> getEntries() { return jar.stream().map(ZipEntry::getName).toList(); }

    @Override public Optional<ConnectEntry> getEntry(String name) {
      return Optional.ofNullable(jar.getEntry(name)).map(Entry::new);
    }

    private final class Entry implements ConnectEntry {
      private final ZipEntry entry;

      Entry(ZipEntry entry) { this.entry = entry; }

      @Override public String getName() { return entry.getName(); }

      @Override public long getContentLength() { return entry.getSize(); }

      @Override public long getLastModified() { return entry.getTime(); }

      @Override public InputStream getInputStream() throws IOException { return jar.getInputStream(entry); }
    }
  }
}
