package lguest.endurance;

import java.io.IOException;
import java.lang.management.ManagementFactory;
import java.lang.management.MemoryType;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.stream.Stream;

/** What this process holds, after what nobody holds any more has been swept out. */
record Resources(long heap, int threads, long descriptors, int classes) {
  private static final long MORE_HEAP = 4 << 20;
  private static final int MORE_THREADS = 3, MORE_DESCRIPTORS = 2, MORE_CLASSES = 400;

  static Resources now() throws InterruptedException, IOException {
    // Loaders are let go of by cleaners and reference queues: a few rounds.
    for (int i = 0; i < 4; i++) {
      System.gc();
      Thread.sleep(250);
    }
    try (Stream<Path> open = Files.list(Path.of("/proc/self/fd"))) {
      return new Resources(kept(), ManagementFactory.getThreadMXBean().getThreadCount(), open.count(),
          ManagementFactory.getClassLoadingMXBean().getLoadedClassCount());
    }
  }

  /** Bytes that the last collection left over. What is in use now is more: guests at work make garbage of tens of megabytes in the meantime. */
  private static long kept() {
    return ManagementFactory.getMemoryPoolMXBeans().stream().filter(pool -> pool.getType() == MemoryType.HEAP && pool.getCollectionUsage() != null).mapToLong(pool -> pool.getCollectionUsage().getUsed()).sum();
  }

  /** What {@code later} has too much of. A device bundle has some forty classes, so the class loaders of ten swaps that stayed would show. */
  List<String> grownTo(Resources later) {
    List<String> grown = new ArrayList<>();
    if (later.heap - heap > MORE_HEAP) grown.add("heap %,d KiB -> %,d KiB".formatted(heap >> 10, later.heap >> 10));
    if (later.threads - threads > MORE_THREADS) grown.add("threads %d -> %d".formatted(threads, later.threads));
    if (later.descriptors - descriptors > MORE_DESCRIPTORS) grown.add("descriptors %d -> %d".formatted(descriptors, later.descriptors));
    if (later.classes - classes > MORE_CLASSES) grown.add("classes %d -> %d".formatted(classes, later.classes));
    return grown;
  }

  @Override public String toString() { return "heap %,d KiB, %d threads, %d descriptors, %d classes".formatted(heap >> 10, threads, descriptors, classes); }
}
