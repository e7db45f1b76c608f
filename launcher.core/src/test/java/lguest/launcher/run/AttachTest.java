package lguest.launcher.run;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.charset.StandardCharsets;
import java.util.List;
import java.util.Optional;
import java.util.concurrent.CopyOnWriteArrayList;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.LinkedBlockingQueue;
import java.util.concurrent.BlockingQueue;
import lguest.device.Attachable;
import lguest.device.Device;
import lguest.device.DeviceContext;
import lguest.device.Request;
import lguest.launcher.DeviceSlot;
import lguest.launcher.Guest;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;

/** Who is attached to a slot stays so while its devices come and go. */
@Timeout(60)
class AttachTest {
  private static final long DMA = 0x2000, DATA = 0x3000;

  private final GuestFixture fixture = new GuestFixture();
  private final Terminal one = new Terminal(), two = new Terminal();
  private final List<String> screen = new CopyOnWriteArrayList<>();
  private final Attachable.Output output = data -> screen.add(StandardCharsets.ISO_8859_1.decode(data).toString());

  /** A terminal whose input queue holds {@code room} bytes. */
  private static final class Terminal extends TestDevice {
    final List<Attachable.Output> outputs = new CopyOnWriteArrayList<>();
    final BlockingQueue<Byte> input = new LinkedBlockingQueue<>(4);

    volatile Runnable onAttach = () -> {}, onDetach = () -> {};

    Terminal() { super("tty"); }

    @Override Device device(DeviceContext context) { return new Attached(context); }

    private final class Attached extends Recorder implements Attachable {
      private volatile boolean closed;

      Attached(DeviceContext context) { super(context); }

      @Override public void request(Request request) throws Exception {
        events.add("request " + text(request));
        for (Output to : outputs) to.write(ByteBuffer.wrap(text(request).getBytes(StandardCharsets.ISO_8859_1)));
        request.complete(request.length());
      }

      @Override public Attachment attach(Output to, boolean replay) {
        events.add("attach " + replay);
        onAttach.run();
        outputs.add(to);
        return new Attachment() {
          private volatile boolean detached;

          @Override public void input(ByteBuffer data) throws InterruptedException {
            while (data.hasRemaining() && !detached) {
              if (input.offer(data.get(data.position()), 5, java.util.concurrent.TimeUnit.MILLISECONDS)) data.get();
            }
          }

          @Override public void endOfInput() { events.add("end of input"); }

          @Override public void close() {
            detached = true;
            onDetach.run();
            events.add("detach");
            outputs.remove(to);
          }
        };
      }
    }
  }

  @AfterEach void close() throws Exception { fixture.close(); }

  private DeviceSlot start(String... types) throws Exception {
    Guest guest = fixture.create(types);
    guest.start();
    return guest.slots().get(0);
  }

  private void print(String text) {
    fixture.host().step(() -> {
      fixture.write(DATA, text);
      fixture.host().dma(DMA, DATA, text.length());
      return new lguest.host.Host.Outcome.Dma(DMA, 0);
    });
  }

  @Test void outputFollowsTheExchange() throws Exception {
    fixture.add(one);
    DeviceSlot slot = start("tty");
    Attachable.Attachment attachment = slot.attach(output, true).orElseThrow();
    print("before");
    GuestFixture.await("output", () -> screen.size() == 1);
    fixture.remove(one);
    print("after");
    fixture.add(two);
    GuestFixture.await("output", () -> screen.size() == 2);
    assertEquals(List.of("before", "after"), screen);
    assertEquals(List.of("attach true", "request before", "drain", "detach", "close"), one.events.subList(1, 6));
    assertEquals("attach false", two.events.get(1), "the history has been seen");
    attachment.close();
    assertEquals(0, two.outputs.size());
  }

  @Test void inputWaitsForADeviceAndNoneIsLostOrDoubled() throws Exception {
    fixture.add(one);
    DeviceSlot slot = start("tty");
    Attachable.Attachment attachment = slot.attach(output, false).orElseThrow();
    Thread typist = Thread.startVirtualThread(() -> {
      try {
        attachment.input(ByteBuffer.wrap("0123456789".getBytes()));
        attachment.endOfInput();
      } catch (InterruptedException e) {
        throw new AssertionError(e);
      }
    });
    GuestFixture.await("a full queue", () -> one.input.remainingCapacity() == 0);
    fixture.remove(one);
    fixture.add(two);
    StringBuilder read = new StringBuilder();
    one.input.forEach(b -> read.append((char) (byte) b));
    for (int i = 0; i < 6; i++) read.append((char) (byte) two.input.take());
    typist.join();
    assertEquals("0123456789", read.toString());
    GuestFixture.await("the end", () -> two.events.contains("end of input"));
    fixture.remove(two);
    fixture.add(one);
    GuestFixture.await("the end, told to the next too", () -> one.events.contains("end of input"));
  }

  @Test void attachingToAParkedSlotWaits() throws Exception {
    fixture.add(one);
    DeviceSlot slot = start("tty");
    fixture.remove(one);
    GuestFixture.await("the parked slot", () -> slot.state() == DeviceSlot.State.PARKED);
    Optional<Attachable.Attachment> attachment = slot.attach(output, true);
    assertTrue(attachment.isPresent());
    print("hello");
    fixture.add(one);
    GuestFixture.await("output", () -> screen.contains("hello"));
    assertTrue(one.events.contains("attach true"));
    attachment.get().close();
    attachment.get().close();
    assertEquals(1, one.events.stream().filter("detach"::equals).count());
    attachment.get().input(ByteBuffer.wrap("typed too late".getBytes()));
  }

  @Test void aDeviceThatCannotBeAttachedToIsRefusedAndTheNextIsNot() throws Exception {
    fixture.add(one);
    DeviceSlot slot = start("tty");
    slot.attach(output, false);
    two.onAttach = () -> { throw new NoClassDefFoundError("torn down"); };
    fixture.add(two, 1);
    GuestFixture.await("the reason", () -> slot.state() == DeviceSlot.State.PARKED && slot.reason().get().contains("NoClassDefFoundError"));
    assertEquals("close", two.events.get(two.events.size() - 1));
    fixture.remove(two);
    print("goes on");
    GuestFixture.await("output", () -> screen.contains("goes on"));
  }

  @Test void notEveryDeviceCanBeAttachedTo() throws Exception {
    fixture.add(new TestDevice("test"));
    assertFalse(start("test").attach(output, true).isPresent());
  }

  @Test void theLastOutputIsWrittenBeforeTheGuestHasEnded() throws Exception {
    fixture.add(one);
    DeviceSlot slot = start("tty");
    CountDownLatch reader = new CountDownLatch(1);
    slot.attach(data -> {
      try {
        reader.await();
      } catch (InterruptedException e) {
        throw new IOException(e);
      }
      output.write(data);
    }, false);
    print("going down");
    fixture.host().die("CRASH: Power down");
    Guest guest = fixture.launcher.guests().get(0);
    Thread.sleep(50);
    assertEquals(Guest.State.RUNNING, guest.state());
    reader.countDown();
    assertEquals(0, guest.await().status());
    assertEquals(List.of("going down"), screen);
    assertTrue(one.events.contains("detach"));
    assertFalse(slot.attach(output, true).isPresent(), "there is nothing to attach to any more");
  }

  @Test void aReaderThatNeverReadsHoldsUpNobodyWhoStopsTheGuest() throws Exception {
    fixture.add(one);
    start("tty").attach(data -> {
      try {
        new CountDownLatch(1).await();
      } catch (InterruptedException e) {
        throw new IOException(e);
      }
    }, false);
    one.onDetach = () -> {
      try {
        new CountDownLatch(1).await();
      } catch (InterruptedException e) {
        // Given up.
      }
    };
    print("nobody reads this");
    fixture.host().die("CRASH: Power down");
    Guest guest = fixture.launcher.guests().get(0);
    GuestFixture.await("the output", () -> one.events.contains("request nobody reads this"));
    guest.stop();
    assertEquals(Guest.State.ENDED, guest.state());
    assertTrue(one.events.contains("close"));
  }
}
