package lguest.host.software;

import lguest.memory.PageIdentity;

/**
 * One of a guest's registrations: it waits for data on a key with an array of {@code struct lguest_dma} (ABI §3.6). The key is
 * kept as what it really is, a place in a page, so that two guests that map the same file meet whatever address each sees it
 * at.
 */
final class Binding {
  final SoftwareHost owner;
  final PageIdentity page;
  final int offset;
  final long array;
  final int count;
  final int irq;

  /** Where the next transfer from a guest starts to look for a free structure. Under the lock of the shared page. */
  int next;

  /** A sender has waited in vain for a free structure. Under the same lock. */
  boolean givenUp;

  Binding(SoftwareHost owner, PageIdentity page, int offset, long array, int count, int irq) {
    this.owner = owner;
    this.page = page;
    this.offset = offset;
    this.array = array;
    this.count = count;
    this.irq = irq;
  }

  boolean waitsOn(PageIdentity otherPage, int otherOffset) { return offset == otherOffset && page.equals(otherPage); }
}
