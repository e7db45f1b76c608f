package lguest.launcher.slot;

import java.util.concurrent.Callable;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.FutureTask;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.TimeoutException;
import java.util.function.BooleanSupplier;

/** Calls code that is not ours and may never return, on a thread of its own that can be left behind. */
final class Bounded {
  private Bounded() {}

  /**
   * What {@code call} returns. When that takes longer than {@code millis}, and the caller is not {@code patient} (asked every {@code millis}), the call is interrupted and given up
   * with a {@link TimeoutException}. An interrupt of the caller waits until this is over.
   */
  static <T> T call(String name, long millis, BooleanSupplier patient, Callable<T> call) throws ExecutionException, TimeoutException {
    FutureTask<T> task = new FutureTask<>(call);
    Thread.ofPlatform().daemon().name(name).start(task);
    boolean interrupted = false;
    long deadline = System.nanoTime() + TimeUnit.MILLISECONDS.toNanos(millis);
    try {
      while (true) {
        try {
          return task.get(Math.max(0, deadline - System.nanoTime()), TimeUnit.NANOSECONDS);
        } catch (InterruptedException e) {
          interrupted = true;
        } catch (TimeoutException e) {
          if (!patient.getAsBoolean()) throw e;
          deadline = System.nanoTime() + TimeUnit.MILLISECONDS.toNanos(millis);
        }
      }
    } finally {
      task.cancel(true);
      if (interrupted) Thread.currentThread().interrupt();
    }
  }
}
