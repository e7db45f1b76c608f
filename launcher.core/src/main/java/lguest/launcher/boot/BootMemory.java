package lguest.launcher.boot;

import lguest.launcher.GuestLog;
import lguest.launcher.GuestSpec;
import lguest.launcher.LaunchException;
import lguest.launcher.image.Kernel;
import lguest.launcher.memory.MappedMemory;
import lguest.launcher.system.InputFile;
import lguest.memory.GuestMemory;

/**
 * Tour 3.3: What lies in memory before the first instruction
 *
 * <p>No firmware, no boot loader: the Launcher puts into memory what a booted PC would hold when the kernel is entered. From the bottom: the boot parameters, the command line,
 * from 1 MiB on the kernel; and from the top down the initrd, a page directory and the page tables (ABI §4.2). Nothing is protected from the guest. It merely
 * finishes with each of these before its allocator reaches them, a gentlemen's agreement as old as PCs.
 *
 * @param pageDirectory guest-physical address of the page directory to start on
 * @param entry virtual address of the first instruction
 * @param pageOffset virtual minus physical address of the guest's kernel
 */
public record BootMemory(long pageDirectory, long entry, long pageOffset) {
  /** A Host keeps the last 4 MiB of the guest's virtual space (ABI §7.5). */
  private static final long SWITCHER = 0xFFC0_0000L;

  /** Refuses a memory size no guest can have, before memory of that size is asked for. */
  public static void check(long memory) throws LaunchException {
    if (memory < GuestSpec.MIN_MEMORY)
      throw new LaunchException("%s of memory are too little for a guest; it needs %s at least".formatted(Sizes.of(memory), Sizes.of(GuestSpec.MIN_MEMORY)));
    if (memory > MappedMemory.MAX_RAM)
      throw new LaunchException("%s of memory are more than a guest can address; it can have %d MiB at most".formatted(Sizes.of(memory), MappedMemory.MAX_RAM >> 20));
    if (memory % GuestMemory.PAGE_SIZE != 0)
      throw new LaunchException("%d bytes of memory are not whole pages; make it a multiple of %d".formatted(memory, GuestMemory.PAGE_SIZE));
  }

  /** Fills the memory of a guest that is to boot. */
  public static BootMemory fill(MappedMemory memory, GuestSpec spec, GuestLog log) throws LaunchException {
    byte[] commandLine = BootParameters.encode(spec.arguments());
    Placements places = new Placements(memory.ram());
    BootParameters.place(places);
    long top = memory.ram();
    try (InputFile image = InputFile.open("kernel image", spec.image(), "name an ELF vmlinux or a bzImage");
        InputFile initrd = spec.initrd().isPresent() ? InputFile.open("initrd", spec.initrd().get(), "name an initial RAM disk or leave the option out") : null) {
      if (initrd != null) {
        long size = initrd.size() + GuestMemory.PAGE_SIZE - 1 & -GuestMemory.PAGE_SIZE;
        top -= size;
        places.take(initrd.name(), top, size);
      }
      Kernel kernel = Kernel.load(image, memory, places, log);
      if (kernel.pageOffset() >= SWITCHER || kernel.pageOffset() % (1 << 22) != 0)
        throw new LaunchException("%s has its page offset at %#x; a guest's must be a multiple of 4 MiB below %#x, so this is no lguest kernel".formatted(image.name(), kernel.pageOffset(), SWITCHER));
      PageTables tables = PageTables.below(top, memory.ram(), kernel.pageOffset());
      tables.place(places);

      if (initrd != null) {
        memory.load(initrd, 0, top, initrd.size());
        BootParameters.writeInitrd(memory, top, memory.ram() - top);
        log.line(System.Logger.Level.INFO, "initrd: %d bytes at %#x".formatted(initrd.size(), top), null);
      }
      BootParameters.write(memory, commandLine);
      tables.write(memory);
      log.line(System.Logger.Level.INFO, "Linear mapping: %d pages from %#x, tables at %#x, page directory at %#x".formatted(
        tables.mapped(), kernel.pageOffset(), tables.tables(), tables.directory()), null);
      return new BootMemory(tables.directory(), kernel.entry(), kernel.pageOffset());
    }
  }
}
