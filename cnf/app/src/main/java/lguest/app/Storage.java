package lguest.app;

import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.channels.FileChannel;
import java.nio.channels.FileLock;
import java.nio.file.DirectoryStream;
import java.nio.file.FileAlreadyExistsException;
import java.nio.file.Files;
import java.nio.file.NoSuchFileException;
import java.nio.file.Path;
import java.nio.file.StandardOpenOption;
import java.nio.file.attribute.PosixFilePermissions;
import java.util.Comparator;
import java.util.stream.Stream;

/**
 * The directory where the framework keeps its notes while it runs. It is gone when we are: at the normal end and at a signal;
 * and when there was no chance to tidy up (SIGKILL, power), the next start finds that nobody holds its lock any more. A lock
 * rather than a process id in the name: containers may share the directory and not the process ids.
 */
final class Storage implements AutoCloseable {
  private static final String PREFIX = "lguest-";
  private static final String LOCK = "alive";
  /** Younger than this it may be between its creation and its lock. */
  private static final long SETTLED_MILLIS = 60_000;

  private final Path path;
  private final FileChannel lock;

  private Storage(Path path, FileChannel lock) {
    this.path = path;
    this.lock = lock;
  }

  static Storage create() throws IOException {
    Path parent = Path.of(System.getProperty("java.io.tmpdir"));
    sweep(parent);
    Path path = ownDirectory(parent);
    FileChannel lock = FileChannel.open(path.resolve(LOCK), StandardOpenOption.CREATE_NEW, StandardOpenOption.WRITE);
    lock.tryLock(); // held by the channel until close, or our end
    Storage storage = new Storage(path, lock);
    Runtime.getRuntime().addShutdownHook(new Thread(storage::close, "storage"));
    return storage;
  }

  /** What {@link Files#createTempDirectory} does, whose random names would cost each start the loading of a generator. Nobody's directory is taken: it must not have been there. */
  private static Path ownDirectory(Path parent) throws IOException {
    for (long number = System.nanoTime(); ; number++) {
      try {
        return Files.createDirectory(parent.resolve(PREFIX + Long.toString(number, Character.MAX_RADIX)), PosixFilePermissions.asFileAttribute(PosixFilePermissions.fromString("rwx------")));
      } catch (FileAlreadyExistsException e) {
        // Another platform that starts: the next number.
      }
    }
  }

  Path path() { return path; }

  @Override public synchronized void close() {
    delete(path);
    try {
      lock.close();
    } catch (IOException e) {
      // The directory is gone; nobody will look at the lock.
    }
  }

  private static void sweep(Path parent) {
    try (DirectoryStream<Path> left = Files.newDirectoryStream(parent, PREFIX + "*")) {
      for (Path path : left) {
        Path held = path.resolve(LOCK);
        if (!Files.exists(held) || Files.getLastModifiedTime(held).toMillis() > System.currentTimeMillis() - SETTLED_MILLIS) continue;
        try (FileChannel channel = FileChannel.open(held, StandardOpenOption.WRITE); FileLock dead = channel.tryLock()) {
          if (dead != null) delete(path);
        } catch (IOException e) {
          // Another user's: his to sweep.
        }
      }
    } catch (IOException e) {
      // No place for leftovers then.
    }
  }

  /**
   * Deletes a tree as far as possible. When a signal ends us the framework may still be writing to it, so a second look is
   * taken.
   */
  private static void delete(Path tree) {
    for (int attempt = 0; attempt < 3 && Files.exists(tree); attempt++) {
      try (Stream<Path> files = Files.walk(tree)) {
        for (Path file : files.sorted(Comparator.reverseOrder()).toList()) Files.deleteIfExists(file);
      } catch (NoSuchFileException e) {
        // Two are tidying up at the same time.
      } catch (IOException | UncheckedIOException e) {
        // Not empty any more, or not ours.
      }
    }
  }
}
