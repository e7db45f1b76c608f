package lguest.cpu.x86.oracle;

import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Random;
import lguest.cpu.x86.Cpu;
import lguest.cpu.x86.CpuConfig;
import lguest.cpu.x86.CpuModel;
import lguest.cpu.x86.Engine;
import lguest.cpu.x86.Exit;
import lguest.cpu.x86.Registers;
import lguest.cpu.x86.decode.Decoder;
import lguest.cpu.x86.decode.Instruction;
import lguest.cpu.x86.decode.Mnemonic;

/** Our processor, set up like a Linux process at CPL 3 with paging, so that the same programs find the same surroundings. */
final class OurProcessor implements AutoCloseable {
  private static final int BUDGET = 100_000, LONG_BUDGET = 50_000_000;
  private static final ValueLayout.OfInt INT = ValueLayout.JAVA_INT_UNALIGNED;
  private static final int PAGE = 4096, DIRECTORY = 0x1000, TABLES = 0x2000, SERVICE_FRAME = 0x6000, FRAMES = 0x7000;
  /** A page that only we have: FXRSTOR of a clean state, FXSAVE to be looked at. */
  private static final int SERVICE = 0x4000_0000, FXSAVE_AT = SERVICE + 7, FXSAVE_AREA = 0x200, CLEAN_AREA = 0x400;
  private static final byte[] SERVICE_CODE = {0x0f, (byte) 0xae, 0x0d, 0, 4, 0, 0x40, 0x0f, (byte) 0xae, 0x05, 0, 2, 0, 0x40};
  private static final int USER = 4, WRITABLE = 2, PRESENT = 1;

  private final MemorySegment memory;
  private final Cpu cpu;
  private final MemorySegment image;
  private final int dataFrame = FRAMES + PAGE, stackFrame = dataFrame + Area.WRITABLE + Area.READONLY;
  private final boolean segments;
  private byte[] code;
  private int offset;

  OurProcessor(Arena arena, byte[] image, boolean segments, Engine engine) {
    this.segments = segments;
    memory = arena.allocate(stackFrame + Area.STACK_SIZE, PAGE);
    this.image = MemorySegment.ofArray(image);
    int[] areas = {Area.CODE, Area.DATA, Area.STACK};
    for (int i = 0; i < 3; i++) memory.set(INT, DIRECTORY + (areas[i] >>> 22) * 4L, TABLES + i * PAGE | USER | WRITABLE | PRESENT);
    map(0, 1, FRAMES, WRITABLE);
    map(1, Area.WRITABLE / PAGE, dataFrame, WRITABLE);
    for (int i = 0; i < Area.READONLY / PAGE; i++) {
      memory.set(INT, TABLES + PAGE + (Area.WRITABLE / PAGE + i) * 4L, dataFrame + Area.WRITABLE + i * PAGE | USER | PRESENT);
    }
    map(2, Area.STACK_SIZE / PAGE, stackFrame, WRITABLE);
    map(3, 1, SERVICE_FRAME, WRITABLE);
    MemorySegment.copy(SERVICE_CODE, 0, memory, ValueLayout.JAVA_BYTE, SERVICE_FRAME, SERVICE_CODE.length);
    memory.set(INT, SERVICE_FRAME + CLEAN_AREA, 0x37f);
    MemorySegment.copy(this.image, 0, memory, dataFrame, image.length);
    cpu = new Cpu(memory, new CpuConfig(CpuModel.pentium4(), index -> Area.descriptor(index, segments), System::nanoTime, 0, 0, 0, engine));
  }

  private void map(int table, int pages, int frame, int rights) {
    for (int i = 0; i < pages; i++) memory.set(INT, TABLES + table * PAGE + i * 4L, frame + i * PAGE | USER | rights | PRESENT);
  }

  private void load(Program p) {
    Registers r = cpu.registers();
    code = p.code();
    offset = p.offset;
    memory.asSlice(FRAMES, PAGE).fill((byte) 0xcc);
    MemorySegment.copy(code, 0, memory, ValueLayout.JAVA_BYTE, FRAMES + offset, code.length);
    MemorySegment.copy(image, 0, memory, dataFrame, Area.WRITABLE);
    MemorySegment.copy(image, Area.WRITABLE + Area.READONLY, memory, stackFrame, Area.STACK_SIZE);
    cpu.memoryWritten(FRAMES, stackFrame + Area.STACK_SIZE - FRAMES);
    r.cr0(0x8001_0033);
    r.cr3(DIRECTORY);
    r.cr4(0x600);
    for (int i = 0; i < 16; i++) memory.set(ValueLayout.JAVA_LONG, SERVICE_FRAME + CLEAN_AREA + 160 + 8L * i, p.xmm[i]);
    memory.set(INT, SERVICE_FRAME + CLEAN_AREA + 24, p.mxcsr);
    for (int s : new int[] {Registers.ES, Registers.SS, Registers.DS}) segment(s, Area.DATA_SELECTOR);
    segment(Registers.FS, Area.fs(segments));
    segment(Registers.GS, Area.gs(segments));
    segment(Registers.CS, Area.CODE_SELECTOR);
    service(SERVICE);
    for (int i = 0; i < 8; i++) r.general(i, p.registers[i]);
    r.eflags(p.eflags);
    r.eip(Area.CODE + offset);
  }

  Outcome run(Program p) {
    load(p);
    return outcome(cpu.run(BUDGET));
  }

  /** The same, but stopping after every few instructions. */
  Outcome runInPieces(Program p, Random random) {
    load(p);
    Exit exit = Exit.BUDGET;
    for (int left = BUDGET; left > 0 && exit == Exit.BUDGET; ) {
      int piece = 1 + random.nextInt(random.nextBoolean() ? 5 : 40);
      exit = cpu.run(piece);
      left -= piece;
    }
    return outcome(exit);
  }

  /** The same with patience. */
  Outcome runLong(Program p) {
    load(p);
    return outcome(cpu.run(LONG_BUDGET));
  }

  /** Runs one instruction at a time, up to a limit; the instructions that completed, and the one that did not. */
  Trace trace(Program p) {
    load(p);
    List<Instruction> completed = new ArrayList<>();
    while (completed.size() < 1000) {
      Instruction at = instructionAt(cpu.registers().eip());
      Exit exit = cpu.run(1);
      boolean trapped = exit == Exit.EXCEPTION && cpu.vector() == 1;
      if (exit != Exit.BUDGET && !trapped) return new Trace(completed, at);
      completed.add(at);
      if (trapped) return new Trace(completed, null);
    }
    return new Trace(completed, null);
  }

  /** @param last null when there was none to be fetched */
  record Trace(List<Instruction> completed, Instruction last) {}

  /** What the bytes in memory now say; null outside of our pages. */
  Instruction instructionAt(int eip) {
    byte[] bytes = new byte[Decoder.MAX_LENGTH];
    int n = 0;
    for (; n < bytes.length; n++) {
      int b = cpu.readLinearByte(eip + n);
      if (b < 0) break;
      bytes[n] = (byte) b;
    }
    return n == 0 ? null : new Decoder().decode(bytes, 0, n, eip, true);
  }

  private Outcome outcome(Exit exit) {
    Registers r = cpu.registers();
    Outcome o = new Outcome();
    o.eip = r.eip();
    switch (exit) {
      case BUDGET -> o.vector = Outcome.TIMEOUT;
      case EXCEPTION -> {
        o.vector = cpu.vector();
        o.error = cpu.hasErrorCode() ? cpu.errorCode() : 0;
        if (o.vector == 14) o.address = cpu.faultAddress();
      }
      case SOFTWARE_INTERRUPT -> softwareInterrupt(o, instructionAt(o.eip).mnemonic(), cpu.vector(), cpu.instructionLength());
      default -> throw new AssertionError("a program at CPL 3 ended with " + exit);
    }
    o.eflags = r.eflags();
    for (int i = 0; i < 8; i++) o.registers[i] = r.general(i);
    for (int i = 0; i < 6; i++) o.selectors[i] = r.selector(i);
    floatingPoint(o);
    o.changes = changes();
    return o;
  }

  /** What Linux' interrupt descriptor table makes of it: gates for user space at 3, 4 and 80 only; F1 goes through without one. */
  private static void softwareInterrupt(Outcome o, Mnemonic mnemonic, int n, int length) {
    if (n == 3 || n == 4 || n == 0x80 || mnemonic == Mnemonic.INT1) {
      o.vector = n == 0x80 ? Outcome.SYSTEM_CALL : n;
      o.eip += length;
    } else {
      o.vector = 13;
      o.error = n << 3 | 2;
    }
  }

  private void segment(int register, int selector) {
    cpu.setSegment(register, selector, Area.descriptor(selector >> 3, segments));
  }

  private void service(int eip) {
    segment(Registers.CS, Area.CODE_SELECTOR);
    segment(Registers.DS, Area.DATA_SELECTOR);
    cpu.registers().eflags(0x202);
    cpu.registers().eip(eip);
    directory(SERVICE, TABLES + 3 * PAGE | USER | WRITABLE | PRESENT);
    if (cpu.run(1) != Exit.BUDGET) throw new AssertionError("FXRSTOR or FXSAVE raised " + cpu.vector());
    // Programs must not find it.
    directory(SERVICE, 0);
  }

  private void directory(int linear, int entry) {
    memory.set(INT, DIRECTORY + (linear >>> 22) * 4L, entry);
    cpu.flushTlb();
  }

  private void floatingPoint(Outcome o) {
    service(FXSAVE_AT);
    MemorySegment x = memory.asSlice(SERVICE_FRAME + FXSAVE_AREA, 512);
    o.fcw = x.get(ValueLayout.JAVA_SHORT, 0) & 0xffff;
    o.fsw = x.get(ValueLayout.JAVA_SHORT, 2) & 0xffff;
    o.ftw = x.get(ValueLayout.JAVA_BYTE, 4) & 0xff;
    for (int i = 0; i < 8; i++) {
      o.mantissa[i] = x.get(ValueLayout.JAVA_LONG, 32 + 16L * i);
      o.signExp[i] = x.get(ValueLayout.JAVA_SHORT, 40 + 16L * i) & 0xffff;
    }
    for (int i = 0; i < 16; i++) o.xmm[i] = x.get(ValueLayout.JAVA_LONG, 160 + 8L * i);
    o.mxcsr = x.get(INT, 24);
  }

  private int[] changes() {
    List<Integer> list = new ArrayList<>();
    byte[] before = new byte[PAGE];
    Arrays.fill(before, (byte) 0xcc);
    System.arraycopy(code, 0, before, offset, code.length);
    changes(list, Area.CODE, FRAMES, MemorySegment.ofArray(before), 0, PAGE);
    changes(list, Area.DATA, dataFrame, image, 0, Area.WRITABLE);
    changes(list, Area.STACK, stackFrame, image, Area.WRITABLE + Area.READONLY, Area.STACK_SIZE);
    return list.stream().mapToInt(Integer::intValue).toArray();
  }

  private void changes(List<Integer> list, int linear, int frame, MemorySegment before, long from, int size) {
    int at = 0;
    while (true) {
      long next = MemorySegment.mismatch(memory, frame + at, frame + size, before, from + at, from + size);
      if (next < 0) return;
      at += (int) next & ~3;
      list.add(linear + at);
      list.add(memory.get(INT, frame + at));
      if ((at += 4) == size) return;
    }
  }

  @Override
  public void close() {
    cpu.close();
  }
}
