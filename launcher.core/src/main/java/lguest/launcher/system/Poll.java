package lguest.launcher.system;

import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.util.concurrent.atomic.AtomicBoolean;

/**
 * Waits for file descriptors to become readable, and for {@link #wake} from another thread: epoll(7). A descriptor is told of once and then left alone until it is armed again, by whatever thread:
 * the kernel does that (EPOLLONESHOT), so the thread that waits need not be woken to hear of it, as with poll(2), whose set is fixed while it waits. One thread waits, any may do the rest.
 */
public final class Poll implements AutoCloseable {
  /** What came of arming. INVALID: there is no such descriptor, or not the one that was added. ALWAYS: it is a file, which is readable whenever one looks, and is not waited for. */
  public enum Armed { YES, ALWAYS, INVALID }

  /** On x86-64 alone a {@code struct epoll_event} is packed. */
  private static final int DATA = System.getProperty("os.arch").equals("amd64") ? 4 : 8, EVENT = DATA + 8, MOST = 32;
  private static final long WOKEN = -1;

  private final Arena arena = Arena.ofShared();
  private final MemorySegment events = arena.allocate((long) MOST * EVENT, 8), change = arena.allocate(EVENT, 8), one = arena.allocate(8, 8);
  private final AtomicBoolean woken = new AtomicBoolean();
  private final int epoll, event;
  private boolean closed;

  public Poll() throws OsException {
    int made = -1;
    try {
      made = Libc.epoll_create1(Libc.EPOLL_CLOEXEC);
      event = Libc.eventfd(0, Libc.EFD_NONBLOCK | Libc.EFD_CLOEXEC);
      epoll = made;
      one.set(ValueLayout.JAVA_LONG, 0, 1);
      // Told of each write, not of what is in it: so nobody has to read it out again.
      control(Libc.EPOLL_CTL_ADD, event, Libc.EPOLLIN | Libc.EPOLLET, WOKEN);
    } catch (Libc.Failure e) {
      if (made >= 0) Libc.close(made);
      arena.close();
      throw new OsException(e);
    }
  }

  private void control(int what, int descriptor, int wanted, long token) {
    change.set(ValueLayout.JAVA_INT, 0, wanted);
    change.set(ValueLayout.JAVA_LONG_UNALIGNED, DATA, token);
    Libc.epoll_ctl(epoll, what, descriptor, change.address());
  }

  /** Watches a descriptor, armed. {@code token}, from 0 on, is what it will be told by. One that is watched already goes by its new token from now on. */
  public synchronized Armed add(int descriptor, int token) { return arm(Libc.EPOLL_CTL_ADD, descriptor, token); }

  /** Has a descriptor that was told of told of again. */
  public synchronized Armed rearm(int descriptor, int token) { return arm(Libc.EPOLL_CTL_MOD, descriptor, token); }

  private Armed arm(int how, int descriptor, int token) {
    if (closed) return Armed.YES;
    try {
      control(how, descriptor, Libc.EPOLLIN | Libc.EPOLLONESHOT, token);
      return Armed.YES;
    } catch (Libc.Failure e) {
      return switch (e.errno()) {
        case Libc.EPERM -> Armed.ALWAYS;
        case Libc.EEXIST -> arm(Libc.EPOLL_CTL_MOD, descriptor, token);
        default -> Armed.INVALID;
      };
    }
  }

  /** Watches it no more. What has been told of it already may still come out of {@link #await}. */
  public synchronized void remove(int descriptor) {
    if (closed) return;
    try {
      control(Libc.EPOLL_CTL_DEL, descriptor, 0, 0);
    } catch (Libc.Failure e) {
      // It has been closed, and so is watched no more.
    }
  }

  /** Waits at most {@code millis}, for ever if that is negative, and returns for how many descriptors {@link #token} and {@link #isReadable} tell more. */
  public int await(int millis) throws OsException {
    int count = 0;
    try {
      count = Libc.epoll_wait(epoll, events.address(), MOST, millis);
    } catch (Libc.Failure e) {
      if (e.errno() != Libc.EINTR) throw new OsException(e);
    }
    int told = 0;
    for (int i = 0; i < count; i++) {
      if (data(i) == WOKEN) woken.set(false);
      else if (told++ < i) MemorySegment.copy(events, (long) i * EVENT, events, (told - 1L) * EVENT, EVENT);
    }
    return told;
  }

  private long data(int index) { return events.get(ValueLayout.JAVA_LONG_UNALIGNED, (long) index * EVENT + DATA); }

  public int token(int index) { return (int) data(index); }

  /** Else its other end has hung up, or it has an error. */
  public boolean isReadable(int index) { return (events.get(ValueLayout.JAVA_INT, (long) index * EVENT) & Libc.EPOLLIN) != 0; }

  /** Makes {@link #await} return. Nothing after {@link #close}. */
  public synchronized void wake() {
    if (closed || !woken.compareAndSet(false, true)) return;
    try {
      Libc.write(event, one.address(), 8);
    } catch (Libc.Failure e) {
      // EAGAIN: it has been woken 2^64 times already.
    }
  }

  /** When no thread is in {@link #await} any more. */
  @Override public synchronized void close() {
    if (closed) return;
    closed = true;
    arena.close();
    for (int descriptor : new int[] {epoll, event}) {
      try {
        Libc.close(descriptor);
      } catch (Libc.Failure e) {
        // Nothing was written that could be lost.
      }
    }
  }
}
