package lguest.shell.config;

import java.io.File;
import java.io.IOException;
import java.nio.file.DirectoryStream;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Arrays;
import java.util.List;
import lguest.shell.command.News;
import lguest.shell.words.UserError;
import org.osgi.framework.Bundle;
import org.osgi.framework.BundleContext;
import org.osgi.framework.BundleException;

/**
 * Starts Configuration Admin and File Install, which are installed but wait for somebody to need them, and has a directory
 * watched.
 */
public final class ConfigurationFiles {
  private static final String POLL_MILLIS = "500";

  private ConfigurationFiles() {}

  public static void watch(Path directory, BundleContext context, News news) throws UserError {
    if (!Files.isDirectory(directory))
      throw UserError.of("there is no directory " + directory + " with configuration files; 'lguest help conf' tells what is in one");
    hint(directory, news);
    // File Install asks the framework, which asks the system's properties.
    String prefix = "felix.fileinstall.";
    System.setProperty(prefix + "dir", directory.toAbsolutePath().toString());
    System.setProperty(prefix + "filter", ".*\\.(cfg|config)");
    System.setProperty(prefix + "poll", POLL_MILLIS);
    System.setProperty(prefix + "noInitialDelay", "true");
    System.setProperty(prefix + "enableConfigSave", "false");
    File temporary = context.getDataFile("fileinstall");
    System.setProperty(prefix + "tmpdir", temporary.getPath());
    for (String name : List.of("org.apache.felix.configadmin", "org.apache.felix.fileinstall")) start(name, context);
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
        .orElseThrow(() -> UserError.of("configuration files need the bundle " + name));
    try {
      bundle.start();
    } catch (BundleException e) {
      throw UserError.of("the bundle " + name + " does not start: " + e.getMessage());
    }
  }
}
