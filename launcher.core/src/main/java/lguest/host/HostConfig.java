package lguest.host;

import lguest.memory.GuestMemory;

/**
 * The arguments of LHREQ_INITIALIZE (ABI §4.7, §8.3). pfn_limit is {@code memory.size() / 4096}.
 *
 * @param guestId 0..65535, the number the guest is told it is; its network cards derive their addresses from it (ABI §9.3)
 * @param memory the guest's memory, loaded and with its first page tables in place
 * @param pageDirectory guest-physical address of the first page directory
 * @param start virtual address of the first instruction
 * @param pageOffset virtual minus physical address of the guest kernel; below 0xFFC00000
 */
public record HostConfig(int guestId, GuestMemory memory, long pageDirectory, long start, long pageOffset) {}
