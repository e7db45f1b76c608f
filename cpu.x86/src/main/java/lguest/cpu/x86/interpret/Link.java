package lguest.cpu.x86.interpret;

/**
 * A jump to a known EIP that remembers the block it found. It may remember only inside one page: there, whoever executes the jump also proves that the target is mapped where it was.
 */
final class Link {
  private final int eip;
  private final boolean samePage;
  private Block block;

  Link(int eip, boolean samePage) {
    this.eip = eip;
    this.samePage = samePage;
  }

  Block follow(Core c) {
    Block b = block;
    if (b != null && b.mode == c.mode) return b;
    if (!samePage) return c.find(eip);
    b = c.find(eip);
    if (b != null && b.spill == 0) block = b;
    return b;
  }
}
