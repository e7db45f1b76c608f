package lguest.launcher.slot;

import java.util.concurrent.Callable;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.TimeoutException;
import java.util.function.BooleanSupplier;
import java.util.function.Consumer;

/** Calls code that is not ours and may never return, on a thread of its own that can be left behind. */
final class Bounded {
  private Bounded() {}

  /**
   * What {@code call} returns. When that takes longer than {@code millis}, and the caller is not {@code patient} (asked every {@code millis}), the call is interrupted and given up
   * with a {@link TimeoutException}; what it returns all the same, some day, goes to {@code late}, and null if it fails then. An interrupt of the caller waits until this is over.
   */
  static <T> T call(String name, long millis, BooleanSupplier patient, Callable<T> call, Consumer<T> late) throws ExecutionException, TimeoutException {
    CompletableFuture<T> result = new CompletableFuture<>();
    Thread thread = Thread.ofPlatform().daemon().name(name).start(() -> {
      T value = null;
      boolean inTime;
      try {
        value = call.call();
        inTime = result.complete(value);
      } catch (Throwable e) {
        inTime = result.completeExceptionally(e);
      }
      if (!inTime) late.accept(value);
    });
    boolean interrupted = false;
    long deadline = System.nanoTime() + TimeUnit.MILLISECONDS.toNanos(millis);
    try {
      while (true) {
        try {
          return result.get(Math.max(0, deadline - System.nanoTime()), TimeUnit.NANOSECONDS);
        } catch (InterruptedException e) {
          interrupted = true;
        } catch (TimeoutException e) {
          if (patient.getAsBoolean()) {
            deadline = System.nanoTime() + TimeUnit.MILLISECONDS.toNanos(millis);
          } else if (result.completeExceptionally(e)) {
            thread.interrupt();
            throw e;
          }
        }
      }
    } finally {
      if (interrupted) Thread.currentThread().interrupt();
    }
  }
}
