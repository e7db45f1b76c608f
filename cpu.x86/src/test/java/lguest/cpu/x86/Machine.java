package lguest.cpu.x86;

import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.util.Arrays;
import java.util.HexFormat;

/**
 * A processor with 4 MiB of memory for tests: code at 10000, stack below 80000, page tables (when on) at 3F0000 mapping all
 * memory onto itself, writable for everybody.
 * The GDT has flat code and data for levels 0, 1 and 3 and a few odd ones.
 */
final class Machine implements AutoCloseable {
  static final int CODE = 0x10000, STACK = 0x80000, DATA = 0x100000, DIRECTORY = 0x3F0000, TABLE = 0x3F1000, SIZE = 0x400000;
  static final int CODE0 = 0x08, DATA0 = 0x10, CODE1 = 0x19, DATA1 = 0x21, CODE3 = 0x2B, DATA3 = 0x33;
  /**
   * Data of 4 KiB at DATA, expand-down data, not-present data, read-only data, execute-only code, conforming code, a TSS, 64
   * KiB 16-bit code.
   */
  static final int SMALL = 0x3B, DOWN = 0x43, ABSENT = 0x4B, READ_ONLY = 0x53, EXECUTE_ONLY = 0x5B, CONFORMING = 0x60,
      TSS = 0x68, CODE16 = 0x70;

  final long[] gdt = {0, flat(0x9B), flat(0x93), flat(0xBB), flat(0xB3), flat(0xFB), flat(0xF3),
      descriptor(DATA, 0xFFF, 0x40F3), descriptor(0, 0xFFF, 0x40F7), descriptor(0, 0xFFFFF, 0xC073), descriptor(0, 0xFFFFF, 0xC0F1),
      descriptor(0, 0xFFFFF, 0xC0F9), descriptor(0, 0xFFFFF, 0xC09F), descriptor(0x5000, 0x67, 0x0089),
          descriptor(0, 0xFFFF, 0x009B)};
  final Arena arena = Arena.ofShared();
  final MemorySegment memory = arena.allocate(SIZE, 4096);
  final Cpu cpu;
  final Registers r;

  /** Called whenever the guest looks at the time stamp counter. */
  Runnable onTime;

  Machine(Engine engine) {
    this(engine, 0, 0, 0);
  }

  Machine(Engine engine, int linearLimit, int directoryForbidden, int tableForbidden) {
    cpu = new Cpu(memory, new CpuConfig(CpuModel.pentium4(), i -> i < gdt.length ? gdt[i] : DescriptorSource.BEYOND_LIMIT, this::time, linearLimit, directoryForbidden, tableForbidden, engine));
    r = cpu.registers();
    r.esp(STACK);
    r.eip(CODE);
  }

  private long time() {
    if (onTime != null) onTime.run();
    return 0x1122334455667788L;
  }

  static long flat(int access) {
    return descriptor(0, 0xFFFFF, 0xC000 | access);
  }

  /** flags: high nibble G DB L AVL, low byte access rights. */
  static long descriptor(int base, int limit, int flags) {
    return limit & 0xFFFFL | (base & 0xFFFFFFL) << 16 | (flags & 0xFFL) << 40 | (limit >> 16 & 15L) << 48
        | (flags >> 12 & 15L) << 52 | (base >>> 24 & 0xFFL) << 56;
  }

  /** One whose translator has no more than 2 MiB for code. */
  static Machine withLittleCode(Engine engine) {
    System.setProperty("lguest.cpu.code", "2");
    try {
      return new Machine(engine);
    } finally {
      System.clearProperty("lguest.cpu.code");
    }
  }

  /** Puts code (hex, blanks ignored) at CODE and sets EIP there. */
  Machine code(String hex) {
    put(CODE, hex);
    r.eip(CODE);
    return this;
  }

  Machine put(int at, String hex) {
    byte[] bytes = HexFormat.of().parseHex(hex.replaceAll("\\s+", ""));
    MemorySegment.copy(bytes, 0, memory, ValueLayout.JAVA_BYTE, at, bytes.length);
    cpu.memoryWritten(at, bytes.length);
    return this;
  }

  /** Runs so many instructions, which must all complete. */
  Machine steps(int n) {
    long before = cpu.instructions();
    Exit exit = cpu.run(n);
    if (exit != Exit.BUDGET) throw new AssertionError(exit + " vector " + cpu.vector() + " at " + Integer.toHexString(r.eip()));
    if (cpu.instructions() - before != n) throw new AssertionError(cpu.instructions() - before + " instructions instead of " + n);
    return this;
  }

  /** Runs until something happens. */
  Exit run() {
    return cpu.run(1_000_000);
  }

  /** CPL 1 or 3 with that level's flat segments. */
  Machine level(int level) {
    int code = level == 1 ? CODE1 : level == 3 ? CODE3 : CODE0;
    int data = level == 1 ? DATA1 : level == 3 ? DATA3 : DATA0;
    cpu.setSegment(Registers.CS, code, gdt[code >> 3]);
    for (int s : new int[] {Registers.ES, Registers.SS, Registers.DS, Registers.FS, Registers.GS}) cpu.setSegment(s, data,
        gdt[data >> 3]);
    return this;
  }

  /** Turns paging on with WP, everything mapped onto itself for all (entry bits 7, none accessed). */
  Machine paging() {
    set32(DIRECTORY, TABLE | 7);
    for (int page = 0; page < SIZE >> 12; page++) set32(TABLE + page * 4, page << 12 | 7);
    cpu.setPageDirectory(DIRECTORY);
    r.cr0(0x80010011);
    return this;
  }

  Machine pte(int linear, int value) {
    set32(TABLE + (linear >>> 12) * 4, value);
    cpu.flushTlbPage(linear);
    return this;
  }

  int pte(int linear) {
    return get32(TABLE + (linear >>> 12) * 4);
  }

  int get32(int at) {
    return memory.get(ValueLayout.JAVA_INT_UNALIGNED, at);
  }

  void set32(int at, int value) {
    memory.set(ValueLayout.JAVA_INT_UNALIGNED, at, value);
    cpu.memoryWritten(at, 4);
  }

  int get8(int at) {
    return memory.get(ValueLayout.JAVA_BYTE, at) & 0xFF;
  }

  /** All registers. */
  int[] snapshot() {
    int[] all = new int[8 + 2 + 6];
    for (int i = 0; i < 8; i++) all[i] = r.general(i);
    all[8] = r.eip();
    all[9] = r.eflags();
    for (int i = 0; i < 6; i++) all[10 + i] = r.selector(i);
    return all;
  }

  static String show(int[] snapshot) {
    return Arrays.toString(Arrays.stream(snapshot).mapToObj(Integer::toHexString).toArray());
  }

  @Override
  public void close() {
    cpu.close();
    arena.close();
  }
}
