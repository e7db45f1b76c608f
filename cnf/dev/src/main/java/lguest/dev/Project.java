package lguest.dev;

import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.file.Files;
import java.nio.file.NoSuchFileException;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.SortedMap;
import java.util.TreeMap;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import java.util.stream.Stream;

/** The sources of one bundle: a folder as Maven and bnd have it, with pom.xml, bnd.bnd and src/main. */
record Project(Path folder) {
  private static final Pattern PARENT = Pattern.compile("<parent>.*?</parent>", Pattern.DOTALL);
  private static final String PROVIDER = "implements DeviceProvider";

  /** All that a bundle is made of, as it was at one moment. */
  record Content(SortedMap<String, String> sources, SortedMap<String, Bytes> resources, String instructions, String artifact, String version) {}

  /** A file's content, compared by content. */
  record Bytes(byte[] content) {
    @Override public boolean equals(Object other) { return other instanceof Bytes bytes && java.util.Arrays.equals(content, bytes.content); }

    @Override public int hashCode() { return java.util.Arrays.hashCode(content); }
  }

  static boolean isOne(Path folder) { return Files.isRegularFile(folder.resolve("bnd.bnd")) && Files.isDirectory(folder.resolve("src/main/java")); }

  /** Whether it provides a device, by a look at its sources. */
  boolean hasDevice() {
    try {
      return read().sources().values().stream().anyMatch(source -> source.contains(PROVIDER));
    } catch (IOException e) {
      return false;
    }
  }

  String name() { return folder.getFileName().toString(); }

  Path java() { return folder.resolve("src/main/java"); }

  Content read() throws IOException {
    for (int attempt = 0;; attempt++) {
      try {
        SortedMap<String, String> sources = new TreeMap<>();
        for (Path file : files(java(), ".java")) sources.put(relative(java(), file), Files.readString(file));
        SortedMap<String, Bytes> resources = new TreeMap<>();
        Path others = folder.resolve("src/main/resources");
        for (Path file : files(others, "")) resources.put(relative(others, file), new Bytes(Files.readAllBytes(file)));
        String pom = Files.exists(folder.resolve("pom.xml")) ? PARENT.matcher(Files.readString(folder.resolve("pom.xml"))).replaceFirst("") : "";
        return new Content(sources, resources, Files.readString(folder.resolve("bnd.bnd")), element(pom, "artifactId").orElse(name()), element(pom, "version").orElse("0.1.0"));
      } catch (NoSuchFileException e) {
        // Moved away between look and read, as editors do that write a new file and rename it.
        if (attempt == 5) throw e;
      }
    }
  }

  private static String relative(Path from, Path file) { return from.relativize(file).toString().replace('\\', '/'); }

  private static List<Path> files(Path below, String suffix) throws IOException {
    if (!Files.isDirectory(below)) return List.of();
    try (Stream<Path> all = Files.walk(below)) {
      return all.filter(file -> file.getFileName().toString().endsWith(suffix) && !isEditors(file.getFileName().toString()) && Files.isRegularFile(file)).toList();
    } catch (UncheckedIOException e) {
      throw e.getCause();
    }
  }

  /** What editors put beside a file while they work on it. */
  static boolean isEditors(String name) { return name.startsWith(".") || name.startsWith("#") || name.endsWith("~") || name.endsWith(".swp") || name.endsWith(".tmp") || name.equals("4913"); }

  private static java.util.Optional<String> element(String xml, String name) {
    Matcher matcher = Pattern.compile("<" + name + ">([^<$]*)</" + name + ">").matcher(xml);
    return matcher.find() ? java.util.Optional.of(matcher.group(1).strip()) : java.util.Optional.empty();
  }

  /** The files with bnd instructions, outermost first: a project in a reactor inherits those of the folders above. */
  List<Path> instructions() {
    List<Path> files = new ArrayList<>();
    for (Path above = folder.toAbsolutePath(); above != null && Files.exists(above.resolve("pom.xml")); above = above.getParent())
      if (Files.exists(above.resolve("bnd.bnd"))) files.addFirst(above.resolve("bnd.bnd"));
    if (files.isEmpty()) files.add(folder.resolve("bnd.bnd"));
    return files;
  }
}
