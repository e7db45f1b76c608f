package lguest.device.testkit;

import java.io.IOException;
import java.nio.file.DirectoryStream;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.HashSet;
import java.util.List;
import java.util.Map;
import java.util.Set;

/** What of the process was there at a moment: live threads and open file descriptors (where /proc tells). */
record Leaks(Set<Thread> threads, Map<String, String> descriptors) {
  private static final Path DESCRIPTORS = Path.of("/proc/self/fd");
  private static final long PATIENCE_NANOS = 10_000_000_000L;

  static Leaks now() { return new Leaks(liveThreads(), openDescriptors()); }

  private static Set<Thread> liveThreads() {
    Set<Thread> live = new HashSet<>(Thread.getAllStackTraces().keySet());
    // The JVM's own, and JNA's, come and go as they like.
    live.removeIf(thread -> thread.getThreadGroup() == null || thread.getThreadGroup().getParent() == null || thread.getName().equals("JNA Cleaner")
        || thread.getName().startsWith("ForkJoinPool"));
    return live;
  }

  private static Map<String, String> openDescriptors() {
    Map<String, String> open = new HashMap<>();
    if (!Files.isDirectory(DESCRIPTORS)) return open;
    try (DirectoryStream<Path> descriptors = Files.newDirectoryStream(DESCRIPTORS)) {
      for (Path descriptor : descriptors) {
        try {
          String target = Files.readSymbolicLink(descriptor).toString();
          // Class files come from jars, whenever; and one is this very look.
          if (!target.endsWith(".jar") && !target.startsWith("/proc/")) open.put(descriptor.getFileName().toString(), target);
        } catch (IOException e) {
          // Closed meanwhile.
        }
      }
    } catch (IOException e) {
      throw new AssertionError("cannot look at " + DESCRIPTORS, e);
    }
    return open;
  }

  /** Fails unless all that is there now was there then; what is on its way out gets time. */
  void assertNothingNew(String after) throws InterruptedException {
    List<String> left = List.of();
    for (long end = System.nanoTime() + PATIENCE_NANOS; System.nanoTime() < end; Thread.sleep(20)) {
      left = since();
      if (left.isEmpty()) return;
    }
    throw new AssertionError(left.size() + " left " + after + ": " + String.join("; ", left.subList(0, Math.min(left.size(), 10))));
  }

  private List<String> since() {
    List<String> left = new ArrayList<>();
    for (Thread thread : liveThreads()) if (!threads.contains(thread)) left.add("thread '" + thread.getName() + "'" + where(thread));
    openDescriptors().forEach((descriptor, target) -> {
      if (!target.equals(descriptors.get(descriptor))) left.add("descriptor " + descriptor + " on " + target);
    });
    return left;
  }

  private static String where(Thread thread) {
    StackTraceElement[] stack = thread.getStackTrace();
    return stack.length == 0 ? "" : " at " + stack[0];
  }
}
