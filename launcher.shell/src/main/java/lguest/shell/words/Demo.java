package lguest.shell.words;

import java.io.IOException;
import java.io.InputStream;
import java.io.UncheckedIOException;
import java.net.URL;
import java.nio.file.Files;
import java.nio.file.Path;
import org.osgi.framework.BundleContext;

/** Our own little guest, carried in this bundle. */
public final class Demo {
  private static final String IMAGE = "demo.elf";

  private Demo() {}

  /** The image as a file, in the bundle's storage, which goes when the platform does. */
  public static Path image(BundleContext context) throws UserError {
    URL carried = context.getBundle().getEntry(IMAGE);
    if (carried == null) throw UserError.of("this build carries no demo guest: boot an image of your own, see lguest help");
    // One file for each use: an earlier one may be mapped into a guest that runs.
    try (InputStream in = carried.openStream()) {
      Path file = Files.createDirectory(context.getDataFile("demo-" + System.nanoTime()).toPath()).resolve(IMAGE);
      Files.copy(in, file);
      return file;
    } catch (IOException e) {
      throw new UncheckedIOException(e);
    }
  }
}
