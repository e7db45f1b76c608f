package lguest.cpu.x86;

/**
 * Counters since creation.
 *
 * @param blocksDecoded basic blocks decoded
 * @param pagesDropped pages whose decoded code was dropped because somebody stored there
 * @param tlbMisses soft TLB fills
 * @param tlbFlushes full flushes of the soft TLB
 */
public record CpuStatistics(long blocksDecoded, long pagesDropped, long tlbMisses, long tlbFlushes) {}
