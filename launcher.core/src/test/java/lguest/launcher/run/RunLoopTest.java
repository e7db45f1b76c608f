package lguest.launcher.run;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.io.IOException;
import java.lang.foreign.MemorySegment;
import java.nio.file.Files;
import java.util.Arrays;
import java.util.List;
import java.util.Optional;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.atomic.AtomicReference;
import lguest.device.GuestFaultException;
import lguest.device.Request;
import lguest.host.Host;
import lguest.launcher.Guest;
import lguest.launcher.GuestEnd;
import lguest.launcher.image.Images;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;

@Timeout(60)
class RunLoopTest {
  private static final long DMA = 0x2000, DATA = 0x3000, BUFFER = 0x4000;

  private final GuestFixture fixture = new GuestFixture();
  private final TestDevice device = new TestDevice("test");

  @AfterEach void close() throws Exception { fixture.close(); }

  private Guest guest() throws Exception {
    fixture.add(device);
    return fixture.create("test");
  }

  private GuestEnd run(Guest guest) throws Exception {
    guest.start();
    return guest.await();
  }

  private GuestEnd runToPowerOff(Guest guest) throws Exception {
    fixture.host().die("CRASH: Power down");
    return run(guest);
  }

  @Test void handsARequestToItsDeviceAndTellsTheGuestWhatItTook() throws Exception {
    Guest guest = guest();
    fixture.write(DATA, "hello, world");
    ScriptedHost host = fixture.host();
    host.send(DMA, 0, DATA, 5, DATA + 7, 5);
    AtomicReference<Integer> used = new AtomicReference<>();
    host.step(() -> {
      used.set(host.usedLength(DMA));
      return null;
    });
    assertEquals(Guest.State.READY, guest.state());
    assertEquals(new GuestEnd(GuestEnd.Kind.POWER_OFF, "Power down", 0), runToPowerOff(guest));
    assertEquals(Guest.State.ENDED, guest.state());
    assertEquals(Optional.of(guest.await()), guest.end());
    assertTrue(host.closed);
    assertEquals(10, used.get());
    assertEquals(List.of("open argument", "request 0 helloworld", "close"), device.events);
    assertTrue(guest.instructions() > 1000, "the last figures stay");
    assertEquals(host.runs, guest.statistics().get("runs"));
  }

  @Test void everyWayAGuestCanEnd() throws Exception {
    fixture.add(device);
    record Case(String death, GuestEnd end) {}
    for (Case death : List.of(
        new Case("CRASH: Power down", new GuestEnd(GuestEnd.Kind.POWER_OFF, "Power down", 0)),
        new Case("CRASH: Attempted to kill init!", new GuestEnd(GuestEnd.Kind.DIED, "CRASH: Attempted to kill init!", 1)),
        new Case("Bad hypercall 99\n", new GuestEnd(GuestEnd.Kind.DIED, "Bad hypercall 99", 1)))) {
      Guest guest = fixture.create("test");
      fixture.host().die(death.death());
      assertEquals(death.end(), run(guest));
      guest.close();
    }
  }

  @Test void aBadDmaPointerEndsTheGuestAndNothingElse() throws Exception {
    fixture.add(device);
    long top = GuestFixture.RAM + 257 * 4096;
    Guest bystander = fixture.create("test");
    bystander.start();
    for (long address : new long[] {top, top - 99, 0xFFFF_FFF0L}) {
      Guest guest = fixture.create("test");
      fixture.host().step(() -> new Host.Outcome.Dma(address, 0));
      GuestEnd end = run(guest);
      assertEquals(GuestEnd.Kind.DIED, end.kind());
      assertEquals("Invalid address 0x%x (100 bytes)".formatted(address), end.reason());
      assertEquals(1, end.status());
    }
    for (long[] section : new long[][] {{top, 1}, {top - 1, 2}, {0xFFFF_FFFFL, 1}, {0xFFFF_0000L, 0xFFFF}}) {
      Guest guest = fixture.create("test");
      fixture.host().send(DMA, 0, DATA, 4, section[0], section[1]);
      assertEquals("Invalid address 0x%x (%d bytes)".formatted(section[0], section[1]), run(guest).reason());
    }
    Guest nobodys = fixture.create("test");
    fixture.host().send(DMA, 0x100, top, 1);
    assertEquals("Invalid address 0x%x (1 bytes)".formatted(top), run(nobodys).reason(), "even when it is nobody's");
    assertEquals(Guest.State.RUNNING, bystander.state());
    assertEquals(List.of(), device.events.stream().filter(event -> event.startsWith("request")).toList());
  }

  @Test void aBufferThatEndsAtTheTopIsFine() throws Exception {
    Guest guest = guest();
    long top = GuestFixture.RAM + 4096;
    fixture.host().send(top - 100, 0, top - 200, 100, 0, 0);
    assertEquals(0, runToPowerOff(guest).status());
    assertTrue(device.events.get(1).startsWith("request 0 "));
  }

  @Test void aListHas16SectionsAndEndsAtAZeroLength() throws Exception {
    Guest guest = guest();
    fixture.write(DATA, "0123456789abcdefg");
    long[] sections = new long[32];
    for (int i = 0; i < 16; i++) {
      sections[2 * i] = DATA + i;
      sections[2 * i + 1] = 1;
    }
    fixture.host().send(DMA, 0, sections);
    fixture.host().send(DMA, 0, DATA, 2, 0xFFFF_FFFFL, 0, DATA, 2);
    fixture.host().send(DMA, 0);
    runToPowerOff(guest);
    assertEquals(List.of("request 0 0123456789abcdef", "request 0 01", "request 0 "), device.events.subList(1, 4));
  }

  @Test void aDmaToNobodyIsLoggedAndTheGuestGoesOn() throws Exception {
    device.channels = 2;
    device.pages = 1;
    Guest guest = guest();
    long page = GuestFixture.RAM + 4096;
    for (long key : new long[] {0, 4, page - 4, page + 8, page + 1, page + 4096, 0xFFFF_FFFCL}) {
      fixture.host().send(DMA, key, DATA, 1);
      fixture.host().step(() -> {
        assertEquals(0, fixture.host().usedLength(DMA));
        return null;
      });
    }
    fixture.host().send(DMA, page + 4, DATA, 1);
    assertEquals(GuestEnd.Kind.POWER_OFF, runToPowerOff(guest).kind());
    assertEquals(7, fixture.log.stream().filter(line -> line.startsWith("WARNING Pending dma 0x2000, key 0x")).count(), fixture.log.toString());
    assertEquals(List.of("request 1 \0"), device.events.subList(1, 2));
  }

  @Test void aGuestCannotFloodTheLog() throws Exception {
    Guest guest = guest();
    for (int i = 0; i < 1000; i++) fixture.host().send(DMA, 0x100, DATA, 1);
    assertEquals(0, runToPowerOff(guest).status());
    List<String> lines = fixture.log.stream().filter(line -> line.startsWith("WARNING")).toList();
    assertEquals(100, lines.size());
    assertTrue(lines.get(99).endsWith("more of these are not logged"));
  }

  @Test void theGuestStandsStillUntilItsRequestIsComplete() throws Exception {
    AtomicReference<Request> held = new AtomicReference<>();
    device.onRequest = (request, context) -> held.set(request);
    Guest guest = guest();
    ScriptedHost host = fixture.host();
    host.send(DMA, 0, DATA, 8);
    host.step(() -> {
      assertEquals(7, host.usedLength(DMA));
      return null;
    });
    host.die("CRASH: Power down");
    guest.start();
    GuestFixture.await("the request", () -> held.get() != null);
    long runs = host.runs;
    // Its wish for service is served while the guest waits, for that may be what completes the request.
    device.context().wake();
    GuestFixture.await("service", () -> device.events.contains("service"));
    assertEquals(runs, host.runs);
    assertEquals(0, host.usedLength(DMA));
    held.get().complete(7);
    assertEquals("Power down", guest.await().reason());
    assertThrows(IllegalStateException.class, () -> held.get().parts().get(0).get(java.lang.foreign.ValueLayout.JAVA_BYTE, 0));
    held.get().complete(7);
  }

  @Test void aDeferredRequestLetsTheGuestRunAndIsCompletedWithoutTouchingItsPlace() throws Exception {
    AtomicReference<Request> held = new AtomicReference<>();
    CountDownLatch later = new CountDownLatch(1);
    device.onRequest = (request, context) -> {
      held.set(request);
      request.defer();
    };
    Guest guest = guest();
    ScriptedHost host = fixture.host();
    host.step(() -> {
      host.dma(DMA, DATA, 8);
      host.config.memory().view(DMA, 4).set(ScriptedHost.INT, 0, 99);
      return new Host.Outcome.Dma(DMA, 0);
    });
    host.step(() -> {
      assertEquals(0, host.usedLength(DMA), "0 bytes taken");
      // The guest's stack has gone on to other things.
      host.config.memory().view(DMA, 4).set(ScriptedHost.INT, 0, 77);
      later.countDown();
      return null;
    });
    guest.start();
    later.await();
    held.get().complete(8);
    assertThrows(IllegalStateException.class, () -> held.get().complete(8));
    host.step(() -> {
      assertEquals(77, host.usedLength(DMA));
      return null;
    });
    host.die("CRASH: Power down");
    assertEquals("Power down", guest.await().reason());
  }

  @Test void inputGoesIntoAnOfferedBufferDataThenLengthThenInterrupt() throws Exception {
    device.onService = (nothing, context) -> {
      Optional<Request> buffer = context.offered(0);
      if (buffer.isEmpty()) {
        context.retry();
        return;
      }
      assertEquals(15, buffer.get().length());
      buffer.get().parts().get(0).copyFrom(MemorySegment.ofArray("0123456789".getBytes()));
      buffer.get().parts().get(1).copyFrom(MemorySegment.ofArray("ab".getBytes()));
      buffer.get().complete(12);
    };
    Guest guest = guest();
    ScriptedHost host = fixture.host();
    guest.start();
    device.context().wake();
    GuestFixture.await("several retries while there is no buffer", () -> device.events.stream().filter("service"::equals).count() > 3);
    host.step(() -> {
      host.bind(0, DMA, 3, BUFFER, 10, BUFFER + 0x800, 5);
      return null;
    });
    GuestFixture.await("the interrupt", () -> !host.interrupts.isEmpty());
    assertEquals("0123456789", fixture.read(BUFFER, 10));
    assertEquals("ab\0", fixture.read(BUFFER + 0x800, 3));
    assertEquals(12, host.usedLength(DMA));
    assertEquals(List.of("0x4000+10", "0x4800+2", "0x2000+4", "irq 3"), host.written);
  }

  @Test void offeredBelongsToTheGuestsThread() throws Exception {
    AtomicReference<Throwable> elsewhere = new AtomicReference<>();
    device.onRequest = (request, context) -> {
      assertEquals(Optional.empty(), context.offered(0));
      assertThrows(IndexOutOfBoundsException.class, () -> context.offered(1));
      Thread other = new Thread(() -> elsewhere.set(assertThrows(IllegalStateException.class, () -> context.offered(0))));
      other.start();
      other.join();
      request.complete(0);
    };
    Guest guest = guest();
    fixture.host().send(DMA, 0, DATA, 1);
    assertEquals(GuestEnd.Kind.POWER_OFF, runToPowerOff(guest).kind());
    assertTrue(elsewhere.get() != null);
    assertEquals(List.of(), fixture.log.stream().filter(line -> line.startsWith("ERROR")).toList());
  }

  @Test void aBadOfferedBufferEndsTheGuest() throws Exception {
    device.onService = (nothing, context) -> context.offered(0);
    Guest guest = guest();
    fixture.host().bind(0, DMA, 3, 0xFFFF_FF00L, 10);
    guest.start();
    device.context().wake();
    assertEquals("Invalid address 0xffffff00 (10 bytes)", guest.await().reason());
  }

  @Test void aDeviceThatSaysTheGuestIsAtFaultEndsItFromAnyThread() throws Exception {
    fixture.add(device);
    device.onRequest = (request, context) -> { throw new GuestFaultException("Bad offset 17"); };
    Guest guest = fixture.create("test");
    fixture.host().send(DMA, 0, DATA, 1);
    assertEquals(new GuestEnd(GuestEnd.Kind.DIED, "Bad offset 17", 1), run(guest));

    device.onRequest = (request, context) -> context.executor().execute(() -> { throw new GuestFaultException("Write past end"); });
    guest = fixture.create("test");
    fixture.host().send(DMA, 0, DATA, 1);
    assertEquals("Write past end", run(guest).reason());
  }

  @Test void aDeviceCanEndTheGuestOnTheUsersWish() throws Exception {
    Guest guest = guest();
    guest.start();
    device.context().endGuest(2, "three times ^C");
    assertEquals(new GuestEnd(GuestEnd.Kind.STOPPED, "three times ^C", 2), guest.await());
    assertTrue(fixture.host().closed);
  }

  @Test void aHostThatFailsIsOursAndLoggedWithItsStack() throws Exception {
    Guest guest = guest();
    fixture.host().step(() -> { throw new IllegalStateException("a bug"); });
    GuestEnd end = run(guest);
    assertEquals(GuestEnd.Kind.FAILED, end.kind());
    assertEquals(1, end.status());
    assertTrue(fixture.log.contains("ERROR the Host failed, and the guest with it java.lang.IllegalStateException: a bug"), fixture.log.toString());
    assertTrue(fixture.host().closed);
    assertTrue(device.events.contains("close"));
  }

  @Test void anImageThatIsCutShortUnderItsGuestIsStillThereInIt() throws Exception {
    byte[] kernel = Arrays.copyOf(Images.kernel(), 3 * 4096);
    Files.write(fixture.image, Images.elf(Images.Segment.load(0x10_0000, kernel)));
    Guest guest = guest();
    fixture.host().step(() -> {
      try {
        Files.write(fixture.image, new byte[0]);
      } catch (IOException e) {
        throw new AssertionError(e);
      }
      return new Host.Outcome.Dead(fixture.read(0x10_0000, kernel.length));
    });
    GuestEnd end = run(guest);
    assertEquals(GuestEnd.Kind.DIED, end.kind(), end::reason);
    assertEquals(new String(kernel, java.nio.charset.StandardCharsets.ISO_8859_1).strip(), end.reason());
  }

  @Test void whatADeviceWishesForWhileItIsOpenedIsNotLost() throws Exception {
    device.onOpen = (config, context) -> {
      context.describe(7, 0, 0);
      context.wake();
    };
    Guest guest = guest();
    guest.start();
    GuestFixture.await("service", () -> device.events.contains("service"));
  }

  @Test void noWakeIsLostAndNoneTurnsInCircles() throws Exception {
    Guest guest = guest();
    ScriptedHost host = fixture.host();
    guest.start();
    GuestFixture.await("the first run", () -> host.runs > 1);
    for (int i = 0; i < 2000; i++) {
      long before = device.events.stream().filter("service"::equals).count();
      device.context().wake();
      GuestFixture.await("service " + i, () -> device.events.stream().filter("service"::equals).count() > before);
      if (i % 500 == 0) device.events.clear();
    }
    assertTrue(host.runs < 2000 * 3, host.runs + " runs for 2000 wakes");
  }

  @Test void aLogListenerThatFailsIsNoReasonToDie() throws Exception {
    fixture.add(device);
    Guest guest = fixture.launcher.create(fixture.spec("test"), (level, text, cause) -> { throw new IllegalStateException("the terminal is gone"); });
    fixture.host().send(DMA, 0x100, DATA, 1);
    assertFalse(runToPowerOff(guest).status() != 0);
  }
}
