package lguest.cpu.x86.mmu;

import static lguest.cpu.x86.state.CpuState.*;

import java.lang.invoke.VarHandle;
import lguest.cpu.x86.CpuConfig;
import lguest.cpu.x86.Exit;
import lguest.cpu.x86.state.GuestFault;
import lguest.cpu.x86.state.Native;

/**
 * Linear memory.
 *
 * <p>
 * Tour 5.5: From an address to a byte
 *
 * <p>Every access first asks a small table, the soft TLB: does this page stand in the entry its number selects? Then the byte
 * is at a known distance. Otherwise the page tables
 * are walked as hardware does, setting accessed and dirty bits, and the entry is filled. There is one table for supervisor and
 * one for user accesses, so changing privilege is changing a pointer.
 *
 * <p>Accesses that cross a page translate both pages before they touch either. Pages from which code was decoded are never
 * entered for writing, so stores to them come here and
 * tell the {@link CodeWatcher} first.
 */
public final class Mmu {
  /** Told of stores to pages with decoded code, before they happen. */
  public interface CodeWatcher {
    void storing(int physical, int bytes);
  }

  /** No address: the access faults, as the processor's one {@link GuestFault} says. */
  public static final long FAULT = -1;

  private static final long PAGE = ~0xFFFL;
  private static final int P = 1, RW = 2, US = 4, ACCESSED = 0x20, DIRTY = 0x40, LARGE = 0x80;
  private static final int PG = 1 << 31, WP = 1 << 16;
  /** CR4: directory entries may map 4 MiB. */
  public static final int PSE = 1 << 4;

  private final long state;
  private final long memory;
  private final long size;
  private final CpuConfig config;
  private final GuestFault fault;
  private final CodeWatcher watcher;
  private final SoftTlb entries;
  /** Address of a byte per physical page: code was decoded from it. Written by the vCPU thread only. */
  private final long code;
  /** Host address of a scratch area for read-modify-write accesses that cannot go straight to memory. */
  private final long bounce;
  private int bounceLinear;
  private int bounceSize;

  /** Host address of the TLB in use; state slot TLB holds the same for emitted code. */
  private long tlb;
  private boolean user;
  /** Not null: every store is noted there before it happens, and goes the slow way for that. */
  private StoreLog log;
  /** Not null: data accesses to their pages are looked at. */
  private Breakpoints breakpoints;
  public long flushes;

  /** {@code bounce}: address of 64 bytes for its own use, and {@code code}: of one per page of memory, all 0. */
  public Mmu(long state, long bounce, long code, long memory, long size, CpuConfig config, GuestFault fault, CodeWatcher watcher) {
    this.state = state;
    this.bounce = bounce;
    this.memory = memory;
    this.size = size;
    this.config = config;
    this.fault = fault;
    this.watcher = watcher;
    this.code = code;
    Native.set64(state + RAM, memory);
    Native.set32(state + LINEAR_LAST, config.linearLimit() - 1);
    Native.set32(state + DIRECTORY_FORBIDDEN, config.directoryForbidden());
    Native.set32(state + TABLE_FORBIDDEN, config.tableForbidden());
    Native.set64(state + CODE_MARKS, code);
    letWalk();
    setUser(false);
    entries = new SoftTlb(state);
  }

  // ---- fast paths: sign-extended like Native

  public int read8(int a) {
    long e = entry(a);
    if (Native.get64(e + TLB_READ) == (a & 0xFFFFF000L)) return Native.get8(Native.get64(e + TLB_ADDEND) + unsigned(a));
    return (byte) readSlow(a, 1);
  }

  public int read16(int a) {
    long e = entry(a);
    if (Native.get64(e + TLB_READ) == (unsigned(a) + 1 & PAGE)) return Native.get16(Native.get64(e + TLB_ADDEND) + unsigned(a));
    return (short) readSlow(a, 2);
  }

  public int read32(int a) {
    long e = entry(a);
    if (Native.get64(e + TLB_READ) == (unsigned(a) + 3 & PAGE)) return Native.get32(Native.get64(e + TLB_ADDEND) + unsigned(a));
    return (int) readSlow(a, 4);
  }

  public long read64(int a) {
    long e = entry(a);
    if (Native.get64(e + TLB_READ) == (unsigned(a) + 7 & PAGE)) return Native.get64(Native.get64(e + TLB_ADDEND) + unsigned(a));
    return readSlow(a, 8);
  }

  public void write8(int a, int value) {
    long e = entry(a);
    if (Native.get64(e + TLB_WRITE) == (a & 0xFFFFF000L)) Native.set8(Native.get64(e + TLB_ADDEND) + unsigned(a), value);
    else writeSlow(a, 1, value);
  }

  public void write16(int a, int value) {
    long e = entry(a);
    if (Native.get64(e + TLB_WRITE) == (unsigned(a) + 1 & PAGE)) Native.set16(Native.get64(e + TLB_ADDEND) + unsigned(a), value);
    else writeSlow(a, 2, value);
  }

  public void write32(int a, int value) {
    long e = entry(a);
    if (Native.get64(e + TLB_WRITE) == (unsigned(a) + 3 & PAGE)) Native.set32(Native.get64(e + TLB_ADDEND) + unsigned(a), value);
    else writeSlow(a, 4, value);
  }

  public void write64(int a, long value) {
    long e = entry(a);
    if (Native.get64(e + TLB_WRITE) == (unsigned(a) + 7 & PAGE)) Native.set64(Native.get64(e + TLB_ADDEND) + unsigned(a), value);
    else writeSlow(a, 8, value);
  }

  /**
   * Where to load, change and store an operand of up to 8 bytes in place. Checked for writing, as the processor does for
   * read-modify-write. {@link #close} must follow the store.
   */
  public long open(int a, int bytes) {
    long e = entry(a);
    if (Native.get64(e + TLB_WRITE) == (unsigned(a) + bytes - 1 & PAGE)) return Native.get64(e + TLB_ADDEND) + unsigned(a);
    return openSlow(a, bytes);
  }

  public void close(long opened) {
    if (opened == bounce) commit();
  }

  /** Faults unless n bytes (at most a page) may be written at a. Changes nothing but accessed and dirty bits. */
  public void probeWrite(int a, int bytes) {
    translate(a, true);
    if (crosses(a, bytes)) translate(nextPage(a), true);
  }

  public void probeRead(int a, int bytes) {
    translate(a, false);
    if (crosses(a, bytes)) translate(nextPage(a), false);
  }

  /** Host address of a, good to the end of its page, for reading; fills the TLB. */
  public long readable(int a) {
    long e = entry(a);
    if (Native.get64(e + TLB_READ) == (a & 0xFFFFF000L)) return Native.get64(e + TLB_ADDEND) + unsigned(a);
    return memory + unsigned(translate(a, false));
  }

  /**
   * Host address of a, good to the end of its page, for writing, or 0 when stores there must go one by one (the page has
   * code). May fault.
   */
  public long writable(int a) {
    long e = entry(a);
    if (Native.get64(e + TLB_WRITE) == (a & 0xFFFFF000L)) return Native.get64(e + TLB_ADDEND) + unsigned(a);
    int physical = translate(a, true);
    return hasCode(physical >>> 12) || log != null ? 0 : memory + unsigned(physical);
  }

  /** {@link #readable} or {@link #writable} without throwing: {@link #FAULT}, or 0 where that is their answer, or anything else. */
  public long tryAccess(int a, boolean write) {
    long physical = walk(a, write);
    return physical == FAULT ? FAULT : write && (hasCode((int) (physical >>> 12)) || log != null) ? 0 : memory + physical;
  }

  /** Guest-physical address of code at a; faults as a fetch does. */
  public int fetch(int a) {
    return (int) (readable(a) - memory);
  }

  /** Host address of a guest-physical one that the MMU gave out. */
  public long host(int physical) {
    return memory + unsigned(physical);
  }

  /** And back. */
  public long physical(long host) {
    return host - memory;
  }

  private long entry(int a) {
    return tlb + ((a >>> 12 & TLB_ENTRIES - 1) << TLB_ENTRY_SHIFT);
  }

  private static long unsigned(int a) {
    return a & 0xFFFFFFFFL;
  }

  private static boolean crosses(int a, int bytes) {
    return (a & 0xFFF) + bytes > 0x1000;
  }

  /** Where a crossing access meets its second page: the address that a page fault there names. */
  private static int nextPage(int a) {
    return (a | 0xFFF) + 1;
  }

  // ---- slow paths

  private long readSlow(int a, int bytes) {
    long value = readUnseen(a, bytes);
    if (breakpoints != null) breakpoints.accessed(a, bytes, false);
    return value;
  }

  private long readUnseen(int a, int bytes) {
    if (!crosses(a, bytes)) return load(memory + unsigned(translate(a, false)), bytes);
    int first = 0x1000 - (a & 0xFFF);
    long low = memory + unsigned(translate(a, false));
    long high = memory + unsigned(translate(a + first, false));
    long value = 0;
    for (int i = 0; i < bytes; i++) value |= (Native.get8(i < first ? low + i : high + i - first) & 0xFFL) << i * 8;
    return value;
  }

  private void writeSlow(int a, int bytes, long value) {
    writeUnseen(a, bytes, value);
    if (breakpoints != null) breakpoints.accessed(a, bytes, true);
  }

  private void writeUnseen(int a, int bytes, long value) {
    if (!crosses(a, bytes)) {
      int physical = translate(a, true);
      storing(physical, bytes);
      if (log != null) log.add(memory + unsigned(physical), bytes);
      store(memory + unsigned(physical), bytes, value);
      return;
    }
    int first = 0x1000 - (a & 0xFFF);
    int low = translate(a, true);
    int high = translate(a + first, true);
    storing(low, first);
    storing(high, bytes - first);
    if (log != null) {
      log.add(memory + unsigned(low), first);
      log.add(memory + unsigned(high), bytes - first);
    }
    for (int i = 0; i < bytes; i++) Native.set8(memory + unsigned(i < first ? low + i : high + i - first), (int) (value >>> i * 8));
  }

  private long openSlow(int a, int bytes) {
    int physical = translate(a, true);
    boolean crosses = crosses(a, bytes);
    if (breakpoints != null) breakpoints.accessed(a, bytes, true);
    if (!crosses && !hasCode(physical >>> 12) && log == null) return memory + unsigned(physical);
    if (crosses) translate(nextPage(a), true);
    bounceLinear = a;
    bounceSize = bytes;
    long value = readSlow(a, bytes);
    Native.set64(bounce, value);
    return bounce;
  }

  private void commit() {
    writeSlow(bounceLinear, bounceSize, Native.get64(bounce));
  }

  private static long load(long at, int bytes) {
    return switch (bytes) {
      case 1 -> Native.get8(at);
      case 2 -> Native.get16(at);
      case 4 -> Native.get32(at);
      default -> Native.get64(at);
    };
  }

  private static void store(long at, int bytes, long value) {
    switch (bytes) {
      case 1 -> Native.set8(at, (int) value);
      case 2 -> Native.set16(at, (int) value);
      case 4 -> Native.set32(at, (int) value);
      default -> Native.set64(at, value);
    }
  }

  private void storing(int physical, int bytes) {
    if (hasCode(physical >>> 12)) watcher.storing(physical, bytes);
  }

  // ---- page tables

  /** Walks, checks rights, sets accessed and dirty, fills the TLB. Returns the guest-physical address. */
  private int translate(int a, boolean write) {
    long physical = walk(a, write);
    if (physical == FAULT) throw fault;
    return (int) physical;
  }

  /** The same without throwing: {@link #FAULT}, and the fault is told in the one object there is. */
  private long walk(int a, boolean write) {
    Native.set64(state + WALKS, misses() + 1);
    if (config.linearLimit() != 0 && Integer.compareUnsigned(a, config.linearLimit()) >= 0) return pageFault(a, write, 0);
    int cr0 = Native.get32(state + CR0);
    if ((cr0 & PG) == 0) {
      if (unsigned(a) >= size) return broken(Exit.BAD_PAGE_TABLE_ENTRY, a);
      return fill(a, a, true);
    }
    long directory = unsigned(Native.get32(state + CR3) & 0xFFFFF000) + (a >>> 22) * 4;
    if (directory >= size) return broken(Exit.BAD_PAGE_DIRECTORY_ENTRY, a);
    directory += memory;
    int pde = Native.get32(directory);
    if ((pde & P) == 0) return pageFault(a, write, 0);
    if ((pde & config.directoryForbidden()) != 0) return broken(Exit.BAD_PAGE_DIRECTORY_ENTRY, a);
    if ((pde & LARGE) != 0 && (Native.get32(state + CR4) & PSE) != 0) return large(a, write, directory, pde, cr0);
    long table = unsigned(pde & 0xFFFFF000) + (a >>> 12 & 0x3FF) * 4;
    if (table >= size) return broken(Exit.BAD_PAGE_DIRECTORY_ENTRY, a);
    table += memory;
    int pte = Native.get32(table);
    if ((pte & P) == 0) return pageFault(a, write, 0);
    int rights = pde & pte;
    if (!allowed(write, rights, cr0)) return pageFault(a, write, P);
    if ((pte & config.tableForbidden()) != 0 || unsigned(pte & 0xFFFFF000) >= size) return broken(Exit.BAD_PAGE_TABLE_ENTRY, a);
    if ((pde & ACCESSED) == 0) mark(directory, pde | ACCESSED);
    int marked = pte | ACCESSED | (write ? DIRTY : 0);
    if (marked != pte) mark(table, marked);
    return fill(a, pte & 0xFFFFF000 | a & 0xFFF, (marked & DIRTY) != 0 && writes(rights, cr0));
  }

  private long large(int a, boolean write, long directory, int pde, int cr0) {
    if (!allowed(write, pde, cr0)) return pageFault(a, write, P);
    int physical = pde & 0xFFC00000 | a & 0x3FFFFF;
    if (unsigned(physical) >= size) return broken(Exit.BAD_PAGE_TABLE_ENTRY, a);
    int marked = pde | ACCESSED | (write ? DIRTY : 0);
    if (marked != pde) mark(directory, marked);
    return fill(a, physical, (marked & DIRTY) != 0 && writes(pde, cr0));
  }

  private boolean allowed(boolean write, int rights, int cr0) {
    return (!user || (rights & US) != 0) && (!write || writes(rights, cr0));
  }

  private boolean writes(int rights, int cr0) {
    return (rights & RW) != 0 || !user && (cr0 & WP) == 0;
  }

  /** Page tables may have been decoded as code by a hostile guest: its blocks must go like after any store. */
  private void mark(long entry, int value) {
    storing((int) (entry - memory), 4);
    Native.set32(entry, value);
  }

  private long pageFault(int a, boolean write, int present) {
    fault.page(a, present | (write ? RW : 0) | (user ? US : 0));
    return FAULT;
  }

  private long broken(Exit exit, int a) {
    fault.broken(exit, a);
    return FAULT;
  }

  /** Returns the address as a number without sign. */
  private long fill(int a, int physical, boolean writable) {
    if (breakpoints != null && breakpoints.watches(a & 0xFFFFF000)) SoftTlb.invalidate(entry(a));
    else entries.fill(entry(a), a, memory + unsigned(physical) - unsigned(a), writable && !hasCode(physical >>> 12) && log == null);
    return unsigned(physical);
  }

  /** Translation with supervisor rights and without any effect; -1 for a fault or a broken table. */
  public long peek(int a) {
    if (config.linearLimit() != 0 && Integer.compareUnsigned(a, config.linearLimit()) >= 0) return -1;
    if ((Native.get32(state + CR0) & PG) == 0) return unsigned(a) < size ? unsigned(a) : -1;
    long directory = unsigned(Native.get32(state + CR3) & 0xFFFFF000) + (a >>> 22) * 4;
    if (directory >= size) return -1;
    int pde = Native.get32(memory + directory);
    if ((pde & P) == 0 || (pde & config.directoryForbidden()) != 0) return -1;
    long physical;
    if ((pde & LARGE) != 0 && (Native.get32(state + CR4) & PSE) != 0) {
      physical = unsigned(pde & 0xFFC00000 | a & 0x3FFFFF);
    } else {
      long table = unsigned(pde & 0xFFFFF000) + (a >>> 12 & 0x3FF) * 4;
      if (table >= size) return -1;
      int pte = Native.get32(memory + table);
      if ((pte & P) == 0 || (pte & config.tableForbidden()) != 0) return -1;
      physical = unsigned(pte & 0xFFFFF000 | a & 0xFFF);
    }
    return physical < size ? physical : -1;
  }

  // ---- TLB upkeep

  /** Which data accesses to look out for from now on; null for none. */
  public void breakpoints(Breakpoints breakpoints) {
    this.breakpoints = breakpoints;
    letWalk();
    flush();
  }

  /** Notes stores from now on, or with null no longer. */
  public void log(StoreLog log) {
    this.log = log;
    if (log != null) entries.withNoted();
    letWalk();
    setUser(user);
  }

  /** Emitted code may fill the TLB as long as nobody wants to see accesses. */
  private void letWalk() {
    Native.set64(state + RAM_SIZE, log == null && breakpoints == null ? size : 0);
  }

  /** Bytes of guest memory. */
  public long size() {
    return size;
  }

  /** Walks through the page tables so far, by whomever. */
  public long misses() {
    return Native.get64(state + WALKS);
  }

  /** Whose rights count from now on. */
  public void setUser(boolean user) {
    this.user = user;
    tlb = state + (user ? TLB_USER : TLB_SUPERVISOR) + (log == null ? 0 : TLB_NOTED - TLB_SUPERVISOR);
    Native.set64(state + TLB, tlb);
  }

  public boolean user() {
    return user;
  }

  public void flush() {
    flushes++;
    entries.flush();
  }

  public void flushPage(int a) {
    entries.flushPage(a);
  }

  public void flushRange(int a, long length) {
    if (length <= 0) return;
    long pages = ((a & 0xFFF) + length + 0xFFF) >>> 12;
    if (pages >= TLB_ENTRIES) flush();
    else for (long i = 0; i < pages; i++) flushPage(a + (int) (i << 12));
  }

  // ---- pages with code

  public boolean hasCode(int page) {
    return Native.get8(code + page) != 0;
  }

  /** Code is about to be decoded from a page: from now on stores to it are seen. */
  public void watch(int page) {
    if (hasCode(page)) return;
    Native.set8(code + page, 1);
    entries.closeForWriting(memory + ((long) page << 12));
    // Pairs with the fence in Core.memoryWritten: either the other thread sees the mark, or we decode its bytes.
    VarHandle.fullFence();
  }

  public void unwatch(int page) {
    Native.set8(code + page, 0);
  }
}
