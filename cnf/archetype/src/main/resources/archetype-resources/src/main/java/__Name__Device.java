package ${package};

import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.nio.charset.StandardCharsets;
import java.util.ArrayDeque;
import java.util.Deque;
import java.util.Locale;
import java.util.Optional;
import lguest.device.Device;
import lguest.device.DeviceContext;
import lguest.device.DeviceState;
import lguest.device.Request;

/** Answers what the guest sends on channel 0 in capitals, into a buffer the guest has lent there; its page says how many it has answered. */
final class ${Name}Device implements Device {
  private static final int CHANNEL = 0;
  /** Longer texts are cut: the guest's numbers must never size what we allocate. */
  private static final int LONGEST = 256;
  /** Answers that may wait for a buffer. */
  private static final int ROOM = 16;
  private static final ValueLayout.OfLong COUNT = ValueLayout.JAVA_LONG;

  private final DeviceContext context;
  private final Deque<String> answers;
  private long count;
  /** A request that came when there was no room. The guest stands still until it is complete. */
  private Request held;

  ${Name}Device(DeviceContext context, ${Name}State state) {
    this.context = context;
    answers = new ArrayDeque<>(state.answers());
    count = state.count();
    context.page(0).set(COUNT, 0, count);
    if (!answers.isEmpty()) context.wake();
  }

  @Override public void request(Request request) {
    held = request;
    service();
  }

  @Override public void service() {
    while (true) {
      if (held != null && answers.size() < ROOM) {
        answers.add("${artifactId} says " + text(held).toUpperCase(Locale.ROOT));
        context.page(0).set(COUNT, 0, ++count);
        held.complete(held.length());
        held = null;
      }
      if (answers.isEmpty()) return;
      Optional<Request> buffer = context.offered(CHANNEL);
      if (buffer.isEmpty()) {
        // The guest has lent none: look again a little later.
        context.retry();
        return;
      }
      buffer.get().complete(fill(buffer.get(), answers.remove().getBytes(StandardCharsets.UTF_8)));
    }
  }

  private static String text(Request request) {
    byte[] bytes = new byte[(int) Math.min(request.length(), LONGEST)];
    int at = 0;
    for (MemorySegment part : request.parts()) {
      int length = (int) Math.min(part.byteSize(), bytes.length - at);
      MemorySegment.copy(part, ValueLayout.JAVA_BYTE, 0, bytes, at, length);
      at += length;
    }
    return new String(bytes, StandardCharsets.UTF_8).replace("\0", "");
  }

  private static long fill(Request buffer, byte[] answer) {
    int at = 0;
    for (MemorySegment part : buffer.parts()) {
      int length = (int) Math.min(part.byteSize(), answer.length - at);
      MemorySegment.copy(answer, at, part, ValueLayout.JAVA_BYTE, 0, length);
      at += length;
    }
    return at;
  }

  /** The bundle is updated, or leaves: the next device goes on with this. What is held goes back to the slot by itself. */
  @Override public Optional<DeviceState> drain() { return Optional.of(new ${Name}State(count, java.util.List.copyOf(answers)).write()); }

  @Override public void close() {}
}
