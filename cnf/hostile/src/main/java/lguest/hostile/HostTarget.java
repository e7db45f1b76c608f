package lguest.hostile;

import java.lang.foreign.Arena;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.Random;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.FutureTask;
import java.util.concurrent.locks.LockSupport;
import lguest.host.Host;
import lguest.host.HostConfig;
import lguest.host.HostProvider;
import lguest.host.software.SoftwareHostProvider;

/**
 * The Host alone, with a test for a Launcher: hypercalls, DMA between guests, page tables, descriptors, and random code. One guest is hostile, or two at once (the steps of the second begin
 * with {@code two.}); a third lives beside them and wants nothing but to be left alone: it must go on, and of its memory only the buffers it has offered to the network may change.
 */
final class HostTarget implements Target {
  /** Breaks after which a guest that does nothing any more is given up. */
  private static final int BREAKS = 3;
  private static final long BREAK_NANOS = 4_000_000;
  private static final int QUIET_MARK = 0x1234, QUIET_BUFFERS = 0x9_0000, QUIET_LINE = 3;

  private final Inventor.Bent bent;
  private final Map<String, String> engine;
  private final Arena arena = Arena.ofShared();
  private final HostProvider provider = new SoftwareHostProvider();
  private final Island[] islands = {new Island(arena), new Island(arena)};
  private final Island quiet = new Island(arena);
  private final Host quietHost;
  private final byte[] quietMemory;
  private final Thread breaker;
  private volatile List<Host> running = List.of();

  /** @param engine the processor's, by its name */
  HostTarget(Inventor.Bent bent, String engine) {
    this.bent = bent;
    this.engine = Map.of("cpu", engine);
    quietHost = provider.open(quiet.settle(9, quietScript(), this.engine));
    for (int calls = 0; calls < 1 + 8; calls++) awaitQuiet();
    quietMemory = quiet.segment().toArray(java.lang.foreign.ValueLayout.JAVA_BYTE);
    breaker = Thread.ofPlatform().daemon().name("fuzz-breaker").start(() -> {
      while (!Thread.interrupted()) {
        LockSupport.parkNanos(BREAK_NANOS);
        for (Host host : running) host.breakIn();
      }
    });
  }

  /** Binds eight buffers on its line of the network, then tells for ever that it is there. */
  private static Script quietScript() {
    List<Step> steps = new ArrayList<>();
    for (int i = 0; i < 8; i++) {
      steps.add(new Step("list", Script.LISTS + i * 100, 0, QUIET_BUFFERS + i * 4096, 1514));
      steps.add(new Step("call", 13, 0, QUIET_MARK));
    }
    steps.add(new Step("call", 12, Island.RAM + Script.NET_PAGE * 4096 + 4 * QUIET_LINE, Script.LISTS, 8 << 8 | 2));
    steps.add(new Step("call", 13, 0, QUIET_MARK));
    return new Script(steps, Island.RAM, true);
  }

  private void awaitQuiet() {
    for (int breaks = 0; breaks < 1000; breaks++)
      switch (quietHost.run()) {
        case Host.Outcome.Dma(long address, long key) -> {
          Finding.unless(address == QUIET_MARK && key == 0, "the guest beside it says something else: %#x, %#x", address, key);
          return;
        }
        case Host.Outcome.Break() -> quietHost.release();
        case Host.Outcome.Dead(String reason) -> throw new Finding("the guest beside it has died: " + reason);
      }
    throw new Finding("the guest beside it does not go on");
  }

  /** The guest beside it is alive, and only its buffers and what is said of them have changed; which it gives out again. */
  private void checkQuiet() {
    awaitQuiet();
    for (int i = 0; i < 8; i++) {
      int list = Script.LISTS + i * 100, used = quiet.get(list);
      Finding.unless(used >= 0 && used <= 1514, "the guest beside it is told of %d bytes in a buffer of 1514", used);
      quiet.segment().asSlice(QUIET_BUFFERS + i * 4096L, 1514).fill((byte) 0);
      quiet.set(list, 0);
    }
    // What the Host and its own program write: the stack, notes, position.
    long from = Script.LISTS, at = quiet.segment().asSlice(from).mismatch(java.lang.foreign.MemorySegment.ofArray(quietMemory).asSlice(from));
    // Accessed and dirty bits of its page table may come late.
    Finding.unless(at < 0 || from + at >= Island.RAM - 2 * 4096, "memory of the guest beside it was written at %#x", from + at);
    quiet.checkWater();
  }

  @Override public List<Step> invent(Random random) {
    List<Step> steps = new Inventor(random, Island.RAM).life(bent);
    if (bent == Inventor.Bent.CALLS && random.nextInt(4) == 0)
      for (Step step : new Inventor(random, Island.RAM).life(bent)) steps.add(new Step("two." + step.act(), step.numbers()));
    return steps;
  }

  private record Hostile(Host host, Script script, Island island) {
    int begun() { return script.begun(island.get(Script.POSITION)); }
  }

  @Override public Life live(List<Step> steps) throws Exception {
    List<Step> one = steps.stream().filter(step -> !step.act().startsWith("two.")).toList();
    List<Step> two = steps.stream().filter(step -> step.act().startsWith("two.")).map(step -> new Step(step.act().substring(4), step.numbers())).toList();
    Hostile first = settle(0, one), second = two.isEmpty() ? null : settle(1, two);
    String end;
    try {
      running = second == null ? List.of(first.host, quietHost) : List.of(first.host, second.host, quietHost);
      FutureTask<String> beside = new FutureTask<>(() -> run(second.host));
      if (second != null) Thread.ofPlatform().daemon().name("fuzz-second").start(beside);
      end = run(first.host);
      if (second != null) beside.get();
    } catch (ExecutionException e) {
      throw e.getCause() instanceof Finding finding ? finding : new Finding(e.getCause().toString(), e.getCause());
    } finally {
      running = List.of(quietHost);
      first.host.close();
      if (second != null) second.host.close();
    }
    first.island.checkWater();
    if (second != null) second.island.checkWater();
    checkQuiet();
    return new Life(first.begun() + (second == null ? 0 : second.begun()), end);
  }

  private Hostile settle(int which, List<Step> steps) {
    Script script = new Script(steps, Island.RAM);
    HostConfig config = islands[which].settle(which, script, engine);
    return new Hostile(provider.open(config), script, islands[which]);
  }

  /** What a Launcher does, with whatever comes: how it ended. */
  private static String run(Host host) {
    int breaks = 0;
    while (true)
      switch (host.run()) {
        case Host.Outcome.Dma(long address, long key) -> fromOutside(host, new Random(address * 31 + key));
        case Host.Outcome.Break() -> {
          if (++breaks > BREAKS) return "doing nothing for long";
          host.release();
          host.interrupt(breaks);
        }
        case Host.Outcome.Dead(String reason) -> {
          Finding.unless(host.run().equals(new Host.Outcome.Dead(reason)), "death is not for ever");
          return Reasons.check(reason);
        }
      }
  }

  private static void fromOutside(Host host, Random random) {
    switch (random.nextInt(6)) {
      case 0 -> host.getDma(random.nextInt(Island.RAM + 3 * 4096) & (random.nextInt(20) == 0 ? -1 : ~3));
      case 1 -> host.getDma(random.nextBoolean() ? 0 : Island.RAM + Script.NET_PAGE * 4096 + random.nextInt(4) * 4);
      case 2 -> host.interrupt(random.nextInt(32));
      case 3 -> host.memoryWritten(random.nextInt(Island.RAM), random.nextInt(10_000));
      default -> { }
    }
  }

  @Override public void close() throws InterruptedException {
    breaker.interrupt();
    breaker.join();
    quietHost.close();
    arena.close();
  }
}
