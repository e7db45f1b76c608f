package lguest.memory;

/** A guest handed over an address outside its memory: the guest's fault, and the end of that guest only (L32). */
public final class InvalidAddressException extends RuntimeException {
  private static final long serialVersionUID = 1;
  private final long address;

  public InvalidAddressException(long address, long length) {
    super("Invalid address %#x (%d bytes)".formatted(address, length));
    this.address = address;
  }

  /** The guest-physical address as the guest gave it. */
  public long address() { return address; }
}
