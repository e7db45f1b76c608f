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
   * with a {@link TimeoutException}.
   */
  static <T> T call(String name, long millis, BooleanSupplier patient, Callable<T> call) throws ExecutionException, TimeoutException, InterruptedException {
    FutureTask<T> task = new FutureTask<>(call);
    Thread.ofPlatform().daemon().name(name).start(task);
    try {
      while (true) {
        try {
          return task.get(millis, TimeUnit.MILLISECONDS);
        } catch (TimeoutException e) {
          if (!patient.getAsBoolean()) throw e;
        }
      }
    } finally {
      task.cancel(true);
    }
  }
}
