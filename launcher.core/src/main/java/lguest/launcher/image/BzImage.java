package lguest.launcher.image;

import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import lguest.launcher.GuestLog;
import lguest.launcher.LaunchException;
import lguest.launcher.boot.Placements;
import lguest.launcher.memory.MappedMemory;
import lguest.launcher.system.InputFile;

/**
 * A bzImage (L12, L13): real-mode code that unpacks a gzip stream somewhere in the file. There is no real mode here, so we search for the stream and unpack it ourselves, to 1 MiB.
 *
 * <p>What comes out is a bare memory image that does not say at which virtual address it wants to be; it is guessed from the kernel's own instructions, see {@link #guessPageOffset}.
 */
final class BzImage {
  static final long LOAD_ADDRESS = 0x10_0000;
  /** An image's real-mode part takes tens of KiB. Searching a mistaken disk image to its end would take minutes. */
  static final long SEARCHED = 16L << 20;
  private static final int FIRST = 52, GZIP_HEADER = 10, UNIX = 3;
  private static final byte MOV_EAX_FROM_MEMORY = (byte) 0xA1;

  private BzImage() {}

  static Kernel.Loaded load(InputFile image, MappedMemory memory, Placements places, GuestLog log) throws LaunchException {
    if (memory.ram() <= LOAD_ADDRESS) throw new IllegalArgumentException("no memory at 1 MiB");
    long size = unpack(image, memory.view(LOAD_ADDRESS, memory.ram() - LOAD_ADDRESS));
    places.take("the unpacked " + image.name(), LOAD_ADDRESS, size);
    log.line(System.Logger.Level.INFO, "Unpacked size %d at %#x".formatted(size, LOAD_ADDRESS), null);
    int top = guessPageOffset(memory.view(LOAD_ADDRESS, size));
    if (top < 0) throw new LaunchException("could not determine page offset: what was packed in " + image.name() + " does not look like an i386 kernel; take one built with lguest guest support");
    return new Kernel.Loaded(LOAD_ADDRESS, LOAD_ADDRESS + size, (long) top << 24);
  }

  /** Unpacks the first whole gzip stream. A place that only looks like one is passed over, what it left is wiped, and what was wrong with the first is said when none is good. */
  private static long unpack(InputFile image, MemorySegment target) throws LaunchException {
    Gunzip.Refusal first = null;
    try (Arena arena = Arena.ofConfined()) {
      MemorySegment file = arena.allocate(Math.min(image.size(), SEARCHED));
      image.read(0, file);
      for (long at = header(file, FIRST); at >= 0; at = header(file, at + 1)) {
        switch (Gunzip.unpack(image, at, target)) {
          case Gunzip.Unpacked(long size) -> { return size; }
          case Gunzip.Refusal refusal -> { if (first == null) first = refusal; }
        }
      }
    }
    if (first == null) throw new LaunchException("Could not find kernel in bzImage: " + image.name() + " is neither ELF nor holds a gzip stream; name an ELF vmlinux or a bzImage");
    throw new LaunchException("cannot unpack " + image.name() + ": " + first.why());
  }

  /** The next offset from {@code start} on where ten bytes look like a gzip header made on Unix, or −1. */
  private static long header(MemorySegment file, long start) {
    return Bytes.scan(file, start, GZIP_HEADER - 1, (bytes, to, length) -> {
      for (int at = 0; at < to && at + GZIP_HEADER <= length; at++)
        if (bytes[at] == 0x1F && bytes[at + 1] == (byte) 0x8B && bytes[at + 9] == UNIX) return at;
      return -1;
    });
  }

  /**
   * The top byte of the page offset, or −1. The kernel loads its global variables into EAX often: opcode A1, then four bytes of address of which the
   * last is mostly the top of the page offset. The first value seen four times wins. A hack, and it has always worked.
   */
  static int guessPageOffset(MemorySegment kernel) {
    int[] seen = new int[256];
    int[] winner = {-1};
    Bytes.scan(kernel, 0, 4, (bytes, to, length) -> {
      for (int at = 0; at < to && at + 4 < length; at++)
        if (bytes[at] == MOV_EAX_FROM_MEMORY && ++seen[bytes[at + 4] & 0xFF] == 4) {
          winner[0] = bytes[at + 4] & 0xFF;
          return at;
        }
      return -1;
    });
    return winner[0];
  }
}
