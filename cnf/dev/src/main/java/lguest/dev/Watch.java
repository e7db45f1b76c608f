package lguest.dev;

import java.io.IOException;
import java.nio.file.ClosedWatchServiceException;
import java.nio.file.FileSystems;
import java.nio.file.FileVisitResult;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.SimpleFileVisitor;
import java.nio.file.StandardWatchEventKinds;
import java.nio.file.WatchEvent;
import java.nio.file.WatchKey;
import java.nio.file.WatchService;
import java.nio.file.attribute.BasicFileAttributes;
import java.util.HashMap;
import java.util.Map;
import java.util.Set;
import java.util.TreeSet;
import java.util.concurrent.TimeUnit;

/**
 * Tells that files have changed, once for all that is saved in one go: it waits until nothing more has happened for a moment. It says where to look, not what happened: events may be
 * lost, doubled or late, and editors write, rename and delete in ways of their own, so whoever hears of a change reads anew and compares.
 */
final class Watch implements AutoCloseable {
  private static final long QUIET_MILLIS = 12, LONGEST_BURST_NANOS = 2_000_000_000L;

  private final WatchService service = FileSystems.getDefault().newWatchService();
  private final Map<WatchKey, Path> folders = new HashMap<>();
  private final Map<Path, Boolean> roots = new HashMap<>();

  Watch() throws IOException {}

  /** Watches a folder, and all below it if that is wanted. A folder that is not there, or that goes away and comes again, is not watched: watch what it is in, and add it then. */
  synchronized void add(Path folder, boolean below) throws IOException {
    roots.put(folder, below);
    if (!Files.isDirectory(folder)) return;
    if (below) addTree(folder);
    else addOne(folder);
  }

  private void addOne(Path folder) throws IOException {
    folders.put(folder.register(service, StandardWatchEventKinds.ENTRY_CREATE, StandardWatchEventKinds.ENTRY_MODIFY, StandardWatchEventKinds.ENTRY_DELETE), folder);
  }

  private void addTree(Path folder) throws IOException {
    Files.walkFileTree(folder, new SimpleFileVisitor<>() {
      @Override public FileVisitResult preVisitDirectory(Path each, BasicFileAttributes attributes) throws IOException {
        if (each.getFileName().toString().equals("target")) return FileVisitResult.SKIP_SUBTREE;
        addOne(each);
        return FileVisitResult.CONTINUE;
      }

      @Override public FileVisitResult visitFileFailed(Path file, IOException e) { return FileVisitResult.CONTINUE; }
    });
  }

  /** Waits for the next changes; returns the paths concerned, or the folders where events were lost. Null: closed. */
  Set<Path> next() throws InterruptedException, IOException {
    try {
      return gather(service.take());
    } catch (ClosedWatchServiceException e) {
      return null;
    }
  }

  /** {@link #next}, but for {@code millis} only; empty when nothing has changed. */
  Set<Path> within(long millis) throws InterruptedException, IOException {
    try {
      WatchKey first = service.poll(millis, TimeUnit.MILLISECONDS);
      return first == null ? Set.of() : gather(first);
    } catch (ClosedWatchServiceException e) {
      return Set.of();
    }
  }

  private Set<Path> gather(WatchKey first) throws InterruptedException, IOException {
    Set<Path> changed = new TreeSet<>();
    long end = System.nanoTime() + LONGEST_BURST_NANOS;
    for (WatchKey key = first; key != null; key = System.nanoTime() < end ? service.poll(QUIET_MILLIS, TimeUnit.MILLISECONDS) : null) take(key, changed);
    return changed;
  }

  private synchronized void take(WatchKey key, Set<Path> changed) throws IOException {
    Path folder = folders.get(key);
    for (WatchEvent<?> event : key.pollEvents()) {
      if (folder == null) continue;
      if (event.kind() == StandardWatchEventKinds.OVERFLOW) {
        changed.add(folder);
        continue;
      }
      Path path = folder.resolve((Path) event.context());
      changed.add(path);
      // What was put into a new folder before it is watched makes no event: whoever hears of the folder looks into it.
      if (event.kind() == StandardWatchEventKinds.ENTRY_CREATE && Files.isDirectory(path) && isBelowRoot(path)) addTree(path);
    }
    if (!key.reset()) folders.remove(key);
  }

  private boolean isBelowRoot(Path path) {
    for (Map.Entry<Path, Boolean> root : roots.entrySet()) if (root.getValue() && path.startsWith(root.getKey()) || path.equals(root.getKey())) return true;
    return false;
  }

  @Override public void close() throws IOException { service.close(); }
}
