package lguest.launcher.system;

import static org.junit.jupiter.api.Assertions.assertTrue;

import java.util.concurrent.Semaphore;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicBoolean;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;

@Timeout(60)
class PollTest {
  /** The one who only looks may find what was to wake the one who waits, and must leave it to him. */
  @Test void aWakeThatAnotherFindsIsPassedOn() throws Exception {
    Poll poll = new Poll();
    Semaphore begun = new Semaphore(0), returned = new Semaphore(0);
    AtomicBoolean over = new AtomicBoolean();
    Thread waiting = Thread.ofPlatform().daemon().start(() -> {
      Poll.Events events = new Poll.Events();
      try {
        while (!over.get()) {
          begun.release();
          poll.await(events, -1);
          returned.release();
        }
      } catch (OsException e) {
        // Then nobody returns any more.
      }
    });
    Poll.Events events = new Poll.Events();
    for (int i = 0; i < 5000; i++) {
      begun.acquire();
      if (i % 2 == 0) Thread.yield();
      poll.wake();
      for (int looks = 0; looks < 3; looks++) poll.look(events);
      assertTrue(returned.tryAcquire(30, TimeUnit.SECONDS), "the wake was lost in round " + i);
    }
    over.set(true);
    poll.wake();
    waiting.join();
    poll.close();
  }
}
