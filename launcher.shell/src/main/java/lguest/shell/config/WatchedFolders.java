package lguest.shell.config;

import java.io.File;
import java.io.IOException;
import java.nio.file.DirectoryStream;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Optional;
import lguest.shell.command.News;
import lguest.shell.words.UserError;
import org.osgi.framework.Bundle;
import org.osgi.framework.BundleContext;
import org.osgi.framework.BundleException;

/**
 * Starts Configuration Admin and File Install, which are installed but wait for somebody to need them, and has directories
 * watched: for files that define guests, and for bundles that are to be installed, updated and removed as their jars are.
 */
public final class WatchedFolders {
  private static final String POLL_MILLIS = "500";

  private WatchedFolders() {}

  /** Both may be missing. */
  public static void watch(Optional<Path> configuration, Optional<Path> dropIn, BundleContext context, News news) throws UserError {
    List<String> directories = new ArrayList<>();
    if (configuration.isPresent()) {
      directories.add(existing(configuration.get(), "configuration files; 'lguest help conf' tells what is in one"));
      hint(configuration.get(), news);
    }
    if (dropIn.isPresent()) directories.add(existing(dropIn.get(), "bundles; make it, and put jars there"));
    if (directories.isEmpty()) return;
    // File Install asks the framework, which asks the system's properties.
    String prefix = "felix.fileinstall.";
    System.setProperty(prefix + "dir", String.join(",", directories));
    System.setProperty(prefix + "filter", ".*\\.(cfg|config|jar)");
    System.setProperty(prefix + "poll", POLL_MILLIS);
    System.setProperty(prefix + "noInitialDelay", "true");
    System.setProperty(prefix + "enableConfigSave", "false");
    System.setProperty(prefix + "bundles.new.start", "true");
    File temporary = context.getDataFile("fileinstall");
    System.setProperty(prefix + "tmpdir", temporary.getPath());
    for (String name : List.of("org.apache.felix.configadmin", "org.apache.felix.fileinstall")) start(name, context);
  }

  private static String existing(Path directory, String with) throws UserError {
    if (!Files.isDirectory(directory)) throw UserError.of("there is no directory " + directory + " with " + with);
    String path = directory.toAbsolutePath().toString();
    // File Install takes a list of directories, and has no way to write a comma that is none.
    if (path.contains(",")) throw UserError.of("the directory " + directory + " cannot be watched: there is a comma in its name; move it");
    return path;
  }

  /** The standard writes factory PIDs with a tilde, File Install its files with a dash; it says nothing about a file it has no use for. */
  private static void hint(Path directory, News news) throws UserError {
    try (DirectoryStream<Path> files = Files.newDirectoryStream(directory, ConfiguredGuest.PID + "*")) {
      for (Path file : files)
        if (!file.getFileName().toString().matches(ConfiguredGuest.PID + "-.+[.](cfg|config)"))
          news.tell(file + " is left aside: a guest's file is named " + ConfiguredGuest.PID + "-<name>.cfg");
    } catch (IOException e) {
      throw UserError.of("the directory " + directory + " cannot be read: " + e.getMessage());
    }
  }

  private static void start(String name, BundleContext context) throws UserError {
    Bundle bundle = Arrays.stream(context.getBundles()).filter(candidate -> name.equals(candidate.getSymbolicName())).findFirst()
        .orElseThrow(() -> UserError.of("watching directories needs the bundle " + name));
    try {
      bundle.start();
    } catch (BundleException e) {
      throw UserError.of("the bundle " + name + " does not start: " + e.getMessage());
    }
  }
}
