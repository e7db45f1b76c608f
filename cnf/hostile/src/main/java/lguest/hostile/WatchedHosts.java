package lguest.hostile;

import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.nio.ByteOrder;
import java.util.Map;
import java.util.Optional;
import lguest.host.Host;
import lguest.host.HostConfig;
import lguest.host.HostProvider;
import lguest.memory.GuestMemory;

/** Hosts as they are, but at the end it is looked how far the guest has come in its script, and whether what lies above its memory is untouched. */
final class WatchedHosts implements HostProvider {
  /** The Launcher takes address space for 256 device pages; those that no device has are nobody's. */
  private static final int DEVICE_PAGES = 256;
  private static final byte[] UNTOUCHED = new byte[DEVICE_PAGES * GuestMemory.PAGE_SIZE];
  private final HostProvider provider;
  private volatile int position;
  private volatile boolean overflown;

  WatchedHosts(HostProvider provider) { this.provider = provider; }

  /** The place in its script of the guest that ended last. */
  int position() { return position; }

  void check() { Finding.unless(!overflown, "memory above the guest's was written"); }

  @Override public String name() { return provider.name(); }

  @Override public Host open(HostConfig config) { return new Watched(provider.open(config), config.memory()); }

  private final class Watched implements Host {
    private final Host host;
    private final GuestMemory memory;

    Watched(Host host, GuestMemory memory) {
      this.host = host;
      this.memory = memory;
    }

    @Override public void close() {
      host.close();
      // The demo guest has no script.
      if (memory.ram() != GuestTarget.RAM) return;
      position = memory.segment().get(ValueLayout.JAVA_INT_UNALIGNED.withOrder(ByteOrder.LITTLE_ENDIAN), Script.POSITION);
      long above = (DEVICE_PAGES + 1L) * GuestMemory.PAGE_SIZE - (memory.size() - memory.ram());
      overflown |= MemorySegment.ofAddress(memory.segment().address() + memory.size()).reinterpret(above).mismatch(MemorySegment.ofArray(UNTOUCHED).asSlice(0, above)) >= 0;
    }

    @Override public Outcome run() { return host.run(); }

    @Override public Optional<DmaBuffer> getDma(long key) { return host.getDma(key); }

    @Override public void interrupt(int irq) { host.interrupt(irq); }

    @Override public void breakIn() { host.breakIn(); }

    @Override public void release() { host.release(); }

    @Override public void memoryWritten(long address, long length) { host.memoryWritten(address, length); }

    @Override public long instructions() { return host.instructions(); }

    @Override public Map<String, Long> statistics() { return host.statistics(); }
  }
}
