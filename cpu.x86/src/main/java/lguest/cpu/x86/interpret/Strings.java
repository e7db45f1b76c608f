package lguest.cpu.x86.interpret;

import static lguest.cpu.x86.state.CpuState.*;

import lguest.cpu.x86.decode.Mnemonic;
import lguest.cpu.x86.state.Flags;
import lguest.cpu.x86.state.Mode;
import lguest.cpu.x86.state.Native;

/**
 * MOVS, CMPS, STOS, LODS, SCAS, alone and repeated. Registers move after each element, so a repetition that faults or is asked
 * to stop can be taken up again where it was. Long runs of
 * MOVS and STOS upwards in flat segments go page-wise.
 */
final class Strings extends Op {
  private static final class Pause extends RuntimeException {
    private static final long serialVersionUID = 1;

    Pause() {
      super(null, null, false, false);
    }
  }

  /** Leaves the block with EIP at the repeated instruction, registers saying how far it got. */
  static final RuntimeException PAUSE = new Pause();
  /** Elements, or page-wise runs, between two looks at the request word. */
  private static final int PATIENCE = 256;

  private final Mnemonic kind;
  private final int size;
  private final int addressSize;
  private final int segment;
  /** 0, F2 or F3. */
  private final int rep;
  private final boolean flat;

  Strings(Core c, Mnemonic kind, int size, int addressSize, int segment, int rep) {
    this.kind = kind;
    this.size = size;
    this.addressSize = addressSize;
    this.segment = segment;
    this.rep = rep;
    this.flat = addressSize == 4 && Ea.flat(c.mode, segment) && Ea.flat(c.mode, ES);
  }

  @Override
  void run(Core c) {
    int step = (c.get(EFLAGS) & Flags.DF) != 0 ? -size : size;
    if (rep == 0) {
      element(c, step);
      return;
    }
    boolean compares = kind == Mnemonic.CMPS || kind == Mnemonic.SCAS;
    // Single-stepping, and looking out for breakpoints, goes by elements: the trap comes behind each, with EIP at the instruction while some are left.
    boolean single = (c.get(EFLAGS) & Flags.TF) != 0 || (c.mode & Mode.STEPS) != 0;
    boolean runs = flat && step > 0 && !single && (kind == Mnemonic.MOVS || kind == Mnemonic.STOS);
    long counter = c.state + ECX;
    int patience = PATIENCE;
    for (;;) {
      int left = Size.zeroExtend(addressSize, Size.load(addressSize, counter));
      if (left == 0) return;
      int done = runs ? pageRun(c, left) : 0;
      if (done == 0) {
        element(c, step);
        done = 1;
      }
      left -= done;
      Size.store(addressSize, counter, left);
      if (compares && Flags.zero(c.state) != (rep == 0xF3)) return;
      if (left != 0 && (single || --patience <= 0)) {
        if (single || c.requestPending()) throw PAUSE;
        patience = PATIENCE;
      }
    }
  }

  /** As many elements as lie within one page on both sides; 0 when they must go one by one. */
  private int pageRun(Core c, int left) {
    int to = c.get(EDI);
    int room = 0x1000 - (to & 0xFFF);
    boolean move = kind == Mnemonic.MOVS;
    int from = c.get(ESI);
    if (move) room = Math.min(room, 0x1000 - (from & 0xFFF));
    int count = Integer.compareUnsigned(left, room / size) < 0 ? left : room / size;
    if (count < 4) return 0;
    int bytes = count * size;
    // The source comes first, as in the element-wise order of faults.
    long source = move ? c.mmu.readable(from) : 0;
    long target = c.mmu.writable(to);
    if (target == 0) return 0;
    if (move) {
      // Overlapping upwards by less than the run is a fill pattern in disguise: element by element gives it.
      if (target > source && target - source < bytes) return 0;
      Native.copy(source, target, bytes);
      c.set(ESI, from + bytes);
    } else {
      fill(c, target, count);
    }
    c.set(EDI, to + bytes);
    return count;
  }

  private void fill(Core c, long target, int count) {
    int value = c.get(EAX);
    boolean uniform = size == 1 || (size == 2 ? (value >>> 8 & 0xFF) == (value & 0xFF) : value == (value & 0xFF) * 0x01010101);
    if (uniform) Native.fill(target, (long) count * size, value);
    else for (int i = 0; i < count; i++) Size.store(size, target + i * size, value);
  }

  private void element(Core c, int step) {
    long si = c.state + ESI;
    long di = c.state + EDI;
    switch (kind) {
      case MOVS -> {
        int value = load(c, segment, si);
        store(c, di, value);
        advance(si, step);
        advance(di, step);
      }
      case STOS -> {
        store(c, di, Size.load(size, c.state + EAX));
        advance(di, step);
      }
      case LODS -> {
        int value = load(c, segment, si);
        Size.store(size, c.state + EAX, value);
        advance(si, step);
      }
      case CMPS -> {
        int a = load(c, segment, si);
        int b = load(c, ES, di);
        Flags.subtract(c.state, a, b, Size.extend(size, a - b));
        advance(si, step);
        advance(di, step);
      }
      default -> {
        int a = Size.load(size, c.state + EAX);
        int b = load(c, ES, di);
        Flags.subtract(c.state, a, b, Size.extend(size, a - b));
        advance(di, step);
      }
    }
  }

  private void advance(long register, int step) {
    Size.store(addressSize, register, Size.load(addressSize, register) + step);
  }

  private int load(Core c, int from, long register) {
    int offset = Size.zeroExtend(addressSize, Native.get32(register));
    int linear = flat ? offset : c.segments.check(from, offset, size, false);
    return size == 4 ? c.mmu.read32(linear) : size == 2 ? c.mmu.read16(linear) : c.mmu.read8(linear);
  }

  private void store(Core c, long register, int value) {
    int offset = Size.zeroExtend(addressSize, Native.get32(register));
    int linear = flat ? offset : c.segments.check(ES, offset, size, true);
    if (size == 4) c.mmu.write32(linear, value);
    else if (size == 2) c.mmu.write16(linear, value);
    else c.mmu.write8(linear, value);
  }
}
