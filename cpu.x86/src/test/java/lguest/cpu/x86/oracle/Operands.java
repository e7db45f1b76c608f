package lguest.cpu.x86.oracle;

import java.util.Random;

/** Values for vectors: what arithmetic on packed numbers of any kind finds interesting, in any mixture. */
final class Operands {
  private static final long[] DOUBLES = {0, 1, 0xfffffffffffffL, 0x10000000000000L, 0x10000000000001L, 0x3ff0000000000000L, 0x3fefffffffffffffL,
      0x3ff0000000000001L, 0x3fe0000000000000L, 0x4008000000000000L, 0x41dfffffffc00000L, 0x41dfffffffe00000L, 0x41e0000000000000L,
      0x7fefffffffffffffL, 0x7ff0000000000000L, 0x7ff0000000000001L, 0x7ff8000000000000L, 0x7ff8000012345678L, 0x47efffffe0000000L,
      0x47efffffefffffffL, 0x47effffff0000000L, 0x3810000000000000L, 0x380fffffe0000000L, 0x36a0000000000000L, 0x3690000000000000L,
      0x43e0000000000000L, 0x1ff0000000000000L, 0x2000000000000000L, 0x5fe0000000000000L};
  private static final int[] SINGLES = {0, 1, 0x7fffff, 0x800000, 0x800001, 0x3f800000, 0x3f7fffff, 0x3f800001, 0x3f000000, 0x40400000, 0x4effffff,
      0x4f000000, 0x7f7fffff, 0x7f800000, 0x7f800001, 0x7fc00000, 0x7fc12345, 0x20000000, 0x1f800000, 0x5f800000, 0x4b7fffff, 0x3fc00000};

  private Operands() {}

  /** Fills eight registers, low half first. */
  static void fill(Random random, long[] halves) {
    int style = random.nextInt(4);
    for (int i = 0; i < halves.length; i += 2) {
      int kind = random.nextInt(4) == 0 ? random.nextInt(4) : style;
      for (int h = 0; h < 2; h++) {
        halves[i + h] = switch (kind) {
          case 0 -> random.nextLong();
          case 1 -> number(random);
          case 2 -> single(random) & 0xffffffffL | (long) single(random) << 32;
          default -> small(random);
        };
      }
    }
  }

  private static long number(Random random) {
    long sign = random.nextInt(2) == 0 ? 0 : Long.MIN_VALUE;
    return sign | switch (random.nextInt(6)) {
      case 0, 1 -> DOUBLES[random.nextInt(DOUBLES.length)];
      case 2 -> Double.doubleToRawLongBits(random.nextInt(2000) / 4.0);
      case 3 -> random.nextLong() >>> 1;
      // Near one, near the least, near the largest: sums cancel, products leave the range.
      case 4 -> (long) (1020 + random.nextInt(8)) << 52 | random.nextLong() >>> 12 & -1L << random.nextInt(52);
      default -> (long) (random.nextBoolean() ? random.nextInt(60) : 2046 - random.nextInt(60)) << 52 | random.nextLong() >>> 12;
    };
  }

  private static int single(Random random) {
    int sign = random.nextInt(2) << 31;
    return sign | switch (random.nextInt(6)) {
      case 0, 1 -> SINGLES[random.nextInt(SINGLES.length)];
      case 2 -> Float.floatToRawIntBits(random.nextInt(2000) / 4.0f);
      case 3 -> random.nextInt() >>> 1;
      case 4 -> 124 + random.nextInt(8) << 23 | random.nextInt() >>> 9 & -1 << random.nextInt(23);
      default -> (random.nextBoolean() ? random.nextInt(28) : 254 - random.nextInt(28)) << 23 | random.nextInt() >>> 9;
    };
  }

  /** Bytes and words near their ends, and small counts. */
  private static long small(Random random) {
    if (random.nextInt(4) == 0) return random.nextInt(80);
    long value = 0;
    for (int at = 0; at < 64; at += 8) {
      int[] corners = {0, 1, 0x7f, 0x80, 0xff, random.nextInt(256)};
      value |= (long) corners[random.nextInt(corners.length)] << at;
    }
    return value;
  }
}
