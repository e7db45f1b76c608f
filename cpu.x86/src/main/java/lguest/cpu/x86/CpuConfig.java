package lguest.cpu.x86;

import java.util.Objects;
import java.util.function.LongSupplier;

/**
 * What a processor is built with. Constant for its life.
 *
 * @param model what CPUID answers
 * @param gdt the global descriptor table
 * @param timestampCounter the time stamp counter, read by RDTSC on the vCPU thread
 * @param linearLimit unsigned; the first linear address that is never mapped, whatever the page tables say; 0 for none
 * @param directoryForbidden bits of a present page directory entry that end the run with {@link Exit#BAD_PAGE_DIRECTORY_ENTRY}
 * @param tableForbidden the same for table entries, {@link Exit#BAD_PAGE_TABLE_ENTRY}
 * @param engine what executes instructions
 */
public record CpuConfig(CpuModel model, DescriptorSource gdt, LongSupplier timestampCounter, int linearLimit,
                        int directoryForbidden, int tableForbidden, Engine engine) {
  public CpuConfig {
    Objects.requireNonNull(model);
    Objects.requireNonNull(gdt);
    Objects.requireNonNull(timestampCounter);
    Objects.requireNonNull(engine);
  }

  /** With the engine the user has chosen, see {@link Engine#chosen}. */
  public CpuConfig(CpuModel model, DescriptorSource gdt, LongSupplier timestampCounter, int linearLimit, int directoryForbidden, int tableForbidden) {
    this(model, gdt, timestampCounter, linearLimit, directoryForbidden, tableForbidden, Engine.chosen());
  }

  /** No forbidden bits, no forbidden addresses, a counter of nanoseconds. */
  public static CpuConfig of(DescriptorSource gdt) {
    return new CpuConfig(CpuModel.pentium4(), gdt, System::nanoTime, 0, 0, 0);
  }
}
