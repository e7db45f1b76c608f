package lguest.memory;

/** The memory behind a guest-physical page (ABI §3.5): a page only its guest has, or a page of a file that others may have mapped too. */
public sealed interface PageIdentity {
  /** A page of one guest alone. {@code owner} is compared by identity of the guest's memory, {@code frame} is its page number. */
  record Private(GuestMemory owner, long frame) implements PageIdentity {
    // By hand: what a record is given makes code at its first use, which is during the boot of every guest.
    @Override public boolean equals(Object other) { return other instanceof Private page && owner == page.owner && frame == page.frame; }

    @Override public int hashCode() { return 31 * System.identityHashCode(owner) + Long.hashCode(frame); }
  }

  /** Page {@code index} of the file with this device and inode number, mapped shared. */
  record Shared(long device, long inode, long index) implements PageIdentity {}
}
