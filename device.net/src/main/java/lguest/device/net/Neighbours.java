package lguest.device.net;

import java.io.IOException;
import java.lang.foreign.MemorySegment;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.concurrent.TimeUnit;

/**
 * The guests of other processes that are on our network: to each that we send to, a {@link Ring} of our making; from each that sends to us, one of its making. One thread at a time.
 */
final class Neighbours {
  /** How long a neighbour that is not there is not looked for again, and one that takes nothing is not rung for again. */
  private static final long AGAIN = TimeUnit.MILLISECONDS.toNanos(100);
  private static final int MAX_MAIL = 256;

  /** A neighbour we send to: its box, and the frames it is to take. */
  private static final class To {
    final int box;
    final Ring frames;
    long rung;

    To(int box, Ring frames) {
      this.box = box;
      this.frames = frames;
    }

    void close() {
      Libc.closeQuietly(box);
      frames.close();
    }
  }

  /** Frames that the neighbour at {@code place} sends us. */
  record From(int place, Ring frames) {}

  private final Post post;
  private final int place;
  private final Map<Integer, To> to = new HashMap<>();
  private final long[] absentUntil = new long[NetFile.PLACES];
  /** In the order in which they came. A neighbour that has begun anew, as a new implementation does, has two until the first is empty. */
  private final List<From> from = new ArrayList<>();
  private int turn;

  Neighbours(Post post, int place) {
    this.post = post;
    this.place = place;
    Arrays.fill(absentUntil, System.nanoTime());
  }

  /** The descriptor that is readable when there may be frames. */
  int bell() { return post.socket(); }

  // Sending.

  /** Sends a frame to who is at {@code place} in another process. False: nobody is, or it does not keep up; the frame is lost. */
  boolean send(int target, List<MemorySegment> parts, long length) {
    if (target == place || length > Ring.MAX_FRAME) return false;
    // A second time, for the one who was there may have gone and another come.
    for (int tries = 0; tries < 2; tries++) {
      To neighbour = to.computeIfAbsent(target, this::connect);
      if (neighbour == null) return false;
      Ring.Outcome outcome = neighbour.frames.put(parts, length);
      if (outcome != Ring.Outcome.HUNG_UP) {
        long now = System.nanoTime();
        boolean told = outcome != Ring.Outcome.PUT_FIRST || !neighbour.frames.mustRing();
        if (told && now - neighbour.rung < AGAIN) return outcome != Ring.Outcome.FULL;
        neighbour.rung = now;
        if (post.ring(neighbour.box)) return outcome != Ring.Outcome.FULL;
      }
      to.remove(target).close();
    }
    return false;
  }

  private To connect(int target) {
    long now = System.nanoTime();
    if (now - absentUntil[target] < 0) return null;
    absentUntil[target] = now + AGAIN;
    Optional<Integer> box = post.connect(target);
    if (box.isEmpty()) return null;
    try {
      To neighbour = new To(box.get(), Ring.create());
      if (post.hello(neighbour.box, neighbour.frames)) {
        absentUntil[target] = now;
        return neighbour;
      }
      neighbour.close();
    } catch (IOException e) {
      Libc.closeQuietly(box.get());
    }
    return null;
  }

  // Receiving.

  /** Empties the box: what is left in it, if anything is, rings again. */
  void collect() {
    int bells = from.size();
    boolean newcomers = false;
    for (int i = 0; i < MAX_MAIL; i++) {
      Optional<Post.Mail> mail = post.receive();
      if (mail.isEmpty()) break;
      if (!(mail.get() instanceof Post.Mail.Hello(int sender, int fd))) {
        // One from each, as a rule: to ask whether there are more costs as much as a frame.
        if (--bells <= 0 && !newcomers) break;
        continue;
      }
      newcomers = true;
      try {
        Ring frames = Ring.take(fd);
        List<From> before = from.stream().filter(known -> known.place == sender).toList();
        if (before.size() > 1) end(before.getFirst());
        from.add(new From(sender, frames));
      } catch (IOException e) {
        // Not one of ours. It has been closed.
      }
    }
    for (int i = 0; i < from.size(); i++) from.get(i).frames.heard();
  }

  /** A neighbour with a frame for us, each in turn; empty: there is none. One that has spoilt its ring is reported to {@code spoilt} and left. */
  Optional<From> next(java.util.function.BiConsumer<From, IOException> spoilt) {
    for (int tries = from.size(); tries > 0; tries--) {
      turn = turn + 1 < from.size() ? turn + 1 : 0;
      From neighbour = from.get(turn);
      try {
        if (neighbour.frames.next() < 0) {
          if (isSuperseded(neighbour)) end(neighbour);
        } else if (isFirst(neighbour)) return Optional.of(neighbour);
      } catch (IOException e) {
        end(neighbour);
        spoilt.accept(neighbour, e);
      }
      if (from.isEmpty()) break;
    }
    return Optional.empty();
  }

  /** Whether that place has sent us another ring since. */
  private boolean isSuperseded(From neighbour) {
    for (int i = from.size() - 1; from.get(i) != neighbour; i--) if (from.get(i).place == neighbour.place) return true;
    return false;
  }

  /** Whether that place has no older ring, which is to be emptied before. */
  private boolean isFirst(From neighbour) {
    for (int i = 0; from.get(i) != neighbour; i++) if (from.get(i).place == neighbour.place) return false;
    return true;
  }

  private void end(From neighbour) {
    from.remove(neighbour);
    neighbour.frames.hangUp();
  }

  /** Goes on with a ring that a previous implementation had. */
  void resume(int sender, int fd) {
    try {
      from.add(new From(sender, Ring.take(fd)));
    } catch (IOException e) {
      // There is no memory for it. The frames in it are lost, and the sender makes another.
    }
  }

  /** Lets go of all but the socket and these, which the next implementation goes on with. */
  List<From> leave() {
    to.values().forEach(To::close);
    from.forEach(neighbour -> neighbour.frames.unmap());
    post.leave();
    return List.copyOf(from);
  }

  void close() {
    to.values().forEach(To::close);
    from.forEach(neighbour -> neighbour.frames.hangUp());
    post.close();
  }
}
