package lguest.hostile;

import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.nio.ByteOrder;
import java.util.Map;
import lguest.host.HostConfig;
import lguest.memory.GuestMemory;
import lguest.memory.InvalidAddressException;
import lguest.memory.PageIdentity;

/** A guest's memory with water all around: pages that nobody may touch, whatever address the guest makes the processor compute. */
final class Island implements GuestMemory {
  static final int RAM = 1 << 20;
  private static final int DEVICE_PAGES = 3, WATER = 1 << 18;
  private static final byte WAVE = (byte) 0xA5;
  private static final ValueLayout.OfInt INT = ValueLayout.JAVA_INT_UNALIGNED.withOrder(ByteOrder.LITTLE_ENDIAN);
  private static final PageIdentity.Shared NETWORK = new PageIdentity.Shared(1, 2, 0);

  private final MemorySegment before, land, after;
  private final byte[] calm = new byte[WATER];

  Island(Arena arena) {
    int size = RAM + DEVICE_PAGES * PAGE_SIZE;
    MemorySegment all = arena.allocate(size + 2L * WATER, PAGE_SIZE);
    before = all.asSlice(0, WATER).fill(WAVE);
    land = all.asSlice(WATER, size);
    after = all.asSlice(WATER + size).fill(WAVE);
    java.util.Arrays.fill(calm, WAVE);
  }

  /** Makes everything new, with this program, and says where it begins. */
  HostConfig settle(int guestId, Script script, Map<String, String> options) {
    land.fill((byte) 0);
    MemorySegment.copy(MemorySegment.ofArray(script.image), 0, land, Script.CODE, script.image.length);
    int directory = RAM - PAGE_SIZE, table = directory - PAGE_SIZE;
    for (int page = 0; page < size() / PAGE_SIZE; page++) land.set(INT, table + page * 4L, page * PAGE_SIZE | 7);
    land.set(INT, directory + (Script.OFFSET >>> 22) * 4L, table | 7);
    return new HostConfig(guestId, this, directory, Integer.toUnsignedLong(Script.entry()), Integer.toUnsignedLong(Script.OFFSET), options);
  }

  int get(long address) { return land.get(INT, address); }

  void set(long address, int value) { land.set(INT, address, value); }

  void checkWater() {
    MemorySegment calmWater = MemorySegment.ofArray(calm);
    Finding.unless(before.mismatch(calmWater) < 0, "memory below the guest's was written, %d bytes before it", WATER - before.mismatch(calmWater));
    Finding.unless(after.mismatch(calmWater) < 0, "memory above the guest's was written, %d bytes behind it", after.mismatch(calmWater));
  }

  @Override public long ram() { return RAM; }

  @Override public long size() { return land.byteSize(); }

  @Override public MemorySegment segment() { return land; }

  @Override public PageIdentity pageIdentity(long address) {
    if (!contains(address, 1)) throw new InvalidAddressException(address, 1);
    long page = address / PAGE_SIZE;
    return page == RAM / PAGE_SIZE + Script.NET_PAGE ? NETWORK : new PageIdentity.Private(this, page);
  }
}
