package lguest.memory;

import java.lang.foreign.MemorySegment;
import org.osgi.annotation.versioning.ProviderType;

/**
 * The guest-physical memory of one guest: RAM from 0 to {@link #ram()}, then the device descriptor page, then the device pages, in
 * one contiguous native mapping (L18). Fresh pages read as zero. Files may be mapped into it, private or shared, so a page is
 * not always anonymous memory; {@link #pageIdentity} tells.
 *
 * <p>Guest-physical addresses are unsigned 32-bit numbers held in a {@code long}. Every method that takes one checks it and answers a bad one with
 * {@link InvalidAddressException}: the number came from the guest, so it is the guest that stops (L32). Any thread may call;
 * ordering between threads is the caller's business.
 */
@ProviderType
public interface GuestMemory {
  /** Bytes in a page. */
  int PAGE_SIZE = 4096;

  /** Bytes of RAM, a multiple of {@link #PAGE_SIZE}; the descriptor page is the page at this address. */
  long ram();

  /** Bytes in all, RAM and device pages: the first guest-physical address that does not exist. A multiple of {@link #PAGE_SIZE}. */
  long size();

  /** The whole of it: byte n is guest-physical address n. Native memory; stays valid until the guest has ended and is closed. */
  MemorySegment segment();

  /** Whether {@code length} bytes from {@code address} exist. A range that ends exactly at {@link #size()} does (L32). */
  default boolean contains(long address, long length) {
    return address >= 0 && length >= 0 && address <= size() && length <= size() - address;
  }

  /** A bounded live view of {@code length} bytes at {@code address}. */
  default MemorySegment view(long address, long length) {
    if (!contains(address, length)) throw new InvalidAddressException(address, length);
    return segment().asSlice(address, length);
  }

  /**
   * What the page holding {@code address} really is, for matching DMA keys between guests (ABI §3.5). Two addresses, of one guest or of
   * two, have equal identities exactly when they are the same memory.
   */
  PageIdentity pageIdentity(long address);
}
