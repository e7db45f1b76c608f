package lguest.launcher.memory;

import java.io.IOException;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.nio.file.Path;
import java.util.Map;
import java.util.concurrent.ConcurrentHashMap;
import lguest.launcher.LaunchException;
import lguest.launcher.system.InputFile;
import lguest.launcher.system.Mapping;
import lguest.launcher.system.OsException;
import lguest.memory.GuestMemory;
import lguest.memory.InvalidAddressException;
import lguest.memory.PageIdentity;

/**
 * Tour 3.2: What a guest takes for its memory
 *
 * <p>A guest's physical memory is one stretch of our own address space, so that byte n of the stretch is guest-physical address n. At its bottom lies RAM; above it the page
 * that describes the devices, then the pages the devices share with the guest. All of it reads as zero until somebody writes (L18), and costs nothing until then.
 *
 * <p>Files are copied into it. The original mapped them, so that guests of one kernel had its text in memory once (L11); but a page of a file that somebody cuts off kills the process
 * that touches it, and here that is the process of all guests.
 *
 * <p>The stretch dies with its arena, and that is what makes guests safe to end: a device's thread that comes too late finds an exception and not a hole in the address space.
 */
public final class MappedMemory implements GuestMemory, AutoCloseable {
  /** Device pages, besides the descriptor page: sixteen for each of sixteen devices. Nobody's until they are given out. */
  public static final int MAX_DEVICE_PAGES = 256;
  /** Bytes of RAM there can be: all addresses have 32 bits, the last page is left out, and the devices' pages lie above RAM. */
  public static final long MAX_RAM = (1L << 32) - (2 + MAX_DEVICE_PAGES) * PAGE_SIZE;

  private final Arena arena = Arena.ofShared();
  private final long ram;
  private final MemorySegment segment;
  private long used;
  private final Map<Long, PageIdentity> shared = new ConcurrentHashMap<>();

  /** Maps RAM and the descriptor page. {@code ram} must have been checked: whole pages, at most {@link #MAX_RAM}. */
  public MappedMemory(long ram) throws LaunchException {
    if (ram <= 0 || ram > MAX_RAM || ram % PAGE_SIZE != 0) throw new IllegalArgumentException("RAM of " + ram + " bytes");
    this.ram = ram;
    try {
      segment = Mapping.reserve(ram + (1 + MAX_DEVICE_PAGES) * (long) PAGE_SIZE, arena);
    } catch (OsException e) {
      arena.close();
      throw new LaunchException("this machine does not give the guest " + (ram >> 20) + " MiB of memory: " + e.getMessage() + "; start it with less", e);
    }
    used = ram + PAGE_SIZE;
  }

  @Override public long ram() { return ram; }

  @Override public long size() { return segment.byteSize(); }

  @Override public MemorySegment segment() { return segment; }

  /** Gives out device pages nobody has yet, and returns the address of the first. At any time: they all exist from the beginning, since a Host is told the size once. */
  public synchronized long addPages(int count) {
    if (count > (size() - used) / PAGE_SIZE) throw new IllegalStateException("there are only " + MAX_DEVICE_PAGES + " device pages");
    long address = used;
    used += (long) count * PAGE_SIZE;
    return address;
  }

  /** Takes device pages back that nobody has used, if they were the last given out. */
  public synchronized void takeBack(long address, int count) { if (address + (long) count * PAGE_SIZE == used) used = address; }

  /** A bounded view that also dies with {@code borrower}, so that it can be taken back. {@code borrower} must be closed before this memory. */
  public MemorySegment lend(long address, long length, Arena borrower) {
    return view(address, length).reinterpret(borrower, null);
  }

  /** The guest-physical address of a view of this memory. */
  public long addressOf(MemorySegment view) {
    long address = view.address() - segment.address();
    if (!view.isNative() || !contains(address, view.byteSize())) throw new IllegalArgumentException("not a part of this guest's memory: " + view);
    return address;
  }

  /** Copies a part of a file to {@code address}. */
  public void load(InputFile file, long offset, long address, long length) throws LaunchException {
    if (length != 0) file.read(offset, view(address, length));
  }

  /** Lays the first page of a file over a device page, shared with everybody who has it mapped (L45). */
  public void share(Path file, long address) throws IOException {
    Mapping.FilePage page = Mapping.layShared(file, view(address, PAGE_SIZE));
    shared.put(address / PAGE_SIZE, new PageIdentity.Shared(page.device(), page.inode(), page.index()));
  }

  @Override public PageIdentity pageIdentity(long address) {
    if (!contains(address, 1)) throw new InvalidAddressException(address, 1);
    PageIdentity identity = shared.get(address / PAGE_SIZE);
    return identity != null ? identity : new PageIdentity.Private(this, address / PAGE_SIZE);
  }

  /** Unmaps everything. An {@link IllegalStateException} while some thread's input or output is still under way in it; try again then. */
  @Override public void close() { arena.close(); }
}
