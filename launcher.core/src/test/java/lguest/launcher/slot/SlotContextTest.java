package lguest.launcher.slot;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import java.util.concurrent.RejectedExecutionException;
import lguest.device.Device;
import lguest.device.DeviceConfig;
import lguest.device.DeviceContext;
import lguest.device.DeviceException;
import lguest.device.DeviceProvider;
import lguest.device.Request;
import lguest.host.Host;
import lguest.launcher.GuestEnd;
import lguest.launcher.GuestLog;
import lguest.launcher.LaunchException;
import lguest.launcher.memory.MappedMemory;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** A device's door, with a machine that only takes notes. */
class SlotContextTest {
  private static final int RAM = 4 << 20;

  private final List<String> notes = new ArrayList<>();
  private final List<Long> delays = new ArrayList<>();
  private final List<Runnable> timers = new ArrayList<>();
  private final MappedMemory memory = memory();
  private Optional<Host.DmaBuffer> buffer = Optional.empty();
  private DeviceContext context;
  private Runnable onService = () -> {};
  private Slot slot;

  @TempDir Path directory;

  private static MappedMemory memory() {
    try {
      return new MappedMemory(RAM);
    } catch (LaunchException e) {
      throw new AssertionError(e);
    }
  }

  @AfterEach void close() {
    slot.gone(() -> false);
    memory.close();
  }

  private void open(int pages) throws Exception {
    slot = new Slot(machine, 4, "test", "", settled -> {});
    slot.openFirst(List.of(new Candidate(new DeviceProvider() {
      @Override public String type() { return "test"; }

      @Override public Device open(DeviceConfig config, DeviceContext opened) throws DeviceException {
        context = opened;
        assertThrows(IllegalStateException.class, () -> opened.page(0), "not yet described");
        opened.describe(7, 0, pages);
        return new Device() {
          @Override public void request(Request request) {}

          @Override public void service() { onService.run(); }

          @Override public void close() {}
        };
      }
    }, "bundle", "1.0.0", 0, 1)));
  }

  @Test void retriesComeLaterAndLaterUntilThereIsABuffer() throws Exception {
    open(0);
    List<Boolean> got = new ArrayList<>();
    onService = () -> {
      Optional<Request> request = context.offered(0);
      got.add(request.isPresent());
      request.ifPresent(r -> r.complete(0));
      context.retry();
      context.retry();
    };
    context.wake();
    for (int i = 0; i < 7; i++) {
      assertTrue(slot.work());
      assertEquals(i + 1, timers.size(), "one timer for two wishes");
      timers.get(i).run();
    }
    assertEquals(List.of(1L, 2L, 4L, 8L, 16L, 16L, 16L), delays);
    memory.view(0x2000, 100).set(ValueLayout.JAVA_SHORT, 68, (short) 10);
    buffer = Optional.of(new Host.DmaBuffer(0x2000, 5));
    slot.work();
    assertEquals(List.of(16L, 1L), List.of(delays.get(6), delays.get(7)));
    assertEquals(List.of(false, false, false, false, false, false, false, true), got);
  }

  @Test void aWatchIsRearmedAfterServiceButNotBeforeARetry() throws Exception {
    open(0);
    context.watch(17);
    context.wake();
    slot.work();
    assertEquals(List.of("break in", "rearm 17"), notes);
    onService = context::retry;
    context.wake();
    slot.work();
    assertEquals(List.of("break in", "rearm 17", "break in"), notes);
    onService = () -> {};
    timers.get(0).run();
    slot.work();
    assertEquals("rearm 17", notes.get(notes.size() - 1));
  }

  @Test void memoryWrittenGoesByAddress() throws Exception {
    open(1);
    context.memoryWritten(memory.view(0x1234, 7));
    context.memoryWritten(context.page(0).asSlice(8, 4));
    assertEquals(List.of("written 0x1234+7", "written 0x%x+4".formatted(RAM + 4096 + 8)), notes);
    assertThrows(IllegalArgumentException.class, () -> context.memoryWritten(MemorySegment.ofArray(new byte[4])));
  }

  @Test void pagesAreCheckedAndCanBeShared() throws Exception {
    open(2);
    assertEquals(4096, context.page(1).byteSize());
    assertThrows(IndexOutOfBoundsException.class, () -> context.page(2));
    assertThrows(IndexOutOfBoundsException.class, () -> context.page(-1));
    Path file = Files.write(directory.resolve("net"), new byte[4096]);
    context.sharePage(1, file);
    context.page(1).set(ValueLayout.JAVA_BYTE, 9, (byte) 3);
    assertEquals(3, Files.readAllBytes(file)[9]);
    assertEquals(3, memory.segment().get(ValueLayout.JAVA_BYTE, RAM + 2 * 4096 + 9));
    for (Path bad : List.of(directory.resolve("missing"), directory, Files.write(directory.resolve("short"), new byte[100]))) {
      String message = assertThrows(DeviceException.class, () -> context.sharePage(0, bad)).getMessage();
      assertTrue(message.startsWith("cannot map '" + bad + "': "), message);
    }
  }

  @Test void nothingIsLeftToADeviceThatHasLeft() throws Exception {
    open(1);
    MemorySegment page = context.page(0);
    context.executor().execute(() -> {});
    context.watch(17);
    slot.gone(() -> false);
    assertThrows(IllegalStateException.class, () -> page.get(ValueLayout.JAVA_BYTE, 0));
    assertThrows(RejectedExecutionException.class, () -> context.executor().execute(() -> {}));
    context.retry();
    assertEquals(List.of(), delays);
    assertTrue(notes.contains("close 17"));
  }

  @Test void logLinesCarryTheDevicesName() throws Exception {
    open(0);
    context.log().log(System.Logger.Level.INFO, "READ at 17");
    context.log().log(System.Logger.Level.WARNING, "{0} of {1}", 1, 2);
    context.log().log(System.Logger.Level.ERROR, () -> "lazily");
    context.log().log(System.Logger.Level.TRACE, "too fine");
    assertEquals(List.of("INFO test 4: READ at 17", "WARNING test 4: 1 of 2", "ERROR test 4: lazily"), notes);
  }

  private final Machine machine = new Machine() {
    @Override public String name() { return "machine"; }

    @Override public MappedMemory memory() { return memory; }

    @Override public GuestLog log() { return (level, text, cause) -> notes.add(level + " " + text); }

    @Override public Limits limits() { return Limits.USUAL; }

    @Override public Optional<Host.DmaBuffer> getDma(long key) { return buffer; }

    @Override public void interrupt(int irq) { notes.add("irq " + irq); }

    @Override public void memoryWritten(long address, long length) { notes.add("written %#x+%d".formatted(address, length)); }

    @Override public void ring() {}

    @Override public void breakIn() { notes.add("break in"); }

    @Override public Watched watch(int fileDescriptor, Runnable ready) {
      return new Watched() {
        @Override public void rearm() { notes.add("rearm " + fileDescriptor); }

        @Override public void close() { notes.add("close " + fileDescriptor); }
      };
    }

    @Override public void later(long millis, Runnable action) {
      delays.add(millis);
      timers.add(action);
    }

    @Override public void end(GuestEnd end) { notes.add("end " + end); }

    @Override public boolean ending() { return false; }
  };
}
