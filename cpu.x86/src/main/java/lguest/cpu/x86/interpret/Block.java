package lguest.cpu.x86.interpret;

import java.util.Arrays;

/**
 * Instructions that run in a row. Known by where they lie physically, by EIP and by mode; dropped when somebody stores into
 * their bytes.
 */
final class Block {
  /** Replaces the instructions of a dropped block, which may be running: the next one it would run leaves it. */
  private static final class Gone extends RuntimeException {
    private static final long serialVersionUID = 1;

    Gone() {
      super(null, null, false, false);
    }
  }

  static final RuntimeException GONE = new Gone();
  private static final Op LEAVE = new Op() {
    @Override
    void run(Core c) {
      throw GONE;
    }
  };
  private static final End LEAVE_END = new End() {
    @Override
    Block run(Core c) {
      throw GONE;
    }
  };

  /** Guest-physical address of the first byte; bytes covered in its page, and on the next page. */
  final int physical;
  final int bytes;
  final int spill;
  final int spillPhysical;
  final int eip;
  /** -1 when dropped: such a block is never found nor followed again. */
  int mode;
  final Op[] ops;
  /** EIP of each op and, last, of the end. */
  final int[] eips;
  End end;
  /** Instructions in all: ops and what end stands for. */
  final int instructions;
  /** The generation of translations in which it was last seen to be what EIP means, see {@link Core#generation}. */
  int generation;
  /** Next in the same bucket of {@link CodePage}. */
  Block next;

  Block(int physical, int bytes, int spill, int spillPhysical, int eip, int mode, Op[] ops, int[] eips, End end, int instructions) {
    this.physical = physical;
    this.bytes = bytes;
    this.spill = spill;
    this.spillPhysical = spillPhysical;
    this.eip = eip;
    this.mode = mode;
    this.ops = ops;
    this.eips = eips;
    this.end = end;
    this.instructions = instructions;
  }

  void drop() {
    mode = -1;
    Arrays.fill(ops, LEAVE);
    end = LEAVE_END;
  }
}
