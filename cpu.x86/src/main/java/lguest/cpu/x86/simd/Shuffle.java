package lguest.cpu.x86.simd;

import lguest.cpu.x86.decode.Mnemonic;

/** Instructions that move elements about, across the halves of a register. The destination's old value comes in {@code d} and its new one leaves there. */
public final class Shuffle {
  private Shuffle() {}

  /** On XMM operands. False for what is not of this kind. */
  public static boolean xmm(Mnemonic mnemonic, Vector d, Vector s, int immediate) {
    switch (mnemonic) {
      case PACKSSWB, PACKSSDW, PACKUSWB ->
          d.set(pack(mnemonic, d.low) & 0xFFFFFFFFL | pack(mnemonic, d.high) << 32,
              pack(mnemonic, s.low) & 0xFFFFFFFFL | pack(mnemonic, s.high) << 32);
      case PUNPCKLBW -> d.set(interleave(d.low, s.low, 8), interleave(d.low >>> 32, s.low >>> 32, 8));
      case PUNPCKLWD -> d.set(interleave(d.low, s.low, 16), interleave(d.low >>> 32, s.low >>> 32, 16));
      case PUNPCKLDQ, UNPCKLPS -> d.set(interleave(d.low, s.low, 32), interleave(d.low >>> 32, s.low >>> 32, 32));
      case PUNPCKHBW -> d.set(interleave(d.high, s.high, 8), interleave(d.high >>> 32, s.high >>> 32, 8));
      case PUNPCKHWD -> d.set(interleave(d.high, s.high, 16), interleave(d.high >>> 32, s.high >>> 32, 16));
      case PUNPCKHDQ, UNPCKHPS -> d.set(interleave(d.high, s.high, 32), interleave(d.high >>> 32, s.high >>> 32, 32));
      case PUNPCKLQDQ, UNPCKLPD, MOVLHPS -> d.high = s.low;
      case PUNPCKHQDQ, UNPCKHPD -> d.set(d.high, s.high);
      case MOVHLPS -> d.low = s.high;
      case PSHUFD -> d.set(pick(s, 32, immediate) | pick(s, 32, immediate >> 2) << 32,
          pick(s, 32, immediate >> 4) | pick(s, 32, immediate >> 6) << 32);
      case SHUFPS -> d.set(pick(d, 32, immediate) | pick(d, 32, immediate >> 2) << 32,
          pick(s, 32, immediate >> 4) | pick(s, 32, immediate >> 6) << 32);
      case SHUFPD -> d.set((immediate & 1) == 0 ? d.low : d.high, (immediate & 2) == 0 ? s.low : s.high);
      case PSHUFLW -> d.set(words(s.low, immediate), s.high);
      case PSHUFHW -> d.set(s.low, words(s.high, immediate));
      case PSLLDQ -> {
        int n = Math.min(immediate, 16) * 8;
        d.set(n < 64 ? d.low << n : 0, n == 0 ? d.high : n < 64 ? d.high << n | d.low >>> 64 - n : n < 128 ? d.low << n - 64 : 0);
      }
      case PSRLDQ -> {
        int n = Math.min(immediate, 16) * 8;
        d.set(n == 0 ? d.low : n < 64 ? d.low >>> n | d.high << 64 - n : n < 128 ? d.high >>> n - 64 : 0, n < 64 ? d.high >>> n : 0);
      }
      default -> {
        return false;
      }
    }
    return true;
  }

  /** On MMX operands, the low halves. */
  public static boolean mmx(Mnemonic mnemonic, Vector d, Vector s, int immediate) {
    long a = d.low, b = s.low;
    switch (mnemonic) {
      case PACKSSWB, PACKSSDW, PACKUSWB -> d.low = pack(mnemonic, a) & 0xFFFFFFFFL | pack(mnemonic, b) << 32;
      case PUNPCKLBW -> d.low = interleave(a, b, 8);
      case PUNPCKLWD -> d.low = interleave(a, b, 16);
      case PUNPCKLDQ -> d.low = interleave(a, b, 32);
      case PUNPCKHBW -> d.low = interleave(a >>> 32, b >>> 32, 8);
      case PUNPCKHWD -> d.low = interleave(a >>> 32, b >>> 32, 16);
      case PUNPCKHDQ -> d.low = interleave(a >>> 32, b >>> 32, 32);
      case PSHUFW -> d.low = words(b, immediate);
      default -> {
        return false;
      }
    }
    return true;
  }

  /** 64 bits of words or dwords to 32 bits of elements half as wide, saturated. */
  private static long pack(Mnemonic mnemonic, long a) {
    long result = 0;
    if (mnemonic == Mnemonic.PACKSSDW) {
      for (int n = 0; n < 2; n++) {
        result |= (Lanes.clamp((int) (a >> 32 * n), Short.MIN_VALUE, Short.MAX_VALUE) & 0xFFFFL) << 16 * n;
      }
      return result;
    }
    boolean signed = mnemonic == Mnemonic.PACKSSWB;
    for (int n = 0; n < 4; n++) {
      int word = (short) (a >> 16 * n);
      result |= (Lanes.clamp(word, signed ? Byte.MIN_VALUE : 0, signed ? Byte.MAX_VALUE : 0xFF) & 0xFFL) << 8 * n;
    }
    return result;
  }

  /** The elements of the low 32 bits of each, in turns, a's first. */
  private static long interleave(long a, long b, int bits) {
    long mask = (1L << bits) - 1, result = 0;
    for (int at = 0; at < 32; at += bits) result |= (a >>> at & mask | (b >>> at & mask) << bits) << 2 * at;
    return result;
  }

  private static long pick(Vector v, int bits, int n) {
    return v.get(n & 3, bits);
  }

  private static long words(long a, int order) {
    long result = 0;
    for (int n = 0; n < 4; n++) result |= (a >>> 16 * (order >> 2 * n & 3) & 0xFFFF) << 16 * n;
    return result;
  }

  /** Sign bits of the elements, element 0 lowest. */
  public static int signs(Vector v, int bits, int elements) {
    int result = 0;
    for (int n = 0; n < elements; n++) result |= (int) (v.get(n, bits) >>> bits - 1) << n;
    return result;
  }
}
