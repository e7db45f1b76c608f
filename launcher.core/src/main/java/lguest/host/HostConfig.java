package lguest.host;

import java.util.Map;
import lguest.memory.GuestMemory;

/**
 * The arguments of LHREQ_INITIALIZE (ABI §4.7, §8.3). pfn_limit is {@code memory.size() / 4096}.
 *
 * @param guestId 0..65535, the number the guest is told it is; its network cards derive their addresses from it (ABI §9.3)
 * @param memory the guest's memory, loaded and with its first page tables in place
 * @param pageDirectory guest-physical address of the first page directory
 * @param start virtual address of the first instruction
 * @param pageOffset virtual minus physical address of the guest kernel; below 0xFFC00000
 * @param options what the user wants of this Host, by name; one that the Host does not know, or with a value it does not know, is an {@link IllegalArgumentException} of {@link HostProvider#open}
 * @param sleeper how the guest's thread waits while the guest is halted
 */
public record HostConfig(int guestId, GuestMemory memory, long pageDirectory, long start, long pageOffset, Map<String, String> options, Sleeper sleeper) {
  public HostConfig { options = Map.copyOf(options); }

  /** With one that only sleeps. */
  public HostConfig(int guestId, GuestMemory memory, long pageDirectory, long start, long pageOffset, Map<String, String> options) {
    this(guestId, memory, pageDirectory, start, pageOffset, options, Sleeper.parked());
  }

  /** Without options. */
  public HostConfig(int guestId, GuestMemory memory, long pageDirectory, long start, long pageOffset) { this(guestId, memory, pageDirectory, start, pageOffset, Map.of()); }
}
