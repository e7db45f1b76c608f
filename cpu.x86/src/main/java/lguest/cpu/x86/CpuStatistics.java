package lguest.cpu.x86;

import java.util.Map;

/**
 * Counters since creation.
 *
 * @param blocksDecoded basic blocks decoded
 * @param pagesDropped pages whose decoded code was dropped because somebody stored there
 * @param tlbMisses soft TLB fills
 * @param tlbFlushes full flushes of the soft TLB
 * @param translator the translator's by name: {@code blocks} compiled, {@code code} bytes of it that stand, how often the oldest or all were {@code forgotten} for want of room, {@code left.}kind for why emitted code was left, and {@code stepped.}mnemonic for
 *     instructions it left to the interpreter. Empty without a translator
 */
public record CpuStatistics(long blocksDecoded, long pagesDropped, long tlbMisses, long tlbFlushes, Map<String, Long> translator) {}
