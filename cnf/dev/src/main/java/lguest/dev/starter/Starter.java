package lguest.dev.starter;

import java.io.IOException;
import java.io.InputStream;
import java.net.URL;
import java.nio.charset.StandardCharsets;
import java.nio.file.FileAlreadyExistsException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.security.MessageDigest;
import java.security.NoSuchAlgorithmException;
import java.util.Collections;
import java.util.HexFormat;
import java.util.LinkedHashMap;
import java.util.Map;
import java.util.stream.Collectors;
import java.util.zip.CRC32;
import lguest.dev.UserError;
import org.osgi.framework.Bundle;

/**
 * Makes the folder a device begins as: the files of the Maven archetype, carried in this bundle, with the names filled in; and beside them, as a Maven repository that is a mere
 * folder, the API and the test kit of this very lguest. So it builds on its own, wherever it is put.
 */
public final class Starter {
  private static final String TEMPLATE = "archetype/", REPOSITORY = ".lguest/repository/lguest";

  private final Bundle bundle;

  public Starter(Bundle bundle) { this.bundle = bundle; }

  /** Makes the folder {@code wish.name()} in {@code where}. */
  public Path make(Wish wish, Path where) throws UserError, IOException {
    Path folder = where.resolve(wish.name());
    if (!Files.isDirectory(where)) throw new UserError("there is no folder '" + where + "'");
    try {
      Files.createDirectory(folder);
    } catch (FileAlreadyExistsException e) {
      throw new UserError("'" + folder.getFileName() + "' is there already: choose another name, or move it away");
    } catch (IOException e) {
      throw new UserError("cannot make the folder '" + folder + "': " + e.getMessage());
    }
    byte[] core = read("lib/launcher.core.jar"), kit = read("lib/device.testkit.jar");
    // By content: whatever Maven remembers under this version is this.
    String version = api() + "-" + checksum(core, kit);
    Map<String, String> names = new LinkedHashMap<>();
    names.put("artifactId", wish.name());
    names.put("groupId", wish.group());
    names.put("version", "1.0.0");
    names.put("package", wish.packageName());
    names.put("Name", wish.className());
    names.put("number", Integer.toString(wish.number()));
    names.put("lguestVersion", version);
    for (URL url : Collections.list(bundle.findEntries(TEMPLATE, "*", true))) {
      String path = url.getPath().substring(url.getPath().indexOf(TEMPLATE) + TEMPLATE.length());
      if (path.endsWith("/")) continue;
      write(folder.resolve(place(path, wish)), fill(text(url), names));
    }
    Path repository = folder.resolve(REPOSITORY);
    artifact(repository, "launcher.core", version, core, "");
    artifact(repository, "device.testkit", version, kit, """

          <dependencies>
            <dependency><groupId>lguest</groupId><artifactId>launcher.core</artifactId><version>%s</version></dependency>
            <dependency><groupId>org.junit.jupiter</groupId><artifactId>junit-jupiter-api</artifactId><version>5.14.4</version></dependency>
          </dependencies>""".formatted(version));
    return folder;
  }

  private String api() {
    var version = bundle.getVersion();
    return version.getMajor() + "." + version.getMinor() + "." + version.getMicro();
  }

  /** Java sources move into their package, and get the class's name. */
  private static String place(String path, Wish wish) {
    String named = path.replace("__Name__", wish.className()).replace("__dot__", ".");
    return named.replaceFirst("^(src/(?:main|test)/java)/", "$1/" + wish.packageName().replace('.', '/') + "/");
  }

  /** What Velocity does with these files when Maven makes them of the archetype, as far as they use it: names in braces, and {@code #set} of a piece of text. */
  static String fill(String template, Map<String, String> names) {
    Map<String, String> all = new LinkedHashMap<>(names);
    String text = template.lines().filter(line -> {
      if (!line.startsWith("#set($")) return true;
      all.put(line.substring("#set($".length(), line.indexOf(' ')), line.substring(line.indexOf('\'') + 1, line.lastIndexOf('\'')));
      return false;
    }).collect(Collectors.joining("\n", "", "\n"));
    for (Map.Entry<String, String> name : all.entrySet()) text = text.replace("${" + name.getKey() + "}", name.getValue());
    return text;
  }

  private static void artifact(Path repository, String name, String version, byte[] jar, String more) throws IOException {
    Path place = Files.createDirectories(repository.resolve(name).resolve(version));
    publish(place.resolve(name + "-" + version + ".jar"), jar);
    publish(place.resolve(name + "-" + version + ".pom"), """
        <?xml version="1.0" encoding="UTF-8"?>
        <project xmlns="http://maven.apache.org/POM/4.0.0">
          <modelVersion>4.0.0</modelVersion>
          <groupId>lguest</groupId><artifactId>%s</artifactId><version>%s</version>%s
        </project>
        """.formatted(name, version, more).getBytes(StandardCharsets.UTF_8));
  }

  /** A file, and beside it the checksum by which Maven makes sure of it. */
  private static void publish(Path file, byte[] content) throws IOException {
    Files.write(file, content);
    try {
      Files.writeString(file.resolveSibling(file.getFileName() + ".sha1"), HexFormat.of().formatHex(MessageDigest.getInstance("SHA-1").digest(content)));
    } catch (NoSuchAlgorithmException e) {
      throw new IllegalStateException(e);
    }
  }

  private static void write(Path file, String text) throws IOException {
    Files.createDirectories(file.getParent());
    Files.writeString(file, text);
  }

  private static String text(URL url) throws IOException {
    try (InputStream in = url.openStream()) { return new String(in.readAllBytes(), StandardCharsets.UTF_8); }
  }

  private byte[] read(String entry) throws IOException {
    try (InputStream in = bundle.getEntry(entry).openStream()) { return in.readAllBytes(); }
  }

  private static String checksum(byte[]... contents) {
    CRC32 sum = new CRC32();
    for (byte[] content : contents) sum.update(content);
    return "%08x".formatted(sum.getValue());
  }
}
