package lguest.cpu.x86.interpret;

import static lguest.cpu.x86.state.CpuState.*;

import java.util.ArrayList;
import java.util.List;
import lguest.cpu.x86.decode.Decoder;
import lguest.cpu.x86.decode.Encoding;
import lguest.cpu.x86.decode.Encodings;
import lguest.cpu.x86.decode.Instruction;
import lguest.cpu.x86.decode.Mnemonic;
import lguest.cpu.x86.decode.OperandKind.Place;
import lguest.cpu.x86.state.Flags;
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
  private final List<Instruction> instructions = new ArrayList<>();

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
    Block b = c.cache.jump(eip, c.mode);
    if (b == null || b.physical != physical) b = c.cache.find(physical, eip, c.mode);
    if (b != null && b.spill != 0 && c.mmu.fetch((linear & ~0xFFF) + 0x1000) != b.spillPhysical) b = null;
    if (b == null) {
      c.cache.watch(physical);
      b = build(eip, linear, physical, MOST_INSTRUCTIONS);
      c.cache.add(b);
    }
    b.generation = c.generation;
    c.cache.remember(b, linear);
    return b;
  }

  private Block build(int eip, int linear, int physical, int most) {
    int room = 0x1000 - (linear & 0xFFF);
    int window = Math.min(room, WINDOW);
    Native.copy(c.mmu.host(physical), bytes, 0, window);
    boolean code32 = (c.mode & Mode.CODE32) != 0;
    instructions.clear();
    int at = 0;
    int spill = 0;
    int spillPhysical = 0;
    do {
      Instruction i = decoder.decode(bytes, at, window, eip + at, code32);
      if (i == null && at == 0) {
        // The first instruction reaches into the next page, which must be there then.
        spillPhysical = c.mmu.fetch(linear + room);
        if (most > 1) c.cache.watch(spillPhysical);
        Native.copy(c.mmu.host(spillPhysical), bytes, room, Decoder.MAX_LENGTH);
        i = decoder.decode(bytes, 0, room + Decoder.MAX_LENGTH, eip, code32);
        spill = i.length - room;
      }
      if (i == null) break;
      checkLimit(i);
      instructions.add(i);
      at += i.length;
      if (i.encoding.endsBlock()) break;
    } while (spill == 0 && instructions.size() < most);
    boolean onPage = (c.mode & Mode.CS_FLAT) != 0 && spill == 0 && at < room;
    return bind(physical, Math.min(at, room), spill, spillPhysical, eip, new Link(eip + at, onPage));
  }

  /** Makes operations of the decoded instructions, last to first, so that it is known who still looks at flags. */
  private Block bind(int physical, int bytes, int spill, int spillPhysical, int eip, Link behind) {
    int count = instructions.size();
    Instruction last = instructions.getLast();
    int body = count - 1;
    End end = null;
    if (!last.encoding.endsBlock() && count > 1) {
      body = count;
      end = new End.Continue(behind);
    } else if (last.encoding.endsBlock() && count > 1) {
      end = Fast.pair(c, instructions.get(count - 2), last);
      if (end != null) body = count - 2;
    }
    if (end == null) end = last.encoding.endsBlock() ? binder.end(last) : new End.After(binder.op(last, true), last.nextEip());
    Op[] ops = new Op[body];
    int[] eips = new int[body + 1];
    eips[body] = body == count ? last.nextEip() : instructions.get(body).eip;
    int live = Flags.ARITHMETIC;
    for (int n = body - 1; n >= 0; n--) {
      Instruction i = instructions.get(n);
      Encoding e = i.encoding;
      eips[n] = i.eip;
      int written = e.flagsWritten() | e.flagsUndefined();
      ops[n] = binder.op(i, (written & live) != 0);
      // The multiplications leave what is undefined after them as it was.
      boolean keeps = i.mnemonic() == Mnemonic.MUL || i.mnemonic() == Mnemonic.IMUL;
      if (!e.conditional()) live &= ~(keeps ? e.flagsWritten() : written);
      live |= e.flagsRead() & Flags.ARITHMETIC;
      if (mayLeave(i)) live = Flags.ARITHMETIC;
    }
    return new Block(physical, bytes, spill, spillPhysical, eip, c.mode, ops, eips, end, count);
  }

  /**
   * Whether the block may be left at this instruction, by a fault or because its code is gone: then all flags before it count.
   */
  private static boolean mayLeave(Instruction i) {
    return switch (i.mnemonic()) {
      case ADD, ADC, SUB, SBB, AND, OR, XOR, CMP, TEST, INC, DEC, NEG, NOT, MOV, MOVZX, MOVSX, LEA, SHL, SHR, SAR, ROL, ROR, SET,
          CMOV, IMUL, MUL, CBW, CWD, BSWAP, NOP ->
          i.memory() && i.mnemonic() != Mnemonic.LEA || special(i.encoding);
      default -> true;
    };
  }

  /** The MOVs that are more than a move. */
  private static boolean special(Encoding encoding) {
    for (Encoding.Operand operand : encoding.operands()) {
      Place place = operand.kind().place;
      if (place == Place.OFFSET || place == Place.SEGMENT || place == Place.CONTROL || place == Place.DEBUG) return true;
    }
    return false;
  }

  /** The last byte of the instruction must lie inside the code segment. */
  private void checkLimit(Instruction i) {
    if ((c.mode & Mode.CS_FLAT) != 0) return;
    if (Integer.compareUnsigned(i.eip + i.length - 1, c.segments.limit(CS)) > 0) i.encoding = Encodings.TOO_LONG;
  }
}
