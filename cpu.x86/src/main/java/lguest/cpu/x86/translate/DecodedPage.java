package lguest.cpu.x86.translate;

import lguest.cpu.x86.decode.Decoder;
import lguest.cpu.x86.decode.Instruction;
import lguest.cpu.x86.state.Native;

/**
 * The page whose code is being compiled: a copy of its bytes, and of them what has been decoded. Blocks of a page mostly come one after the other, and each looks at the beginnings
 * of those behind it; so an instruction is decoded once, as long as nobody stores to the page.
 */
final class DecodedPage {
  private static final int SIZE = 0x1000;

  private final Decoder decoder = new Decoder();
  private final byte[] bytes = new byte[SIZE];
  /** By offset in the page. */
  private final Instruction[] decoded = new Instruction[SIZE];
  private final short[] offsets = new short[SIZE];
  private int count;
  private int physical = -1;
  private int linear;
  private long lines;

  /** Makes this the page with physical and linear page numbers as given, at {@code host}. Stores to it are watched already. */
  void select(int physical, int linear, long host) {
    if (physical == this.physical && linear == this.linear) return;
    forget();
    this.physical = physical;
    this.linear = linear;
    Native.copy(host, bytes, 0, SIZE);
  }

  /** The bytes of this page may have changed. */
  void forget(int physical) {
    if (physical == this.physical) forget();
  }

  private void forget() {
    while (count > 0) decoded[offsets[--count]] = null;
    physical = -1;
  }

  /** The instruction at {@code eip}, an address in this page; null when it reaches into the next one. */
  Instruction at(int eip) {
    int offset = eip & SIZE - 1;
    Instruction i = decoded[offset];
    if (i == null) {
      i = decoder.decode(bytes, offset, SIZE, eip, true);
      if (i != null) {
        decoded[offset] = i;
        offsets[count++] = (short) offset;
      }
    }
    lines |= lines(offset, i == null ? SIZE - offset : i.length);
    return i;
  }

  /** Which 64-byte lines of the page have been asked for since the last time: a bit each. */
  long takeLines() {
    long taken = lines;
    lines = 0;
    return taken;
  }

  /** The 64-byte lines of its page that so many bytes at {@code address} lie in, as far as they do not reach beyond it. */
  static long lines(int address, int bytes) {
    int first = address >>> 6 & 63;
    int last = Math.min((address & SIZE - 1) + bytes - 1 >>> 6, 63);
    return -1L >>> 63 - (last - first) << first;
  }

  boolean contains(int eip) { return eip >>> 12 == linear; }

  /** The instruction at {@code eip} of this page that reaches into the one whose bytes begin at {@code next}. */
  Instruction crossing(int eip, long next) {
    byte[] both = new byte[2 * Decoder.MAX_LENGTH];
    int here = SIZE - (eip & SIZE - 1);
    System.arraycopy(bytes, eip & SIZE - 1, both, 0, here);
    Native.copy(next, both, here, Decoder.MAX_LENGTH);
    return decoder.decode(both, 0, here + Decoder.MAX_LENGTH, eip, true);
  }
}
