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

/** A Launcher with a scripted Host, a small kernel, and whatever devices a test adds. */
final class GuestFixture implements AutoCloseable {
  static final long RAM = 8 << 20;

  final LauncherService launcher = new LauncherService();
  final ScriptedHost.Provider hosts = new ScriptedHost.Provider();
  final List<String> log = new CopyOnWriteArrayList<>();
  final GuestLog logger = (level, text, cause) -> log.add(level + " " + text + (cause == null ? "" : " " + cause));
  final Path image;
  private long nextServiceId = 1;
  private final Map<DeviceProvider, Map<String, Object>> properties = new java.util.IdentityHashMap<>();

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

  void add(DeviceProvider provider, int ranking) {
    properties.put(provider, Map.of("service.ranking", ranking, "service.id", nextServiceId++));
    launcher.addDevice(provider, properties.get(provider));
  }

  void remove(DeviceProvider provider) { launcher.removeDevice(provider, properties.remove(provider)); }

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
