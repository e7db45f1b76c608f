package lguest.bench;

import java.io.IOException;
import java.nio.file.DirectoryStream;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.HashMap;
import java.util.Map;
import java.util.concurrent.TimeUnit;

/**
 * Processor time that a JVM takes to compile its own code. That is work of the first seconds, not of each request, and goes on in the background while requests are counted. Nobody tells it when the
 * process has ended, so it is looked at while it runs, twenty times a second: what the last moment adds is not seen, and stays with the rest.
 */
final class CompilerTime {
  private static final int LOOK_MILLIS = 50;

  /** Without this compiler threads come and go, and take what they have used with them. */
  static final String JAVA_OPTION = "-XX:-UseDynamicNumberOfCompilerThreads";

  private final Map<Path, Boolean> compilers = new HashMap<>();
  private final Map<Path, Long> nanos = new HashMap<>();

  /** Looks until the process has ended; then, seconds. */
  double of(Process process) {
    Path tasks = Path.of("/proc/" + process.pid() + "/task");
    try {
      do look(tasks); while (!process.waitFor(LOOK_MILLIS, TimeUnit.MILLISECONDS));
    } catch (InterruptedException e) {
      Thread.currentThread().interrupt();
    }
    return nanos.values().stream().mapToLong(Long::longValue).sum() / 1e9;
  }

  private void look(Path tasks) {
    try (DirectoryStream<Path> threads = Files.newDirectoryStream(tasks)) {
      for (Path thread : threads) if (Boolean.TRUE.equals(compilers.computeIfAbsent(thread, CompilerTime::isCompiler))) nanos.put(thread, time(thread));
    } catch (IOException | RuntimeException e) {
      // It is ending.
    }
  }

  /** Null as long as it may still get another name: a thread is named a little after it has begun. */
  private static Boolean isCompiler(Path thread) {
    try {
      String name = Files.readString(thread.resolve("comm"));
      return name.startsWith("C1 Comp") || name.startsWith("C2 Comp") ? Boolean.TRUE : name.startsWith("java") ? null : Boolean.FALSE;
    } catch (IOException e) {
      return null;
    }
  }

  /** The first figure of schedstat: nanoseconds on a processor. */
  private static long time(Path thread) throws IOException { return Long.parseLong(Files.readString(thread.resolve("schedstat")).split(" ")[0]); }
}
