package lguest.launcher.system;

import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;

/** Waits for file descriptors to become readable, and for {@link #wake} from another thread: poll(2) with an eventfd among its descriptors. One thread polls. */
public final class Poll implements AutoCloseable {
  /** What a descriptor's state is. */
  public enum Ready { NO, READABLE, HUNG_UP, INVALID }

  private static final int ENTRY = 8, EVENTS = 4, REVENTS = 6;
  private final int event;
  private Arena arena = Arena.ofShared();
  private MemorySegment entries = arena.allocate(ENTRY * 4L, 4);
  private boolean closed;

  public Poll() throws OsException {
    try {
      event = Libc.eventfd(0, Libc.EFD_NONBLOCK | Libc.EFD_CLOEXEC);
    } catch (Libc.Failure e) {
      arena.close();
      throw new OsException(e);
    }
  }

  /** Waits at most {@code millis}, for ever if that is negative, and says what is with each descriptor. */
  public Ready[] await(int[] descriptors, int millis) throws OsException {
    int count = descriptors.length + 1;
    if (entries.byteSize() < (long) count * ENTRY) {
      arena.close();
      arena = Arena.ofShared();
      entries = arena.allocate(2L * count * ENTRY, 4);
    }
    for (int i = 0; i < count; i++) {
      entries.set(ValueLayout.JAVA_INT, (long) i * ENTRY, i == 0 ? event : descriptors[i - 1]);
      entries.set(ValueLayout.JAVA_SHORT, (long) i * ENTRY + EVENTS, Libc.POLLIN);
      entries.set(ValueLayout.JAVA_SHORT, (long) i * ENTRY + REVENTS, (short) 0);
    }
    try {
      Libc.poll(entries.address(), count, millis);
    } catch (Libc.Failure e) {
      if (e.errno() != Libc.EINTR) throw new OsException(e);
    }
    if (entries.get(ValueLayout.JAVA_SHORT, REVENTS) != 0) drain();
    Ready[] ready = new Ready[descriptors.length];
    for (int i = 0; i < ready.length; i++) ready[i] = meaning(entries.get(ValueLayout.JAVA_SHORT, (i + 1L) * ENTRY + REVENTS));
    return ready;
  }

  private static Ready meaning(int events) {
    if ((events & Libc.POLLNVAL) != 0) return Ready.INVALID;
    if ((events & Libc.POLLIN) != 0) return Ready.READABLE;
    return (events & (Libc.POLLHUP | Libc.POLLERR)) != 0 ? Ready.HUNG_UP : Ready.NO;
  }

  /** Makes {@link #await} return. Any thread; nothing after {@link #close}. */
  public synchronized void wake() {
    if (closed) return;
    try (Arena here = Arena.ofConfined()) {
      MemorySegment one = here.allocate(8, 8);
      one.set(ValueLayout.JAVA_LONG, 0, 1);
      Libc.write(event, one.address(), 8);
    } catch (Libc.Failure e) {
      // EAGAIN: it has been woken 2^64 times already.
    }
  }

  private void drain() {
    try (Arena here = Arena.ofConfined()) {
      Libc.read(event, here.allocate(8, 8).address(), 8);
    } catch (Libc.Failure e) {
      // EAGAIN: nothing in it.
    }
  }

  /** When no thread is in {@link #await} any more. */
  @Override public synchronized void close() {
    if (closed) return;
    closed = true;
    arena.close();
    try {
      Libc.close(event);
    } catch (Libc.Failure e) {
      // Nothing was written that could be lost.
    }
  }
}
