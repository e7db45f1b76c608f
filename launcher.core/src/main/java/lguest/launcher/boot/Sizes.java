package lguest.launcher.boot;

/** Byte counts as people write them. */
final class Sizes {
  private Sizes() {}

  /** {@code 64 MiB}, {@code 1500 KiB}, {@code 17 bytes}: the largest unit that says it exactly. */
  static String of(long bytes) {
    if (bytes % (1 << 20) == 0) return (bytes >> 20) + " MiB";
    return bytes % (1 << 10) == 0 ? (bytes >> 10) + " KiB" : bytes + " bytes";
  }
}
