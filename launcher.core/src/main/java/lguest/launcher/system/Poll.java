package lguest.launcher.system;

import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.util.concurrent.atomic.AtomicBoolean;

/**
 * Waits for file descriptors to become readable, and for {@link #wake} from another thread: epoll(7). A descriptor is told of once and then left alone until it is armed again, by whatever thread:
 * the kernel does that (EPOLLONESHOT), so the thread that waits need not be woken to hear of it, as with poll(2), whose set is fixed while it waits. One thread waits, any may do the rest. A set is
 * itself a descriptor that another set can watch.
 */
public final class Poll implements AutoCloseable {
  /** What came of arming. INVALID: there is no such descriptor, or not the one that was added. ALWAYS: it is a file, which is readable whenever one looks, and is not waited for. */
  public enum Armed { YES, ALWAYS, INVALID }

  /** On x86-64 alone a {@code struct epoll_event} is packed. */
  private static final int DATA = System.getProperty("os.arch").equals("amd64") ? 4 : 8, EVENT = DATA + 8, MOST = 32;
  private static final long WOKEN = -1;
  private static final long SECOND = 1_000_000_000, MILLI = 1_000_000;
  /** Told of each write, not of what is in it: so nobody has to read it out again. */
  private static final int EACH_WRITE = Libc.EPOLLIN | Libc.EPOLLET;

  private final Arena arena = Arena.ofShared();
  private final MemorySegment change = arena.allocate(EVENT, 8), one = arena.allocate(8, 8), time = arena.allocate(16, 8);
  private final AtomicBoolean woken = new AtomicBoolean();
  private final int epoll, event;
  private final boolean precise;
  private volatile boolean waiting;
  private boolean closed;

  /** What a thread was told. */
  public static final class Events {
    private final MemorySegment events = Arena.ofAuto().allocate((long) MOST * EVENT, 8);
    private int count;

    public int count() { return count; }

    public int token(int index) { return (int) data(index); }

    /** Else its other end has hung up, or it has an error. */
    public boolean isReadable(int index) { return (events.get(ValueLayout.JAVA_INT, (long) index * EVENT) & Libc.EPOLLIN) != 0; }

    private long data(int index) { return events.get(ValueLayout.JAVA_LONG_UNALIGNED, (long) index * EVENT + DATA); }

    /** Takes what is about descriptors, of the first {@code all}; whether there was something else. */
    private boolean take(int all) {
      count = 0;
      boolean wake = false;
      for (int i = 0; i < all; i++) {
        if (data(i) == WOKEN) wake = true;
        else if (count++ < i) MemorySegment.copy(events, (long) i * EVENT, events, (count - 1L) * EVENT, EVENT);
      }
      return wake;
    }
  }

  public Poll() throws OsException {
    int made = -1;
    try {
      made = Libc.epoll_create1(Libc.EPOLL_CLOEXEC);
      event = Libc.eventfd(0, Libc.EFD_NONBLOCK | Libc.EFD_CLOEXEC);
      epoll = made;
      one.set(ValueLayout.JAVA_LONG, 0, 1);
      control(Libc.EPOLL_CTL_ADD, event, EACH_WRITE, WOKEN);
      precise = Libc.hasPreciseWait(epoll, change.address());
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

  /** Has it not told of until it is armed. */
  public synchronized void disarm(int descriptor) {
    if (!closed) control(Libc.EPOLL_CTL_MOD, descriptor, Libc.EPOLLONESHOT, WOKEN);
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

  /** By which another set can watch this one: readable when there is something to tell. */
  public int descriptor() { return epoll; }

  /** Whether short waits end at their time. On a system without epoll_pwait2(2), of before 2021, they last up to a millisecond longer. */
  public boolean isPrecise() { return precise; }

  /**
   * Waits until there is something to tell, at most so many nanoseconds, for ever if that is negative; not at all when it has been woken since it last returned. The kernel takes the liberty of a thousandth of the time
   * more, and a two-hundredth in processes that are to be nice.
   */
  public void await(Events events, long nanos) throws OsException {
    waiting = true;
    try {
      // After saying that we wait: so either we see that we were woken, or who wakes us sees that.
      events.take(fetch(events, woken.get() ? 0 : nanos));
    } finally {
      waiting = false;
      woken.getAndSet(false); // and sees all that was done before it was woken
    }
  }

  /** What there is to tell, without waiting, for another thread than the one that does. */
  public void look(Events events) throws OsException {
    if (!events.take(fetch(events, 0))) return;
    // That was for the other. It is told once more.
    synchronized (this) {
      if (waiting && !closed) control(Libc.EPOLL_CTL_MOD, event, EACH_WRITE, WOKEN);
    }
  }

  private int fetch(Events events, long nanos) throws OsException {
    long address = events.events.address();
    try {
      if (nanos == 0 || !precise) return Libc.epoll_wait(epoll, address, MOST, nanos < 0 ? -1 : (int) Math.min((nanos + MILLI - 1) / MILLI, Integer.MAX_VALUE));
      if (nanos < 0) return Libc.epoll_pwait2(epoll, address, MOST, 0);
      time.set(ValueLayout.JAVA_LONG, 0, nanos / SECOND);
      time.set(ValueLayout.JAVA_LONG, 8, nanos % SECOND);
      return Libc.epoll_pwait2(epoll, address, MOST, time.address());
    } catch (Libc.Failure e) {
      if (e.errno() != Libc.EINTR) throw new OsException(e);
      return 0;
    }
  }

  /** Makes {@link #await} return, the next time if nobody waits. Nothing after {@link #close}. */
  public void wake() {
    if (!woken.compareAndSet(false, true) || !waiting) return;
    synchronized (this) {
      if (closed) return;
      try {
        Libc.write(event, one.address(), 8);
      } catch (Libc.Failure e) {
        // EAGAIN: it has been woken 2^64 times already.
      }
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
