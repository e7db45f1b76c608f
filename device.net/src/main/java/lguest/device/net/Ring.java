package lguest.device.net;

import java.io.IOException;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.lang.invoke.VarHandle;
import java.util.List;

/**
 * Memory that two processes share, in which frames wait: one puts in, the other takes out, and neither needs the other's leave or the kernel's. At 64 a count of bytes ever put in, at 128 one of
 * bytes ever taken out, each written by one side alone; at 192 a 1 when nobody will take out any more; at 256 a 1 from when the bell was rung until the other side looks; from 4096 on the bytes, as in a ring: a frame is its length in four bytes, itself, and up to three bytes that make it a multiple of four.
 *
 * <p>A frame is there when the count says so, which comes last: whoever is killed in the middle has put in nothing or taken out nothing. The memory is sealed against being cut off, so
 * that what the other process does can spoil frames but never end this one. Its counts and lengths are not believed.
 */
final class Ring {
  static final int MAX_FRAME = 65532;
  private static final int BYTES = 1 << 18, BEGIN = 4096, SIZE = BEGIN + BYTES, MASK = BYTES - 1;
  private static final int IN = 64, OUT = 128, HUNG_UP = 192, RUNG = 256;
  private static final int SEALS = Libc.F_SEAL_SEAL | Libc.F_SEAL_SHRINK | Libc.F_SEAL_GROW;
  private static final VarHandle COUNT = ValueLayout.JAVA_INT.varHandle();

  private final int fd;
  private final Arena arena = Arena.ofShared();
  private final MemorySegment memory, bytes;
  /** Our own count; the one in memory is for the other side. */
  private int mine;

  private Ring(int fd, int count) {
    this.fd = fd;
    long address = Libc.mmap(0, SIZE, Libc.PROT_READ | Libc.PROT_WRITE, Libc.MAP_SHARED, fd, 0);
    memory = MemorySegment.ofAddress(address).reinterpret(SIZE, arena, all -> Libc.munmap(all.address(), SIZE));
    bytes = memory.asSlice(BEGIN);
    mine = (int) COUNT.getVolatile(memory, (long) count);
  }

  /** A new one, to put frames in. */
  static Ring create() throws IOException {
    int fd = -1;
    try {
      fd = Libc.memfd_create("lguest-frames", Libc.MFD_CLOEXEC | Libc.MFD_ALLOW_SEALING);
      Libc.ftruncate(fd, SIZE);
      Libc.fcntl(fd, Libc.F_ADD_SEALS, SEALS);
      return new Ring(fd, IN);
    } catch (Libc.Failure e) {
      if (fd >= 0) Libc.closeQuietly(fd);
      throw new IOException("cannot make shared memory: " + Libc.text(e), e);
    }
  }

  /** One that somebody else has made, to take frames out. Closes {@code fd} if it is no such thing. */
  static Ring take(int fd) throws IOException {
    try {
      if (Libc.lseek(fd, 0, Libc.SEEK_END) != SIZE || (Libc.fcntl(fd, Libc.F_GET_SEALS, 0) & SEALS) != SEALS) throw new IOException("it is not what was agreed on");
      return new Ring(fd, OUT);
    } catch (Libc.Failure e) {
      Libc.closeQuietly(fd);
      throw new IOException(Libc.text(e), e);
    } catch (IOException e) {
      Libc.closeQuietly(fd);
      throw e;
    }
  }

  int fd() { return fd; }

  // The side that puts in.

  /** FULL: there was no room. PUT: it is in, and the other side is still at those before it. PUT_FIRST: it is in, and the other side may be asleep. HUNG_UP: there is no other side. */
  enum Outcome { FULL, PUT, PUT_FIRST, HUNG_UP }

  /** Puts a frame in; {@code length} is that of its parts, at most {@link #MAX_FRAME}. */
  Outcome put(List<MemorySegment> parts, long length) {
    if ((int) COUNT.getVolatile(memory, (long) HUNG_UP) != 0) return Outcome.HUNG_UP;
    int taken = (int) COUNT.getVolatile(memory, (long) OUT), need = 4 + ((int) length + 3 & ~3);
    int used = mine - taken;
    if (used < 0 || BYTES - used < need) return Outcome.FULL;
    bytes.set(ValueLayout.JAVA_INT, mine & MASK, (int) length);
    int at = mine + 4;
    for (MemorySegment part : parts) {
      long first = Math.min(part.byteSize(), BYTES - (at & MASK));
      MemorySegment.copy(part, 0, bytes, at & MASK, first);
      MemorySegment.copy(part, first, bytes, 0, part.byteSize() - first);
      at += (int) part.byteSize();
    }
    int before = mine;
    mine += need;
    // Publish, then look whether the other side had caught up. It does the same the other way round, so one of the two sees the other's (both are volatile).
    COUNT.setVolatile(memory, (long) IN, mine);
    return (int) COUNT.getVolatile(memory, (long) OUT) == before ? Outcome.PUT_FIRST : Outcome.PUT;
  }

  /** Whether the bell is to be rung for what was put in: not if it has been and the other side has not looked since, for it will. */
  boolean mustRing() { return (int) COUNT.getAndSet(memory, (long) RUNG, 1) == 0; }

  // The side that takes out.

  /** Before it looks for frames: from now on it wants to be told of more. */
  void heard() { COUNT.setVolatile(memory, (long) RUNG, 0); }

  /** The length of the next frame; −1: there is none. Numbers that cannot be are an {@link IOException}: the ring is no good any more. */
  int next() throws IOException {
    int used = (int) COUNT.getVolatile(memory, (long) IN) - mine;
    if (used == 0) return -1;
    if (used < 4 || used > BYTES || used % 4 != 0) throw new IOException("its counts cannot be");
    int length = bytes.get(ValueLayout.JAVA_INT, mine & MASK);
    if (length < 0 || length > MAX_FRAME || 4 + (length + 3 & ~3) > used) throw new IOException("a frame's length cannot be");
    return length;
  }

  /** Takes the next frame, whose length {@link #next} has said, out and into {@code parts}, which have room for it. */
  void take(List<MemorySegment> parts, int length) {
    int at = mine + 4, left = length;
    for (MemorySegment part : parts) {
      int size = (int) Math.min(part.byteSize(), left), first = Math.min(size, BYTES - (at & MASK));
      MemorySegment.copy(bytes, at & MASK, part, 0, first);
      MemorySegment.copy(bytes, 0, part, first, size - first);
      at += size;
      left -= size;
    }
    skip(length);
  }

  /** Takes the next frame out and forgets it. */
  void skip(int length) {
    mine += 4 + (length + 3 & ~3);
    COUNT.setVolatile(memory, (long) OUT, mine);
  }

  /** Tells the other side that nobody takes out any more, and lets go of everything. */
  void hangUp() {
    COUNT.setVolatile(memory, (long) HUNG_UP, 1);
    close();
  }

  /** Lets go of the memory, but not of its descriptor. */
  void unmap() { arena.close(); }

  void close() {
    unmap();
    Libc.closeQuietly(fd);
  }
}
