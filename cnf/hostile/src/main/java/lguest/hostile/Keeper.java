package lguest.hostile;

import com.sun.management.ThreadMXBean;
import java.lang.management.ManagementFactory;
import java.nio.file.Path;
import java.util.List;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.Future;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.TimeoutException;

/**
 * Lets lives be lived on one target, and looks at what no target looks at itself: that each ends, and allocates no more than its share. A target on which something went wrong is replaced
 * by a new one.
 */
final class Keeper implements AutoCloseable {
  /**
   * Bytes of heap a life may have allocated in all, by whatever thread, for each of its steps, and for each millisecond. Making and ending a guest takes a few million; and one that makes
   * traps or new code without end leaves garbage as fast as the processor runs, but no faster: 3 million each millisecond were seen, of code that is decoded anew for each trap.
   */
  private static final long ALLOCATED = 96L << 20, ALLOCATED_PER_STEP = 256L << 10, ALLOCATED_PER_MILLI = 8L << 20;
  private static final ThreadMXBean THREADS = (ThreadMXBean) ManagementFactory.getThreadMXBean();

  private final Targets kind;
  private final Path work;
  private ExecutorService worker = worker();
  private Workplace place;
  private Target target;
  private volatile Thread working;

  Keeper(Targets kind, Path work) {
    this.kind = kind;
    this.work = work;
  }

  private ExecutorService worker() {
    return Executors.newSingleThreadExecutor(task -> {
      Thread thread = Thread.ofPlatform().daemon().name("fuzz-" + kind.word()).unstarted(task);
      working = thread;
      return thread;
    });
  }

  Target target() throws Exception {
    if (target == null) {
      place = new Workplace(work);
      target = kind.open(place);
    }
    return target;
  }

  /** Lives it; what is wrong comes as {@link Finding}. */
  Target.Life live(List<Step> steps, long millis) throws Exception {
    Target on = target();
    long before = THREADS.getTotalThreadAllocatedBytes(), begun = System.nanoTime();
    Target.Life life = bounded("life", millis, () -> on.live(steps));
    long allocated = THREADS.getTotalThreadAllocatedBytes() - before, lasted = TimeUnit.NANOSECONDS.toMillis(System.nanoTime() - begun);
    if (allocated > ALLOCATED + steps.size() * ALLOCATED_PER_STEP + lasted * ALLOCATED_PER_MILLI) {
      renew();
      throw new Finding("%d steps have made us allocate %d bytes in %d ms".formatted(steps.size(), allocated, lasted));
    }
    return life;
  }

  void inspect(long millis) throws Exception {
    Target on = target();
    bounded("look after it", millis, () -> {
      on.inspect();
      return null;
    });
  }

  private <T> T bounded(String what, long millis, java.util.concurrent.Callable<T> call) {
    Future<T> future = worker.submit(call);
    try {
      return future.get(millis, TimeUnit.MILLISECONDS);
    } catch (TimeoutException e) {
      Finding finding = new Finding("a " + what + " does not end within " + millis + " ms");
      finding.setStackTrace(working.getStackTrace());
      future.cancel(true);
      worker.shutdownNow();
      worker = worker();
      forget();
      throw finding;
    } catch (ExecutionException e) {
      renew();
      throw e.getCause() instanceof Finding finding ? finding : new Finding(e.getCause().toString(), e.getCause());
    } catch (InterruptedException e) {
      throw new IllegalStateException(e);
    }
  }

  /** Takes a target out of use on which something went wrong; what happens then is no wonder. */
  private void renew() {
    try {
      if (target != null) target.close();
    } catch (Throwable e) {
      // It was said already what is wrong.
    }
    forget();
  }

  private void forget() {
    target = null;
    try {
      if (place != null) place.close();
    } catch (java.io.IOException | java.io.UncheckedIOException e) {
      // Somebody is still at it.
    }
    place = null;
  }

  @Override public void close() throws Exception {
    try {
      if (target != null) target.close();
    } finally {
      forget();
      worker.shutdownNow();
    }
  }
}
