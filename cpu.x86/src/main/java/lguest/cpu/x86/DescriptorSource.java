package lguest.cpu.x86;

/** The global descriptor table, kept by the Host. Called on the vCPU thread whenever a selector is loaded or examined, but perhaps not for one that is
 * loaded again unless {@link Cpu#descriptorsChanged} was called since. */
@FunctionalInterface
public interface DescriptorSource {
  /** What {@link #descriptor} answers for an index beyond the table's limit. */
  long BEYOND_LIMIT = -1;

  /**
   * One 8-byte descriptor in the processor's own format (SDM vol. 3, 3.4.5), low dword in the low half.
   *
   * @param index selector bits 3..15
   * @return the descriptor, 0 for an empty one, {@link #BEYOND_LIMIT} beyond the limit
   */
  long descriptor(int index);
}
