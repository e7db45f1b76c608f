package lguest.device.fake;

import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.time.Duration;
import java.util.List;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.TimeoutException;
import lguest.device.Request;

/** A request of {@link FakeContext}, and what became of it. Completing it twice or with an impossible length fails as in a real guest. */
public final class FakeRequest implements Request {
  private final int channel;
  private final List<MemorySegment> parts;
  private final Runnable onCompletion;
  private final CompletableFuture<Long> completion = new CompletableFuture<>();
  private volatile boolean deferred;

  FakeRequest(int channel, List<MemorySegment> parts, Runnable onCompletion) {
    this.channel = channel;
    this.parts = parts;
    this.onCompletion = onCompletion;
  }

  @Override public int channel() { return channel; }

  @Override public List<MemorySegment> parts() { return parts; }

  @Override public void complete(long length) {
    if (length < 0 || length > length()) throw new IllegalArgumentException("completed with " + length + " of " + length() + " bytes");
    if (!completion.complete(length)) throw new IllegalStateException("the request is complete already");
    onCompletion.run();
  }

  @Override public void defer() { deferred = true; }

  public boolean isDeferred() { return deferred; }

  public boolean isComplete() { return completion.isDone(); }

  /** What it was completed with; waits for that. An {@link AssertionError} when it does not come within {@code limit}. */
  public long await(Duration limit) throws InterruptedException {
    try {
      return completion.get(limit.toNanos(), TimeUnit.NANOSECONDS);
    } catch (TimeoutException e) {
      throw new AssertionError("the request was not completed within " + limit, e);
    } catch (java.util.concurrent.ExecutionException e) {
      throw new AssertionError(e);
    }
  }

  /** What it was completed with. An {@link AssertionError} when it is not complete. */
  public long completedLength() {
    if (!isComplete()) throw new AssertionError("the request is not complete");
    return completion.join();
  }

  /** The first {@link #completedLength} bytes of its parts: what a guest sees in its buffer. */
  public byte[] received() {
    byte[] all = new byte[Math.toIntExact(length())];
    int at = 0;
    for (MemorySegment part : parts) {
      MemorySegment.copy(part, ValueLayout.JAVA_BYTE, 0, all, at, (int) part.byteSize());
      at += (int) part.byteSize();
    }
    return java.util.Arrays.copyOf(all, Math.toIntExact(completedLength()));
  }
}
