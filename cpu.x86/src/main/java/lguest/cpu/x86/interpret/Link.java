package lguest.cpu.x86.interpret;

/**
 * A jump to a known EIP that remembers the block it found. Inside one page, whoever executes the jump also proves that the
 * target is mapped where it was; elsewhere the block must have been looked up
 * since translations last changed.
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
    if (b != null && b.mode == c.mode && (b.generation == c.generation || samePage && b.spill == 0)) return b;
    b = c.find(eip);
    if (b != null) block = b;
    return b;
  }
}
