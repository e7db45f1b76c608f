package lguest.host.software;

import static org.junit.jupiter.api.Assertions.assertEquals;

import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.util.Map;
import java.util.function.Consumer;
import lguest.host.Host;
import lguest.host.HostConfig;
import lguest.host.Sleeper;

/**
 * A guest small enough to be written inside a test. One MiB of memory, mapped at 0xC0000000 as the Launcher does, and a second time from 0 for user mode.
 * The physical places below are the tests' convention.
 */
final class TestGuest implements AutoCloseable {
  static final int OFFSET = 0xC000_0000, MEMORY = 1 << 20;
  static final int DIRECTORY = 0x1000, KERNEL_TABLE = 0x2000, USER_TABLE = 0x3000, GDT = 0x4000, DATA = 0x8000, RESULT = 0x9000, LISTS = 0xA000,
      CODE = 0x1_0000, STACK = 0x2_0000, USER_STACK = 0x2_8000, USER_CODE = 0x3_0000;
  static final int KERNEL_STACK_TOP = OFFSET + STACK;

  private final Arena arena = Arena.ofShared();
  final TestMemory memory = new TestMemory(arena, MEMORY);
  final SoftwareHostProvider provider;
  final Asm code = new Asm(OFFSET + CODE);
  Host host;

  TestGuest() { this(new SoftwareHostProvider()); }

  /** A guest that can meet others of the same provider. */
  TestGuest(SoftwareHostProvider provider) {
    this.provider = provider;
    for (int page = 0; page < MEMORY / 4096; page++) {
      set(KERNEL_TABLE + page * 4, page << 12 | 7);
      set(USER_TABLE + page * 4, page << 12 | 7);
    }
    set(DIRECTORY, USER_TABLE | 7);
    set(DIRECTORY + (OFFSET >>> 22) * 4, KERNEL_TABLE | 7);
    set(DATA + GuestData.BLOCKED_INTERRUPTS, 1);
    for (int i = 0; i < 64; i++) memory.segment().set(ValueLayout.JAVA_BYTE, DATA + GuestData.STATUS + i, (byte) 0xFF);
    descriptor(12, 0x00CF_9A00_0000_FFFFL);
    descriptor(13, 0x00CF_9200_0000_FFFFL);
    descriptor(14, 0x00CF_FA00_0000_FFFFL);
    descriptor(15, 0x00CF_F200_0000_FFFFL);
  }

  /** Writes the image of a descriptor that {@link #boot} loads. */
  void descriptor(int index, long value) { memory.segment().set(ValueLayout.JAVA_LONG_UNALIGNED, GDT + index * 8L, value); }

  int get(long address) { return memory.segment().get(ValueLayout.JAVA_INT_UNALIGNED, address); }

  void set(long address, int value) { memory.segment().set(ValueLayout.JAVA_INT_UNALIGNED, address, value); }

  /** An entry of the asynchronous ring, waiting. */
  void ring(int slot, Hypercall call, int edx, int ebx, int ecx) { ring(slot, call.number, edx, ebx, ecx); }

  void ring(int slot, int call, int edx, int ebx, int ecx) {
    int at = DATA + GuestData.RING + slot * 16;
    set(at, call);
    set(at + 4, edx);
    set(at + 8, ebx);
    set(at + 12, ecx);
    memory.segment().set(ValueLayout.JAVA_BYTE, DATA + GuestData.STATUS + slot, (byte) 0);
  }

  int ringStatus(int slot) { return memory.segment().get(ValueLayout.JAVA_BYTE, DATA + GuestData.STATUS + slot) & 0xFF; }

  /** A {@code struct lguest_dma} with used_len 0; sections are pairs of address and length. */
  void list(long at, int... sections) {
    memory.segment().asSlice(at, DmaList.BYTES).fill((byte) 0);
    for (int i = 0; i < sections.length / 2; i++) {
      set(at + 4 + i * 4, sections[i * 2]);
      memory.segment().set(ValueLayout.JAVA_SHORT_UNALIGNED, at + 68 + i * 2, (short) sections[i * 2 + 1]);
    }
  }

  void text(long at, String text) { MemorySegment.copy(MemorySegment.ofArray(text.getBytes()), 0, memory.segment(), at, text.length()); }

  String text(long at, int length) { return new String(memory.segment().asSlice(at, length).toArray(ValueLayout.JAVA_BYTE)); }

  /** What every kernel does first: a stack, LGUEST_INIT, its descriptors, SET_STACK. */
  TestGuest boot() {
    code.mov(Asm.ESP, KERNEL_STACK_TOP)
        .hypercall(Hypercall.LGUEST_INIT, DATA, 0, 0)
        .hypercall(Hypercall.LOAD_GDT, GDT, 32, 0)
        .hypercall(Hypercall.SET_STACK, 0x69, KERNEL_STACK_TOP, 1);
    return this;
  }

  /** Code placed elsewhere, such as a handler or a user program; returns where it begins. */
  int place(int physical, int linear, Consumer<Asm> writer) {
    Asm asm = new Asm(linear);
    writer.accept(asm);
    byte[] bytes = asm.assemble();
    MemorySegment.copy(MemorySegment.ofArray(bytes), 0, memory.segment(), physical, bytes.length);
    return linear;
  }

  private int nextHandler = CODE + 0x4000;

  /** A handler in the kernel's memory. */
  int handler(Consumer<Asm> writer) {
    int at = nextHandler;
    nextHandler += 0x400;
    return place(at, OFFSET + at, writer);
  }

  /** Goes to user mode by iret, to code at a linear address, with data segments that user mode may use. */
  TestGuest enterUser(int eip) {
    code.mov(Asm.EAX, 0x7B).bytes(0x8E, 0xD8, 0x8E, 0xC0).push(0x7B).push(USER_STACK).push(0x202).push(0x73).push(eip).iret();
    return this;
  }

  TestGuest open() { return open(Sleeper.parked()); }

  TestGuest open(Sleeper sleeper) {
    byte[] bytes = code.assemble();
    MemorySegment.copy(MemorySegment.ofArray(bytes), 0, memory.segment(), CODE, bytes.length);
    host = provider.open(new HostConfig(5, memory, DIRECTORY, Integer.toUnsignedLong(OFFSET + CODE), Integer.toUnsignedLong(OFFSET), Map.of(), sleeper));
    return this;
  }

  /** Runs until the guest {@linkplain Asm#tell tells} this. */
  void expectTell(int marker) { assertEquals(new Host.Outcome.Dma(Integer.toUnsignedLong(marker), 0), host.run()); }

  void expectDead(String reason) {
    assertEquals(new Host.Outcome.Dead(reason), host.run());
    assertEquals(new Host.Outcome.Dead(reason), host.run(), "death is for ever");
  }

  @Override public void close() {
    if (host != null) host.close();
    if (arena.scope().isAlive()) arena.close();
  }
}
