package lguest.launcher.run;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertNotSame;
import static org.junit.jupiter.api.Assertions.assertSame;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.lang.management.ManagementFactory;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Random;
import java.util.concurrent.BlockingQueue;
import java.util.concurrent.CopyOnWriteArrayList;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.LinkedBlockingQueue;
import java.util.concurrent.Semaphore;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.concurrent.locks.LockSupport;
import lguest.host.Sleeper;
import lguest.launcher.slot.Machine;
import lguest.launcher.system.TestPipe;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;

@Timeout(60)
class WakerTest {
  private final List<String> log = new CopyOnWriteArrayList<>();
  private final Semaphore reports = new Semaphore(0);
  private final TestPipe pipe = new TestPipe();
  private Waker waker;

  @BeforeEach void open() throws Exception { waker = new Waker((level, text, cause) -> log.add(level + " " + text)); }

  @AfterEach void close() {
    waker.close();
    pipe.close();
  }

  private void reported() throws InterruptedException { assertTrue(reports.tryAcquire(30, TimeUnit.SECONDS)); }

  /** Not a timing assertion: what must not come is only ever looked for too shortly, never too long. */
  private void nothingReported() throws InterruptedException { assertFalse(reports.tryAcquire(50, TimeUnit.MILLISECONDS)); }

  @Test void aReadableDescriptorIsReportedOnceUntilItIsRearmed() throws Exception {
    Machine.Watched watch = waker.watch(pipe.reader(), reports::release);
    pipe.write();
    nothingReported();
    waker.start("waker");
    reported();
    nothingReported();
    watch.rearm();
    reported();
    pipe.read();
    watch.rearm();
    nothingReported();
    pipe.write();
    reported();
    watch.close();
    watch.rearm();
    nothingReported();
    assertEquals(List.of(), log);
  }

  @Test void aWatchAddedWhileItWaitsCounts() throws Exception {
    waker.start("waker");
    nothingReported();
    List<TestPipe> pipes = new ArrayList<>();
    for (int i = 0; i < 40; i++) {
      TestPipe another = new TestPipe();
      pipes.add(another);
      waker.watch(another.reader(), reports::release);
      another.write();
      reported();
    }
    nothingReported();
    pipes.forEach(TestPipe::close);
  }

  @Test void aDescriptorWhoseOtherEndIsGoneDoesNotKeepItBusy() throws Exception {
    AtomicInteger count = new AtomicInteger();
    Machine.Watched[] watch = new Machine.Watched[1];
    watch[0] = waker.watch(pipe.reader(), () -> {
      count.incrementAndGet();
      watch[0].rearm();
    });
    pipe.closeWriter();
    waker.start("waker");
    Thread.sleep(500);
    assertTrue(count.get() > 2, "it is still told");
    assertTrue(count.get() < 100, count + " reports in half a second");
    watch[0].close();
  }

  @Test void aDescriptorClosedWhileWatchedIsNamedAndDropped() throws Exception {
    Machine.Watched watch = waker.watch(pipe.reader(), reports::release);
    pipe.write();
    waker.start("waker");
    reported();
    pipe.closeReader();
    watch.rearm();
    reported();
    assertEquals(List.of("WARNING descriptor " + pipe.reader() + " was closed while it was watched; it is watched no more"), log);
    watch.rearm();
    nothingReported();
  }

  @Test void aDescriptorThatIsNoneIsNamed() throws Exception {
    pipe.closeReader();
    waker.start("waker");
    waker.watch(pipe.reader(), reports::release);
    reported();
    assertEquals(1, log.size(), log.toString());
  }

  /** The number of a descriptor that was closed under its watch comes back as another's, and the old watch must not take that one's away. */
  @Test void aWatchThatOutlivesItsDescriptorDoesNotTakeTheNextOnesAway() throws Exception {
    Machine.Watched stale = waker.watch(pipe.reader(), () -> { });
    waker.start("waker");
    try (TestPipe other = new TestPipe()) {
      pipe.closeReader();
      other.duplicateTo(pipe.reader());
      waker.watch(pipe.reader(), reports::release);
      stale.close();
      other.write();
      reported();
      pipe.close(pipe.reader());
    }
  }

  @Test void aFileIsAlwaysReadable(@TempDir Path folder) throws Exception {
    int file = pipe.open(Files.createFile(folder.resolve("file")));
    waker.start("waker");
    try (Machine.Watched watch = waker.watch(file, reports::release)) {
      reported();
      nothingReported();
      watch.rearm();
      reported();
    } finally {
      pipe.close(file);
    }
    assertEquals(List.of(), log);
  }

  @Test void timersComeInOrderAndNotEarly() throws Exception {
    List<Integer> order = new CopyOnWriteArrayList<>();
    CountDownLatch all = new CountDownLatch(3);
    long start = System.nanoTime();
    AtomicInteger early = new AtomicInteger();
    for (int millis : new int[] {60, 20, 40}) waker.later(millis, () -> {
      if (System.nanoTime() - start < TimeUnit.MILLISECONDS.toNanos(millis)) early.incrementAndGet();
      order.add(millis);
      all.countDown();
    });
    waker.start("waker");
    all.await();
    assertEquals(List.of(20, 40, 60), order);
    assertEquals(0, early.get());
  }

  @Test void waitingCostsNoProcessorTime() throws Exception {
    waker.watch(pipe.reader(), reports::release);
    waker.later(3_600_000, reports::release);
    waker.start("idle-waker");
    nothingReported();
    Thread thread = Thread.getAllStackTraces().keySet().stream().filter(t -> t.getName().equals("idle-waker")).findFirst().orElseThrow();
    long before = ManagementFactory.getThreadMXBean().getThreadCpuTime(thread.threadId());
    Thread.sleep(500);
    long used = ManagementFactory.getThreadMXBean().getThreadCpuTime(thread.threadId()) - before;
    assertTrue(used < 50_000_000, used + " ns of half a second");
  }

  // The guest's thread, which is this one.

  /** What {@code ready} of a watch says: on which thread. */
  private final BlockingQueue<Thread> reporters = new LinkedBlockingQueue<>();

  private Thread reporter() throws InterruptedException { return reporters.poll(30, TimeUnit.SECONDS); }

  private static void soon(Runnable action) {
    Thread.ofVirtual().start(() -> {
      LockSupport.parkNanos(20_000_000);
      action.run();
    });
  }

  @Test void whileTheGuestSleepsItsOwnThreadReports() throws Exception {
    waker.start("waker");
    waker.sleep(1); // from here on
    Machine.Watched watch = waker.watch(pipe.reader(), () -> reporters.add(Thread.currentThread()));
    for (int i = 0; i < 20; i++) {
      if (i % 2 == 0) soon(pipe::write);
      else pipe.write(); // before it sleeps
      while (reporters.isEmpty()) waker.sleep(Sleeper.FOR_EVER);
      assertSame(Thread.currentThread(), reporter());
      pipe.read();
      watch.rearm();
    }
    watch.close();
  }

  @Test void whileTheGuestIsBusyTheWakersThreadReports() throws Exception {
    waker.start("waker");
    Machine.Watched watch = waker.watch(pipe.reader(), () -> reporters.add(Thread.currentThread()));
    for (int i = 0; i < 20; i++) {
      waker.sleep(1);
      // Between the two nobody looks, for a guest is soon asleep again.
      if (i % 2 == 0) pipe.write();
      waker.busy();
      if (i % 2 == 1) pipe.write();
      assertNotSame(Thread.currentThread(), reporter());
      pipe.read();
      watch.rearm();
    }
    watch.close();
  }

  @Test void aSleepEndsAtItsTimeOrWhenWokenAndRemembersThat() {
    waker.start("waker");
    long start = System.nanoTime();
    waker.sleep(3_000_000);
    assertTrue(System.nanoTime() - start >= 3_000_000);
    for (int i = 0; i < 1000; i++) {
      if (i % 2 == 0) waker.wake();
      else Thread.ofVirtual().start(waker::wake);
      waker.sleep(Sleeper.FOR_EVER);
      if (i % 3 == 0) waker.busy();
    }
    waker.wake();
    waker.sleep(0);
    waker.sleep(Sleeper.FOR_EVER); // sleeping for no time at all has used up nothing
  }

  /** The guest sleeps, is woken, computes, and is sent input, all at any time: each input is reported, by whomever. */
  @Test void noInputIsLostBetweenTheTwo() throws Exception {
    waker.start("waker");
    AtomicInteger seen = new AtomicInteger();
    Machine.Watched[] watch = new Machine.Watched[1];
    watch[0] = waker.watch(pipe.reader(), () -> {
      pipe.read();
      seen.incrementAndGet();
      watch[0].rearm();
    });
    Random random = new Random(29);
    for (int i = 1; i <= 5000; i++) {
      Thread.ofVirtual().start(pipe::write);
      long pause = random.nextInt(50_000);
      while (seen.get() < i) {
        switch (random.nextInt(3)) {
          case 0 -> waker.sleep(pause);
          case 1 -> waker.busy();
          default -> soonOrNow(random.nextInt(3));
        }
      }
    }
    assertEquals(5000, seen.get());
    watch[0].close();
  }

  private void soonOrNow(int when) {
    if (when == 0) waker.wake();
    else if (when == 1) Thread.ofVirtual().start(waker::wake);
    else Thread.onSpinWait();
  }

  /** A timer of the Waker is its own thread's, also while the guest's thread watches. */
  @Test void timersComeWhileTheGuestSleeps() throws Exception {
    waker.start("waker");
    waker.sleep(1);
    for (int i = 0; i < 5; i++) {
      waker.later(5, () -> {
        reporters.add(Thread.currentThread());
        waker.wake();
      });
      waker.sleep(Sleeper.FOR_EVER);
      assertNotSame(Thread.currentThread(), reporter());
    }
  }

  @Test void endsWhenClosed() {
    waker.start("ending-waker");
    waker.close();
    assertTrue(Thread.getAllStackTraces().keySet().stream().noneMatch(thread -> thread.getName().equals("ending-waker")));
    waker.later(1, reports::release);
    waker.close();
  }

  @Test void aGuestsDeviceIsServicedWhenItsDescriptorIsReadable() throws Exception {
    try (GuestFixture fixture = new GuestFixture(); TestPipe input = new TestPipe()) {
      TestDevice device = new TestDevice("test");
      device.onOpen = (config, context) -> {
        context.describe(7, 0, 0);
        context.watch(input.reader());
      };
      device.onService = (nothing, context) -> input.read();
      fixture.add(device);
      fixture.create("test").start();
      for (int i = 1; i <= 50; i++) {
        int expected = i;
        input.write();
        GuestFixture.await("service " + i, () -> device.events.stream().filter("service"::equals).count() >= expected);
      }
      assertEquals(50, device.events.stream().filter("service"::equals).count());
    }
  }
}
