package lguest.device.net;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.io.IOException;
import java.io.RandomAccessFile;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.util.ArrayDeque;
import java.util.List;
import java.util.Random;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.TimeUnit;
import org.junit.jupiter.api.Test;

class RingTest {
  private static Ring other(Ring ring) throws IOException { return Ring.take(Libc.open("/proc/self/fd/" + ring.fd(), Libc.O_RDWR | Libc.O_CLOEXEC, 0)); }

  private static List<MemorySegment> scatter(Arena arena, byte[] bytes, Random random) {
    int cut = bytes.length < 2 ? bytes.length : 1 + random.nextInt(bytes.length - 1);
    MemorySegment all = arena.allocate(bytes.length + 1).copyFrom(MemorySegment.ofArray(bytes));
    return cut == bytes.length ? List.of(all.asSlice(0, cut)) : List.of(all.asSlice(0, cut), all.asSlice(cut, bytes.length - cut));
  }

  @Test void framesComeOutAsTheyWentIn() throws Exception {
    long seed = System.nanoTime();
    Random random = new Random(seed);
    Ring in = Ring.create(), out = other(in);
    ArrayDeque<byte[]> waiting = new ArrayDeque<>();
    long most = 0;
    try (Arena arena = Arena.ofConfined()) {
      MemorySegment room = arena.allocate(70_000);
      for (int i = 0; i < 20_000; i++) {
        String what = "seed " + seed + ", step " + i;
        if (random.nextInt(100) < (i / 1000 % 2 == 0 ? 60 : 40)) {
          byte[] frame = new byte[1 + random.nextInt(random.nextInt(50) == 0 ? Ring.MAX_FRAME : 1514)];
          random.nextBytes(frame);
          try (Arena part = Arena.ofConfined()) {
            Ring.Outcome outcome = in.put(scatter(part, frame, random), frame.length);
            if (outcome == Ring.Outcome.FULL) continue;
            assertEquals(waiting.isEmpty() ? Ring.Outcome.PUT_FIRST : Ring.Outcome.PUT, outcome, what);
          }
          waiting.add(frame);
          most = Math.max(most, waiting.size());
        } else {
          int length = out.next();
          assertEquals(waiting.isEmpty() ? -1 : waiting.peek().length, length, what);
          if (length < 0) continue;
          int cut = random.nextInt(length + 1);
          if (cut == 0) out.take(List.of(room.asSlice(0, length)), length);
          else out.take(List.of(room.asSlice(0, cut), room.asSlice(cut, 70_000 - cut)), length);
          assertArrayEquals(waiting.remove(), room.asSlice(0, length).toArray(ValueLayout.JAVA_BYTE), what);
        }
      }
    }
    assertTrue(most > 100, "it never got full");
    in.close();
    out.close();
  }

  /** Whoever puts in after the other side has looked for the last time is told so, and rings; else frames would be left lying. */
  @Test void twoThreadsLoseNothing() throws Exception {
    Ring in = Ring.create(), out = other(in);
    int frames = 200_000;
    java.util.concurrent.Semaphore bell = new java.util.concurrent.Semaphore(0);
    CompletableFuture<Void> taker = CompletableFuture.runAsync(() -> {
      try (Arena arena = Arena.ofConfined()) {
        MemorySegment room = arena.allocate(64, 4);
        for (int expected = 0; expected < frames;) {
          if (!bell.tryAcquire(20, TimeUnit.SECONDS)) throw new AssertionError("nobody rang, at frame " + expected);
          for (int length; (length = out.next()) >= 0; expected++) {
            out.take(List.of(room), length);
            assertEquals(expected, room.get(ValueLayout.JAVA_INT, 0));
          }
        }
      } catch (Exception e) {
        throw new AssertionError(e);
      }
    });
    try (Arena arena = Arena.ofConfined()) {
      MemorySegment frame = arena.allocate(60, 4);
      for (int i = 0; i < frames && !taker.isDone();) {
        frame.set(ValueLayout.JAVA_INT, 0, i);
        switch (in.put(List.of(frame), 60)) {
          case FULL -> Thread.onSpinWait();
          case PUT -> i++;
          case PUT_FIRST -> {
            i++;
            bell.release();
          }
        }
      }
      taker.get(30, TimeUnit.SECONDS);
    }
    in.close();
    out.close();
  }

  @Test void theBellIsRungOnceUntilSomebodyLooks() throws Exception {
    Ring in = Ring.create(), out = other(in);
    try (Arena arena = Arena.ofConfined()) {
      for (int i = 0; i < 3; i++) {
        assertEquals(Ring.Outcome.PUT_FIRST, in.put(List.of(arena.allocate(60)), 60));
        assertEquals(i == 0, in.mustRing());
        out.skip(out.next());
      }
      out.heard();
      assertTrue(in.mustRing());
    }
    in.close();
    out.close();
  }

  @Test void numbersThatCannotBeAreNotBelieved() throws Exception {
    long seed = System.nanoTime();
    Random random = new Random(seed);
    for (int i = 0; i < 3000; i++) {
      Ring in = Ring.create(), out = other(in);
      try (RandomAccessFile spoiler = new RandomAccessFile("/proc/self/fd/" + in.fd(), "rw"); Arena arena = Arena.ofConfined()) {
        MemorySegment room = arena.allocate(70_000);
        for (int n = 0; n < 4; n++) {
          spoiler.seek(List.of(64, 128, 4096, 4096 + 4 * random.nextInt(65536)).get(random.nextInt(4)));
          spoiler.writeInt(random.nextBoolean() ? random.nextInt() : Integer.reverseBytes(random.nextInt(300_000)));
        }
        // Whatever it says: either that it makes no sense, or a frame that fits; and it comes to an end.
        int taken = 0;
        try {
          for (int length; (length = out.next()) >= 0; taken++) {
            assertTrue(length <= Ring.MAX_FRAME);
            out.take(List.of(room), length);
          }
        } catch (IOException e) {
          assertTrue(e.getMessage().contains("cannot be"), e.getMessage());
        }
        assertTrue(taken <= 65536, "seed " + seed + ", case " + i);
        in.put(List.of(room.asSlice(0, 1514)), 1514);
      }
      in.close();
      out.close();
    }
  }

  @Test void memoryThatCouldBeCutOffIsNotTaken() throws Exception {
    int fd = Libc.memfd_create("test", Libc.MFD_CLOEXEC | Libc.MFD_ALLOW_SEALING);
    Libc.ftruncate(fd, 4096 + (1 << 18));
    assertThrows(IOException.class, () -> Ring.take(fd));
    int small = Libc.memfd_create("test", Libc.MFD_CLOEXEC | Libc.MFD_ALLOW_SEALING);
    Libc.ftruncate(small, 4096);
    Libc.fcntl(small, Libc.F_ADD_SEALS, 7);
    assertThrows(IOException.class, () -> Ring.take(small));
  }
}
