package lguest.host.software;

import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.util.HashMap;
import java.util.Map;
import lguest.memory.GuestMemory;
import lguest.memory.InvalidAddressException;
import lguest.memory.PageIdentity;

/** Guest memory for tests: anonymous, with pages that can be declared to be pages of a shared file. Only their identity is shared, which is all the Host looks at. */
final class TestMemory implements GuestMemory {
  private final MemorySegment segment;
  private final Map<Long, PageIdentity.Shared> shared = new HashMap<>();

  TestMemory(Arena arena, long size) { segment = arena.allocate(size, PAGE_SIZE); }

  void share(long address, PageIdentity.Shared identity) { shared.put(address / PAGE_SIZE, identity); }

  @Override public long ram() { return size(); }

  @Override public long size() { return segment.byteSize(); }

  @Override public MemorySegment segment() { return segment; }

  @Override public PageIdentity pageIdentity(long address) {
    if (!contains(address, 1)) throw new InvalidAddressException(address, 1);
    PageIdentity.Shared page = shared.get(address / PAGE_SIZE);
    return page != null ? page : new PageIdentity.Private(this, address / PAGE_SIZE);
  }
}
