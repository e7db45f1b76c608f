package lguest.bench;

import java.lang.foreign.Arena;
import java.lang.foreign.FunctionDescriptor;
import java.lang.foreign.Linker;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.lang.invoke.MethodHandle;

/** Processor time of the processes that this one has started and that have ended, with all they had started: getrusage(2). */
final class ProcessorTime {
  private static final int RUSAGE_CHILDREN = -1, RUSAGE_BYTES = 144;

  private final MethodHandle getrusage = Linker.nativeLinker().downcallHandle(Linker.nativeLinker().defaultLookup().findOrThrow("getrusage"),
      FunctionDescriptor.of(ValueLayout.JAVA_INT, ValueLayout.JAVA_INT, ValueLayout.ADDRESS));

  /** Seconds, user and system. */
  double ofChildren() {
    try (Arena arena = Arena.ofConfined()) {
      MemorySegment usage = arena.allocate(RUSAGE_BYTES, 8);
      if ((int) getrusage.invokeExact(RUSAGE_CHILDREN, usage) != 0) throw new IllegalStateException("getrusage failed");
      return time(usage, 0) + time(usage, 16); // ru_utime, ru_stime
    } catch (RuntimeException | Error e) {
      throw e;
    } catch (Throwable e) {
      throw new AssertionError(e);
    }
  }

  /** A struct timeval. */
  private static double time(MemorySegment usage, long at) {
    return usage.get(ValueLayout.JAVA_LONG, at) + usage.get(ValueLayout.JAVA_LONG, at + 8) / 1e6;
  }
}
