package lguest.host;

import java.util.Map;
import java.util.Optional;
import org.osgi.annotation.versioning.ConsumerType;

/**
 * One guest's side of the Host: exactly what an open /dev/lguest offered (ABI §8, L20). {@link #run}, {@link #getDma} and {@link #close} belong to
 * one thread, the guest's; the others may be called from any.
 */
@ConsumerType
public interface Host extends AutoCloseable {
  /** What made {@link #run} return. */
  sealed interface Outcome {
    /**
     * The guest sent a DMA to the Launcher (ABI §3.7) and waits until the next {@link Host#run}. Neither number is checked.
     *
     * @param address guest-physical address of its {@code struct lguest_dma}
     * @param key the key as the guest gave it
     */
    record Dma(long address, long key) implements Outcome {}

    /** {@link Host#breakIn} is in force. Returned before any guest instruction runs, until {@link Host#release}. */
    record Break() implements Outcome {}

    /** The guest is dead; every later {@link Host#run} says the same. The reason is the original's text (ABI appendix C). */
    record Dead(String reason) implements Outcome {}
  }

  /** A receive buffer the guest has bound: the guest-physical address of its {@code struct lguest_dma}, and the interrupt to raise when it is filled. */
  record DmaBuffer(long address, int irq) {}

  /** Runs the guest until there is something for the Launcher. A halted guest sleeps in here, as {@link HostConfig#sleeper} does, which is woken by whatever this would have to look at. */
  Outcome run();

  /**
   * LHREQ_GETDMA (ABI §3.8): a free buffer the guest has bound to {@code key}. Its used_len then holds the interrupt number and is not zero, so it
   * is not handed out twice. Empty when nothing is bound or all are in use (ABI appendix B, 5); a bad key ends the guest, as the next {@link #run} tells.
   */
  Optional<DmaBuffer> getDma(long key);

  /** LHREQ_IRQ: makes virtual interrupt {@code irq}, 0..31, pending and wakes a halted guest. */
  void interrupt(int irq);

  /** LHREQ_BREAK 1: makes {@link #run} return {@link Outcome.Break} soon, and again on every call until {@link #release}. Does not wait. */
  void breakIn();

  /** LHREQ_BREAK 0. */
  void release();

  /** Tells that somebody other than the guest wrote to its memory, so that instructions translated from there are forgotten. Call it after the write and before the guest is told of it. */
  void memoryWritten(long address, long length);

  /** Guest instructions executed so far; may lag a little while the guest runs. */
  long instructions();

  /** Named counters for people: hypercalls by name, traps, interrupts, exits. A snapshot, in a stable order. */
  Map<String, Long> statistics();

  /** Ends the guest's Host side: timer, registrations, processor. Other guests find no receiver any more (ABI §8.7). The Launcher calls nothing else after it. */
  @Override void close();
}
