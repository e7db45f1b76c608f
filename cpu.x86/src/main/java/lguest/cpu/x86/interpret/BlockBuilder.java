package lguest.cpu.x86.interpret;

import static lguest.cpu.x86.state.CpuState.*;

import java.util.ArrayList;
import java.util.List;
import lguest.cpu.x86.decode.Decoder;
import lguest.cpu.x86.decode.Encodings;
import lguest.cpu.x86.decode.Instruction;
import lguest.cpu.x86.state.Mode;
import lguest.cpu.x86.state.Native;

/** Finds the block at EIP or decodes it. Fetching may fault, as the processor's does. */
final class BlockBuilder {
  private static final int MOST_INSTRUCTIONS = 48;
  private static final int WINDOW = 512;

  private final Core c;
  private final Binder binder;
  private final Decoder decoder = new Decoder();
  private final byte[] bytes = new byte[WINDOW];
  private final List<Op> ops = new ArrayList<>();
  private final List<Integer> eips = new ArrayList<>();

  BlockBuilder(Core c) {
    this.c = c;
    this.binder = new Binder(c);
  }

  /**
   * The block at eip in the current mode.
   *
   * @param single just one instruction, and not kept: for single steps, the end of a budget, and code segments with a limit
   */
  Block locate(int eip, boolean single) {
    c.checkTarget(eip);
    int linear = c.segments.base(CS) + eip;
    int physical = c.mmu.fetch(linear);
    if (single) return build(eip, linear, physical, 1);
    Block b = c.cache.find(physical, eip, c.mode);
    if (b != null && b.spill != 0 && c.mmu.fetch((linear & ~0xFFF) + 0x1000) != b.spillPhysical) b = null;
    if (b == null) {
      c.cache.watch(physical);
      b = build(eip, linear, physical, MOST_INSTRUCTIONS);
      c.cache.add(b);
    }
    c.cache.remember(b);
    return b;
  }

  private Block build(int eip, int linear, int physical, int most) {
    int room = 0x1000 - (linear & 0xFFF);
    int window = Math.min(room, WINDOW);
    Native.copy(c.mmu.host(physical), bytes, 0, window);
    boolean code32 = (c.mode & Mode.CODE32) != 0;
    ops.clear();
    eips.clear();
    int at = 0;
    int spill = 0;
    int spillPhysical = 0;
    End end = null;
    int instructions = 0;
    while (end == null) {
      int here = eip + at;
      Instruction i = instructions == most ? null : decoder.decode(bytes, at, window, here, code32);
      if (i == null && instructions == 0) {
        // The first instruction reaches into the next page, which must be there then.
        spillPhysical = c.mmu.fetch(linear + room);
        if (most > 1) c.cache.watch(spillPhysical);
        Native.copy(c.mmu.host(spillPhysical), bytes, room, Decoder.MAX_LENGTH);
        i = decoder.decode(bytes, 0, room + Decoder.MAX_LENGTH, here, code32);
        spill = i.length - room;
      }
      eips.add(here);
      if (i == null) {
        end = new End.Continue(new Link(here, (c.mode & Mode.CS_FLAT) != 0 && spill == 0 && at < room));
        break;
      }
      checkLimit(i);
      at += i.length;
      instructions++;
      if (spill != 0 || most == 1 || i.encoding.endsBlock()) {
        end = i.encoding.endsBlock() ? binder.end(i) : after(i);
      } else {
        Op op = binder.op(i);
        if (op == null) end = binder.end(i);
        else ops.add(op);
      }
    }
    int[] eip0 = eips.stream().mapToInt(Integer::intValue).toArray();
    return new Block(physical, Math.min(at, room), spill, spillPhysical, eip, c.mode, ops.toArray(new Op[0]), eip0, end, instructions);
  }

  private End after(Instruction i) {
    Op op = binder.op(i);
    return op == null ? binder.end(i) : new End.After(op, i.nextEip());
  }

  /** The last byte of the instruction must lie inside the code segment. */
  private void checkLimit(Instruction i) {
    if ((c.mode & Mode.CS_FLAT) != 0) return;
    if (Integer.compareUnsigned(i.eip + i.length - 1, c.segments.limit(CS)) > 0) i.encoding = Encodings.TOO_LONG;
  }
}
