package lguest.cpu.x86.interpret;

/**
 * The last instruction of a block: it says where to go on. Either it returns the next block, or it has stored EIP and returns
 * null; then the run loop looks the block up, unless
 * {@link Core#exit} is set.
 */
abstract class End {
  abstract Block run(Core c);

  /** An ordinary instruction after which the block ends because the mode of decoding may have changed. */
  static final class After extends End {
    private final Op op;
    private final int next;

    After(Op op, int next) {
      this.op = op;
      this.next = next;
    }

    @Override
    Block run(Core c) {
      op.run(c);
      return c.go(next);
    }
  }

  /** The block was cut before the instruction at next; no instruction of its own. */
  static final class Continue extends End {
    private final Link next;

    Continue(Link next) {
      this.next = next;
    }

    @Override
    Block run(Core c) {
      return next.follow(c);
    }
  }
}
