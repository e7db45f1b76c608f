package lguest.cpu.x86.simd;

/** 128 bits on their way through an instruction; of an MMX operand the low half. */
public final class Vector {
  public long low, high;

  public void set(long low, long high) {
    this.low = low;
    this.high = high;
  }

  /** Element n of so many bits. */
  long get(int n, int bits) {
    int at = n * bits;
    long half = at < 64 ? low : high;
    return bits == 64 ? half : half >>> (at & 63) & (1L << bits) - 1;
  }

  void put(int n, int bits, long value) {
    int at = n * bits, shift = at & 63;
    long mask = (bits == 64 ? -1 : (1L << bits) - 1) << shift;
    if (at < 64) low = low & ~mask | value << shift & mask;
    else high = high & ~mask | value << shift & mask;
  }
}
