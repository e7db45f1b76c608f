package lguest.cpu.x86.oracle;

import java.util.Random;

/** Where the programs under test live: the same linear addresses on the host's processor and on ours. */
final class Area {
  static final int CODE = 0x1000_0000, CODE_SIZE = 4096;
  /** Writable pages, then read-only ones, then nothing. */
  static final int DATA = 0x2000_0000, WRITABLE = 8192, READONLY = 4096;
  static final int STACK = 0x3000_0000, STACK_SIZE = 4096;
  /** Good far pointers to the writable data, 16:32 and 16:16. */
  static final int FAR32 = DATA + 0x1f00, FAR16 = DATA + 0x1f08;
  static final int CODE_SELECTOR = 0x23, DATA_SELECTOR = 0x2b;
  /**
   * Segments for thread-local storage, as set_thread_area takes them (entry, base, limit, bits): 2 KiB of data; everything above the
   * first 2 KiB, that is, expanding down; two pages to be read only.
   */
  static final int[][] SEGMENTS = {{12, DATA + 0x100, 0x7ff, 0x41}, {13, DATA, 0x7ff, 0x43}, {14, DATA + 0x1000, 1, 0x59}};
  /** Their descriptors. */
  private static final long[] TLS = {descriptor(0x40f3, SEGMENTS[0]), descriptor(0x40f7, SEGMENTS[1]), descriptor(0xc0f1, SEGMENTS[2])};
  /** Linux' descriptor table for user space, as far as our programs may ask for it. */
  private static final long[] GDT = {0, 0, 0x00cf9b000000ffffL, 0x00cf93000000ffffL, 0x00cffb000000ffffL, 0x00cff3000000ffffL,
      0x00affb000000ffffL};

  private Area() {}

  static long descriptor(int index, boolean segments) {
    return index < GDT.length ? GDT[index] : index >= 12 && index < 15 && segments ? TLS[index - 12] : index < 16 ? 0 : -1;
  }

  private static long descriptor(int attributes, int[] segment) {
    long base = segment[1], limit = segment[2];
    return limit & 0xffff | (base & 0xffffff) << 16 | (long) (attributes & 0xff) << 40 | (limit >> 16 & 15) << 48
        | (long) (attributes >> 12) << 52 | base >>> 24 << 56;
  }

  /** What programs find in FS and GS. */
  static int fs(boolean segments) {
    return segments ? 0x63 : DATA_SELECTOR;
  }

  static int gs(boolean segments) {
    return segments ? 0x6b : DATA_SELECTOR;
  }

  /** Contents of writable data, read-only data and stack before every program: noise with structure. */
  static byte[] image(Random random) {
    byte[] image = new byte[WRITABLE + READONLY + STACK_SIZE];
    for (int at = 0; at < image.length; at += 4) {
      int word = switch (random.nextInt(8)) {
        case 0 -> 0;
        case 1 -> -1;
        case 2 -> random.nextInt(64) - 8;
        case 3 -> DATA + random.nextInt(WRITABLE);
        case 4 -> CODE + CODE_SIZE - 1 - random.nextInt(1024);
        case 5 -> 1 << random.nextInt(32);
        default -> random.nextInt();
      };
      // Not the alignment check flag, should somebody pop this as EFLAGS.
      if (at >= WRITABLE + READONLY) word &= ~0x40000;
      put(image, at, word);
    }
    long[] vectors = new long[16];
    for (int at = 0x400; at < 0xc00; at += 128) {
      Operands.fill(random, vectors);
      for (int i = 0; i < 16; i++) {
        put(image, at + 8 * i, (int) vectors[i]);
        put(image, at + 8 * i + 4, (int) (vectors[i] >>> 32));
      }
    }
    for (int at = 0x1000; at < 0x1100; at += 8) {
      long bits = Double.doubleToRawLongBits(random.nextGaussian() * (1 << random.nextInt(20)));
      put(image, at, (int) bits);
      put(image, at + 4, (int) (bits >>> 32));
    }
    put(image, FAR32 - DATA, DATA + 0x800);
    put(image, FAR32 - DATA + 4, DATA_SELECTOR);
    put(image, FAR16 - DATA, 0x1234 | DATA_SELECTOR << 16);
    return image;
  }

  private static void put(byte[] image, int at, int word) {
    for (int i = 0; i < 4; i++) image[at + i] = (byte) (word >>> 8 * i);
  }
}
