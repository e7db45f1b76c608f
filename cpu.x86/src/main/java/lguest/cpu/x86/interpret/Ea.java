package lguest.cpu.x86.interpret;

import static lguest.cpu.x86.state.CpuState.*;

import lguest.cpu.x86.decode.Instruction;
import lguest.cpu.x86.state.Mode;
import lguest.cpu.x86.state.Native;

/**
 * An effective address, ready to compute. An absent base or index is the state's slot that always holds zero, so there is one
 * form for all.
 */
final class Ea {
  private final long base;
  private final long index;
  private final int shift;
  private final int displacement;
  private final boolean wide;
  final int segment;
  /** The segment is flat and addresses have 32 bits: the offset is the linear address. */
  final boolean flat;

  Ea(Core c, Instruction i) {
    this(c, i, 0);
  }

  /** The address with so much added: POP to memory computes it after ESP has moved. */
  Ea(Core c, Instruction i, int extra) {
    base = c.state + (i.base < 0 ? ZERO : EAX + 8 * i.base);
    index = c.state + (i.index < 0 ? ZERO : EAX + 8 * i.index);
    shift = i.scale;
    displacement = i.displacement + extra;
    wide = i.addressSize == 4;
    segment = i.segment();
    flat = wide && flat(c.mode, segment);
  }

  static boolean flat(int mode, int segment) {
    return switch (segment) {
      case DS -> (mode & Mode.DS_FLAT) != 0;
      case ES -> (mode & Mode.ES_FLAT) != 0;
      case SS -> (mode & Mode.SS_FLAT) != 0;
      default -> false;
    };
  }

  int offset() {
    int offset = Native.get32(base) + (Native.get32(index) << shift) + displacement;
    return wide ? offset : offset & 0xFFFF;
  }

  int linear(Core c, int bytes, boolean write) {
    int offset = offset();
    return flat ? offset : c.segments.check(segment, offset, bytes, write);
  }

  /** Where that is, whether it may be accessed or not. */
  int unchecked(Core c) {
    return flat ? offset() : c.segments.base(segment) + offset();
  }

  int read8(Core c) {
    return c.mmu.read8(linear(c, 1, false));
  }

  int read16(Core c) {
    return c.mmu.read16(linear(c, 2, false));
  }

  int read32(Core c) {
    return c.mmu.read32(linear(c, 4, false));
  }

  /** Displaced by so much: the far half of a far pointer, the other bound. */
  int linear(Core c, int displacement, int bytes, boolean write) {
    int offset = offset() + displacement;
    if (!wide) offset &= 0xFFFF;
    return flat ? offset : c.segments.check(segment, offset, bytes, write);
  }
}
