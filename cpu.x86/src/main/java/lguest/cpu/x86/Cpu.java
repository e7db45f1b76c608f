package lguest.cpu.x86;

import java.lang.foreign.MemorySegment;
import lguest.cpu.x86.interpret.Core;

/**
 * An x86 processor in 32-bit protected mode.
 *
 * <p>
 * Tour 5.1: What a Host drives
 *
 * <p>It runs instructions and knows nothing of hypercalls, interrupt controllers or IDTs: whatever is not plain execution leaves
 * {@link #run} as a typed {@link Exit} with the state precise, and the Host decides what it means, perhaps by {@link #deliver}.
 *
 * <p>One thread, the vCPU thread, runs it and uses all methods, except those marked "any thread".
 */
public final class Cpu implements AutoCloseable {
  private final Core core;
  private final Registers registers;

  /**
   * In reset state every segment is flat at CPL 0, paging is off and EIP is 0.
   *
   * @param memory native memory; guest-physical address n is its byte n. Begins on a 16-byte boundary (a page's, usually); size a
   *     multiple of 4096, below 4 GiB. Not owned: must outlive this.
   */
  public Cpu(MemorySegment memory, CpuConfig config) {
    if (!memory.isNative()) throw new IllegalArgumentException("guest memory must be native");
    long size = memory.byteSize();
    if (size == 0 || (size & 0xFFF) != 0 || size >= 1L << 32)
      throw new IllegalArgumentException("guest memory of " + size + " bytes");
    if ((memory.address() & 15) != 0) throw new IllegalArgumentException("guest memory must begin on a 16-byte boundary");
    core = new Core(memory.address(), size, config);
    registers = new Registers(core);
  }

  public Registers registers() {
    return registers;
  }

  /**
   * Runs at most so many instructions, exactly so many for {@link Exit#BUDGET}. A request that is already there is answered at
   * once.
   */
  public Exit run(long maxInstructions) {
    return core.run(maxInstructions);
  }

  /**
   * Any thread. Sticky until a {@link #run} has answered it with {@link Exit#REQUESTED}, within a bounded number of
   * instructions.
   */
  public void requestExit() {
    core.requestExit();
  }

  /** Vector of the last {@link Exit#EXCEPTION} or {@link Exit#SOFTWARE_INTERRUPT}. */
  public int vector() {
    return core.fault.vector;
  }

  /** Error code of the last exception, 0 when it has none. */
  public int errorCode() {
    return core.fault.errorCode;
  }

  public boolean hasErrorCode() {
    return core.fault.hasErrorCode;
  }

  /** Linear address of the last page fault or bad page table entry. */
  public int faultAddress() {
    return core.fault.address;
  }

  /** Length in bytes of the instruction that caused {@link Exit#SOFTWARE_INTERRUPT}. */
  public int instructionLength() {
    return core.fault.length;
  }

  /** Instructions retired since creation. Any thread; may lag a little while running. */
  public long instructions() {
    return core.instructions();
  }

  /** Figures for the curious. Any thread, may lag. */
  public CpuStatistics statistics() {
    return core.statistics();
  }

  /**
   * As MOV Sreg at the current CPL would. False, with nothing changed, when that would fault; then {@link #vector} and {@link
   * #errorCode} say how.
   */
  public boolean loadSegment(int register, int selector) {
    return core.loadSegment(register, selector);
  }

  /**
   * Sets selector and hidden part without any check; a descriptor of 0 makes the register null. CS also sets CPL to the
   * selector's RPL.
   */
  public void setSegment(int register, int selector, long descriptor) {
    core.setSegment(register, selector, descriptor);
  }

  /** The descriptor table is not what it was: loads of segment registers look at it again. */
  public void descriptorsChanged() {
    core.descriptorsChanged();
  }

  /** What the TSS would say for the ring of the handlers (lguest: SS1:ESP1). */
  public void setInnerStack(int ss, int esp) {
    core.setInnerStack(ss, esp);
  }

  /**
   * Enters a handler the way a gate does (SDM vol. 3, 6.12.1): when the selector's RPL is below CPL takes the inner stack and
   * pushes the old SS
   * and ESP there; pushes eflagsImage, CS, EIP and perhaps the error code, 32 bits each, with the handler's rights; goes to
   * selector:offset with TF, NT, RF and VM cleared and IF as it was.
   *
   * @return false, with the state unchanged, when the frame cannot be written or a selector is not fit; {@link #faultAddress}
   *     then names the
   *     linear address if a page was the reason
   */
  public boolean deliver(int selector, int offset, int eflagsImage, boolean pushErrorCode, int errorCode) {
    return core.deliver(selector, offset, eflagsImage, pushErrorCode, errorCode);
  }

  /** From now on, instead of any before; null for none. */
  public void systemCallGate(SystemCallGate gate) {
    core.systemCallGate(gate);
  }

  /** While {@code hold} is the last word, every INT is an {@link Exit}, whatever {@link #systemCallGate} said: for Hosts that wait for an occasion. */
  public void holdSystemCalls(boolean hold) {
    core.holdSystemCalls(hold);
  }

  /** How many INT instructions went through a {@link SystemCallGate}. Any thread, may lag. */
  public long systemCalls() {
    return core.systemCalls();
  }

  /** Loads CR3 and drops all cached translations. */
  public void setPageDirectory(int physical) {
    core.setCr3(physical);
  }

  public void flushTlb() {
    core.flushTlb();
  }

  public void flushTlbPage(int linear) {
    core.flushTlbPage(linear);
  }

  /** Drops translations of all pages that [linear, linear + length) touches, linear unsigned. */
  public void flushTlbRange(int linear, long length) {
    core.flushTlbRange(linear, length);
  }

  /**
   * Somebody else stored into guest memory: code decoded from those pages is dropped before the next instruction that runs
   * after the next
   * {@link #requestExit} or {@link #run}. Any thread.
   */
  public void memoryWritten(long physical, long length) {
    core.memoryWritten(physical, length);
  }

  /**
   * The byte (0..255) at a linear address, read with supervisor rights through the current page tables; -1 when that would
   * fault.
   */
  public int readLinearByte(int linear) {
    return core.peek(linear);
  }

  /** Translates with supervisor rights without touching accessed and dirty bits; -1 when that would fault. */
  public long physicalAddress(int linear) {
    return core.physicalAddress(linear);
  }

  /**
   * The processor must not be running. Afterwards it runs no more and touches no guest memory; counters and registers stay
   * readable.
   */
  @Override
  public void close() {
    core.close();
  }
}
