package lguest.host.software;

import static lguest.host.software.TestGuest.*;
import static org.junit.jupiter.api.Assertions.*;

import java.lang.foreign.ValueLayout;
import java.util.Map;
import java.util.Random;
import java.util.TreeMap;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.locks.LockSupport;
import lguest.host.Host;
import lguest.memory.PageIdentity;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.RepeatedTest;
import org.junit.jupiter.api.Timeout;

/**
 * Guests that do anything: random calls with random structures, alone and against a neighbour, and plain random code. Whatever they do, the Host's answer is
 * one of its outcomes; it never throws and never hangs. A failure prints the seed; {@code -Dlguest.seed=} repeats it.
 */
@Timeout(value = 120, unit = TimeUnit.SECONDS, threadMode = Timeout.ThreadMode.SEPARATE_THREAD)
class HostileGuestTest {
  private static final PageIdentity.Shared NETWORK = new PageIdentity.Shared(8, 15, 0);
  private static final int SHARED_PAGE = 0x7000, ARGUMENTS = RESULT;
  private static final Map<String, Integer> ENDS = new TreeMap<>();

  private final long seed = Long.getLong("lguest.seed", System.nanoTime());
  private final Random random = new Random(seed);

  @AfterAll static void report() { System.out.println("hostile guests ended by: " + ENDS); }

  private int number() {
    return switch (random.nextInt(8)) {
      case 0 -> random.nextInt();
      case 1 -> MEMORY - random.nextInt(200);
      case 2 -> SHARED_PAGE + random.nextInt(64) * 4;
      case 3 -> LISTS + random.nextInt(64) * 4;
      case 4 -> random.nextInt(MEMORY) & ~3;
      case 5 -> OFFSET + random.nextInt(MEMORY);
      case 6 -> -random.nextInt(0x500000);
      default -> random.nextInt(300);
    };
  }

  private void scatter(TestGuest guest, int from, int bytes) {
    for (int at = from; at < from + bytes; at += 4) if (random.nextInt(3) == 0) guest.set(at, random.nextInt(4) == 0 ? 0 : number());
  }

  /** A guest that makes the calls the test writes down for it, for ever, and whose handlers all go on. */
  private TestGuest caller(SoftwareHostProvider provider) {
    TestGuest guest = new TestGuest(provider);
    guest.memory.share(SHARED_PAGE, NETWORK);
    guest.boot();
    int again = guest.handler(asm -> asm.label("again").load(Asm.EAX, OFFSET + ARGUMENTS).load(Asm.EDX, OFFSET + ARGUMENTS + 4)
        .load(Asm.EBX, OFFSET + ARGUMENTS + 8).load(Asm.ECX, OFFSET + ARGUMENTS + 12).interrupt(0x1F).tell(-7).jump("again"));
    int handler = guest.handler(asm -> asm.mov(Asm.ESP, KERNEL_STACK_TOP).storeImmediate(OFFSET + DATA, 0x200).mov(Asm.EAX, again).bytes(0xFF, 0xE0));
    for (int vector = 0; vector < 0x40; vector++) if (vector != 13 || random.nextBoolean()) guest.code.gate(vector, handler, 0xE, random.nextInt(4));
    guest.code.mov(Asm.EAX, again).bytes(0xFF, 0xE0); // jmp eax
    return guest.open();
  }

  private void arm(TestGuest guest) {
    int[] calls = {0, 2, 3, 4, 5, 6, 7, 8, 9, 10, 12, 12, 12, 13, 13, 13, 14, 15, 16, number()};
    guest.set(ARGUMENTS, calls[random.nextInt(random.nextInt(10) == 0 ? calls.length : calls.length - 1)]);
    guest.set(ARGUMENTS + 4, number());
    guest.set(ARGUMENTS + 8, number());
    guest.set(ARGUMENTS + 12, random.nextBoolean() ? random.nextInt(20) << 8 | random.nextInt(34) : number());
    if (random.nextInt(4) == 0) scatter(guest, LISTS, 0x400);
    if (random.nextInt(8) == 0) guest.list(LISTS + random.nextInt(4) * 100, 0x4_0000 + random.nextInt(0x1000), 1 + random.nextInt(0x800), 0x5_0000, 1 + random.nextInt(0x1000));
    if (random.nextInt(8) == 0) guest.ring(random.nextInt(64), random.nextInt(18), number(), number(), number());
    if (random.nextInt(50) == 0) scatter(guest, DATA, GuestData.SIZE);
    if (random.nextInt(200) == 0) scatter(guest, DIRECTORY, 0x3000);
  }

  private void fromOutside(TestGuest guest) {
    switch (random.nextInt(6)) {
      case 0 -> guest.host.getDma(random.nextInt(50) == 0 ? Integer.toUnsignedLong(number()) : SHARED_PAGE + random.nextInt(64) * 4);
      case 1 -> guest.host.interrupt(random.nextInt(32));
      case 2 -> guest.host.memoryWritten(random.nextInt(MEMORY), random.nextInt(10_000));
      default -> { }
    }
  }

  /** Runs a guest while another thread breaks in every so often, so that a sleeping or looping guest ends. */
  private void live(TestGuest guest, int rounds) {
    Thread breaker = Thread.ofPlatform().daemon().start(() -> {
      while (!Thread.interrupted()) {
        guest.host.breakIn();
        LockSupport.parkNanos(500_000);
      }
    });
    try {
      int breaks = 0;
      for (int round = 0; round < rounds && breaks < 20; round++) {
        arm(guest);
        Host.Outcome outcome = guest.host.run();
        if (outcome instanceof Host.Outcome.Dead(String reason)) {
          synchronized (ENDS) {
            ENDS.merge(reason.replaceAll("0x[0-9a-f]+|-?\\d+", "#").strip(), 1, Integer::sum);
          }
          return;
        }
        if (outcome instanceof Host.Outcome.Break) {
          breaks++;
          guest.host.release();
          guest.host.interrupt(random.nextInt(32));
        }
        fromOutside(guest);
      }
    } catch (RuntimeException | Error e) {
      throw new AssertionError("seed " + seed, e);
    } finally {
      breaker.interrupt();
      while (breaker.isAlive()) Thread.onSpinWait();
    }
  }

  @RepeatedTest(150)
  void randomCalls() {
    try (TestGuest guest = caller(new SoftwareHostProvider())) {
      live(guest, 300);
    }
  }

  @RepeatedTest(60)
  void randomCallsBetweenNeighbours() throws Exception {
    SoftwareHostProvider provider = new SoftwareHostProvider();
    HostileGuestTest other = new HostileGuestTest();
    try (TestGuest one = caller(provider); TestGuest two = other.caller(provider)) {
      Throwable[] failure = new Throwable[1];
      Thread thread = Thread.ofPlatform().start(() -> {
        try {
          other.live(two, 300);
        } catch (Throwable e) {
          failure[0] = e;
        }
      });
      live(one, 300);
      thread.join();
      if (failure[0] != null) throw new AssertionError(failure[0]);
    }
  }

  /** Nothing but noise for code, in ring 1 and in user mode. */
  @RepeatedTest(150)
  void randomCode() {
    try (TestGuest guest = new TestGuest()) {
      byte[] noise = new byte[0x8000];
      random.nextBytes(noise);
      for (int i = 0; i < noise.length; i++) if (random.nextInt(4) == 0) noise[i] = (byte) (random.nextBoolean() ? 0xCD : 0x1F);
      for (int i = 0; i < noise.length; i++) guest.memory.segment().set(ValueLayout.JAVA_BYTE, USER_CODE + i, noise[i]);
      guest.boot();
      boolean user = random.nextBoolean();
      for (int vector = 0; vector < 0x40; vector++) {
        int target = OFFSET + USER_CODE + random.nextInt(0x8000);
        guest.code.gate(vector, target, 0xE + random.nextInt(2), random.nextInt(4));
      }
      if (user) guest.enterUser(USER_CODE + random.nextInt(0x8000));
      else guest.code.mov(Asm.EAX, OFFSET + USER_CODE + random.nextInt(0x8000)).bytes(0xFF, 0xE0);
      guest.open();
      live(guest, 200);
    }
  }
}
