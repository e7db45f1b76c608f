package lguest.host.software;

import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.locks.ReentrantLock;
import java.util.function.Function;
import java.util.function.Supplier;
import lguest.memory.PageIdentity;

/**
 * Tour 4.7: A packet to the neighbour
 *
 * <p>Where guests of this JVM meet: who waits on which shared page.
 *
 * <p>Each page has one lock, held while somebody binds there and during a transfer through it. A transfer takes that one lock
 * and no other, so two guests that send to each other wait for each other but never for ever; and a guest that leaves waits
 * until nobody touches its memory.
 */
final class DmaExchange {
  private final ConcurrentHashMap<PageIdentity.Shared, Meeting> meetings = new ConcurrentHashMap<>();

  /** A shared page and those who wait there, newest first. */
  private static final class Meeting {
    final ReentrantLock lock = new ReentrantLock();
    final List<Binding> waiting = new ArrayList<>();
  }

  /** Binding and unbinding is rare and takes turns, so that a page nobody waits on any more can be forgotten. */
  synchronized void add(PageIdentity.Shared page, Binding binding) {
    Meeting meeting = meetings.computeIfAbsent(page, key -> new Meeting());
    meeting.lock.lock();
    try {
      meeting.waiting.addFirst(binding);
    } finally {
      meeting.lock.unlock();
    }
  }

  /** Afterwards nobody is, or ever will be, in the middle of a transfer to {@code binding}. */
  synchronized void remove(PageIdentity.Shared page, Binding binding) {
    Meeting meeting = meetings.get(page);
    meeting.lock.lock();
    try {
      meeting.waiting.remove(binding);
      if (meeting.waiting.isEmpty()) meetings.remove(page);
    } finally {
      meeting.lock.unlock();
    }
  }

  /**
   * Runs {@code transfer} with the newest registration for that place which is not the sender's own, under the page's lock.
   *
   * @return what it returned, or {@code nobody}
   */
  <R> R withReceiver(SoftwareHost sender, PageIdentity.Shared page, int offset, Function<Binding, R> transfer, R nobody) {
    Meeting meeting = meetings.get(page);
    if (meeting == null) return nobody;
    meeting.lock.lock();
    try {
      for (Binding binding : meeting.waiting)
        if (binding.offset == offset && binding.owner != sender) return transfer.apply(binding);
      return nobody;
    } finally {
      meeting.lock.unlock();
    }
  }

  /** Runs {@code action} while nobody transfers through that page. */
  <R> R alone(PageIdentity.Shared page, Supplier<R> action) {
    Meeting meeting = meetings.get(page);
    if (meeting == null) return action.get();
    meeting.lock.lock();
    try {
      return action.get();
    } finally {
      meeting.lock.unlock();
    }
  }
}
