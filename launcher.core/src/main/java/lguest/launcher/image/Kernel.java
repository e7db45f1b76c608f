package lguest.launcher.image;

import java.nio.charset.StandardCharsets;
import lguest.launcher.GuestLog;
import lguest.launcher.LaunchException;
import lguest.launcher.boot.Placements;
import lguest.launcher.memory.MappedMemory;
import lguest.launcher.system.InputFile;

/**
 * A kernel in guest memory.
 *
 * @param entry virtual address of its first instruction
 * @param pageOffset virtual minus physical address
 */
public record Kernel(long entry, long pageOffset) {
  private static final byte[] MAGIC = "GenuineLguest".getBytes(StandardCharsets.US_ASCII);

  /**
   * Where an image's bytes have come to lie.
   *
   * @param start lowest guest-physical address
   * @param end the first address behind
   */
  record Loaded(long start, long end, long pageOffset) {}

  /** Loads an image of either kind. */
  public static Kernel load(InputFile image, MappedMemory memory, Placements places, GuestLog log) throws LaunchException {
    Loaded loaded = Elf.isElf(image) ? Elf.load(image, memory, places, log) : BzImage.load(image, memory, places, log);
    // Not ELF's entry field: that is for machines with a BIOS. A guest starts behind the magic (L14).
    long magic = Bytes.find(memory.view(loaded.start, loaded.end - loaded.start), MAGIC);
    if (magic < 0)
      throw new LaunchException("Is this image a genuine lguest? " + image.name() + " holds no 'GenuineLguest'; take a kernel built with lguest guest support");
    return new Kernel(loaded.start + magic + MAGIC.length + loaded.pageOffset & 0xFFFF_FFFFL, loaded.pageOffset);
  }
}
