package lguest.launcher.run;

import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Arrays;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.concurrent.CopyOnWriteArrayList;
import java.util.function.BooleanSupplier;
import lguest.device.DeviceProvider;
import lguest.launcher.Guest;
import lguest.launcher.GuestLog;
import lguest.launcher.GuestSpec;
import lguest.launcher.LaunchException;
import lguest.launcher.image.Images;
import lguest.launcher.slot.Candidate;

/** A Launcher with a scripted Host, a small kernel, and whatever devices a test adds. */
final class GuestFixture implements AutoCloseable {
  static final long RAM = 8 << 20;

  final LauncherService launcher = new LauncherService();
  final ScriptedHost.Provider hosts = new ScriptedHost.Provider();
  final List<String> log = new CopyOnWriteArrayList<>();
  final GuestLog logger = (level, text, cause) -> log.add(level + " " + text + (cause == null ? "" : " " + cause));
  final Path image;
  private long nextServiceId = 1;
  private final Map<DeviceProvider, Candidate> there = new java.util.IdentityHashMap<>();

  GuestFixture() {
    launcher.host(hosts);
    try {
      image = Files.write(Files.createTempFile("kernel", ".elf"), Images.smallElf());
    } catch (IOException e) {
      throw new AssertionError(e);
    }
  }

  GuestSpec spec(String... devices) {
    return new GuestSpec("", RAM, image, Optional.empty(), Arrays.stream(devices).map(type -> new GuestSpec.DeviceSpec(type, "argument")).toList(), "quiet");
  }

  Guest create(String... devices) throws LaunchException { return launcher.create(spec(devices), logger); }

  ScriptedHost host() { return hosts.last(); }

  void add(DeviceProvider provider) { add(provider, 0); }

  void add(DeviceProvider provider, int ranking) { add(provider, "bundle" + nextServiceId, ranking); }

  /** From a bundle of that name, version 1. Again for one that is there: its ranking changes. */
  void add(DeviceProvider provider, String bundle, int ranking) {
    there.put(provider, new Candidate(provider, bundle, "1.0.0", ranking, nextServiceId++));
    launcher.arrived(there.get(provider), Map.of("lguest.device.type", provider.type(), "lguest.device.option", new String[] {provider.type() + "=<it>"}, "lguest.device.about", "a test"));
  }

  void remove(DeviceProvider provider) { launcher.leaves(there.remove(provider)); }

  void write(long address, String text) { host().config.memory().segment().asSlice(address, text.length()).copyFrom(java.lang.foreign.MemorySegment.ofArray(text.getBytes(StandardCharsets.ISO_8859_1))); }

  String read(long address, int length) { return new String(host().config.memory().view(address, length).toArray(java.lang.foreign.ValueLayout.JAVA_BYTE), StandardCharsets.ISO_8859_1); }

  /** Waits for something that must come; a failure after half a minute. */
  static void await(String what, BooleanSupplier condition) {
    long deadline = System.nanoTime() + 30_000_000_000L;
    while (!condition.getAsBoolean()) {
      if (System.nanoTime() > deadline) throw new AssertionError("never happened: " + what);
      try {
        Thread.sleep(1);
      } catch (InterruptedException e) {
        throw new AssertionError(e);
      }
    }
  }

  @Override public void close() throws IOException {
    launcher.deactivate();
    Files.delete(image);
  }
}
