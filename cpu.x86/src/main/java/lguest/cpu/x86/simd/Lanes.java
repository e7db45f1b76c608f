package lguest.cpu.x86.simd;

import java.util.function.IntBinaryOperator;
import java.util.function.LongBinaryOperator;
import java.util.function.LongUnaryOperator;
import lguest.cpu.x86.decode.Mnemonic;

/**
 * Packed integer arithmetic on 64 bits at a time: all of an MMX operand, either half of an XMM one, because no element knows its
 * neighbours in the other half. What does know them is in {@link Shuffle}.
 */
public final class Lanes {
  private Lanes() {}

  /** Destination and source to result; null for what is not of this kind. */
  public static LongBinaryOperator operation(Mnemonic mnemonic) {
    return switch (mnemonic) {
      case PAND, ANDPS, ANDPD -> (a, b) -> a & b;
      case PANDN, ANDNPS, ANDNPD -> (a, b) -> ~a & b;
      case POR, ORPS, ORPD -> (a, b) -> a | b;
      case PXOR, XORPS, XORPD -> (a, b) -> a ^ b;
      case PADDB -> bytes((a, b) -> a + b);
      case PADDW -> words((a, b) -> a + b);
      case PADDD -> dwords((a, b) -> a + b);
      case PADDQ -> (a, b) -> a + b;
      case PSUBB -> bytes((a, b) -> a - b);
      case PSUBW -> words((a, b) -> a - b);
      case PSUBD -> dwords((a, b) -> a - b);
      case PSUBQ -> (a, b) -> a - b;
      case PADDSB -> bytes((a, b) -> clamp(a + b, Byte.MIN_VALUE, Byte.MAX_VALUE));
      case PADDSW -> words((a, b) -> clamp(a + b, Short.MIN_VALUE, Short.MAX_VALUE));
      case PSUBSB -> bytes((a, b) -> clamp(a - b, Byte.MIN_VALUE, Byte.MAX_VALUE));
      case PSUBSW -> words((a, b) -> clamp(a - b, Short.MIN_VALUE, Short.MAX_VALUE));
      case PADDUSB -> bytes((a, b) -> clamp((a & 0xFF) + (b & 0xFF), 0, 0xFF));
      case PADDUSW -> words((a, b) -> clamp((a & 0xFFFF) + (b & 0xFFFF), 0, 0xFFFF));
      case PSUBUSB -> bytes((a, b) -> clamp((a & 0xFF) - (b & 0xFF), 0, 0xFF));
      case PSUBUSW -> words((a, b) -> clamp((a & 0xFFFF) - (b & 0xFFFF), 0, 0xFFFF));
      case PCMPEQB -> bytes((a, b) -> a == b ? -1 : 0);
      case PCMPEQW -> words((a, b) -> a == b ? -1 : 0);
      case PCMPEQD -> dwords((a, b) -> a == b ? -1 : 0);
      case PCMPGTB -> bytes((a, b) -> a > b ? -1 : 0);
      case PCMPGTW -> words((a, b) -> a > b ? -1 : 0);
      case PCMPGTD -> dwords((a, b) -> a > b ? -1 : 0);
      case PMINUB -> bytes((a, b) -> Math.min(a & 0xFF, b & 0xFF));
      case PMAXUB -> bytes((a, b) -> Math.max(a & 0xFF, b & 0xFF));
      case PMINSW -> words(Math::min);
      case PMAXSW -> words(Math::max);
      case PAVGB -> bytes((a, b) -> (a & 0xFF) + (b & 0xFF) + 1 >> 1);
      case PAVGW -> words((a, b) -> (a & 0xFFFF) + (b & 0xFFFF) + 1 >> 1);
      case PMULLW -> words((a, b) -> a * b);
      case PMULHW -> words((a, b) -> a * b >> 16);
      case PMULHUW -> words((a, b) -> (a & 0xFFFF) * (b & 0xFFFF) >>> 16);
      case PMULUDQ -> (a, b) -> (a & 0xFFFFFFFFL) * (b & 0xFFFFFFFFL);
      case PMADDWD -> (a, b) -> (long) pairs((int) (a >>> 32), (int) (b >>> 32)) << 32 | pairs((int) a, (int) b) & 0xFFFFFFFFL;
      case PSADBW -> Lanes::differences;
      default -> null;
    };
  }

  /**
   * Shifts every element by the same count.
   *
   * @param count unsigned; beyond the element's width everything, or everything but the sign, is shifted out
   */
  public static long shift(Mnemonic mnemonic, long a, long count) {
    int n = Long.compareUnsigned(count, 64) < 0 ? (int) count : 64;
    return switch (mnemonic) {
      case PSLLW -> n > 15 ? 0 : each(a, 16, e -> e << n);
      case PSLLD -> n > 31 ? 0 : each(a, 32, e -> e << n);
      case PSLLQ -> n > 63 ? 0 : a << n;
      case PSRLW -> n > 15 ? 0 : each(a, 16, e -> (e & 0xFFFF) >>> n);
      case PSRLD -> n > 31 ? 0 : each(a, 32, e -> (e & 0xFFFFFFFFL) >>> n);
      case PSRLQ -> n > 63 ? 0 : a >>> n;
      case PSRAW -> each(a, 16, e -> (short) e >> Math.min(n, 15));
      case PSRAD -> each(a, 32, e -> (int) e >> Math.min(n, 31));
      default -> throw new IllegalArgumentException(mnemonic.name());
    };
  }

  private static long each(long a, int bits, LongUnaryOperator f) {
    long mask = (1L << bits) - 1, result = 0;
    for (int at = 0; at < 64; at += bits) result |= (f.applyAsLong(a >> at) & mask) << at;
    return result;
  }

  /** The operator sees elements sign-extended; what it returns is cut to size. */
  private static LongBinaryOperator bytes(IntBinaryOperator f) {
    return (a, b) -> {
      long result = 0;
      for (int at = 0; at < 64; at += 8) result |= (f.applyAsInt((byte) (a >> at), (byte) (b >> at)) & 0xFFL) << at;
      return result;
    };
  }

  private static LongBinaryOperator words(IntBinaryOperator f) {
    return (a, b) -> {
      long result = 0;
      for (int at = 0; at < 64; at += 16) result |= (f.applyAsInt((short) (a >> at), (short) (b >> at)) & 0xFFFFL) << at;
      return result;
    };
  }

  private static LongBinaryOperator dwords(IntBinaryOperator f) {
    return (a, b) -> f.applyAsInt((int) a, (int) b) & 0xFFFFFFFFL | (long) f.applyAsInt((int) (a >> 32), (int) (b >> 32)) << 32;
  }

  static int clamp(int value, int least, int most) {
    return Math.max(least, Math.min(most, value));
  }

  /** PMADDWD of one pair of words each. */
  private static int pairs(int a, int b) {
    return (short) a * (short) b + (a >> 16) * (b >> 16);
  }

  private static long differences(long a, long b) {
    int sum = 0;
    for (int at = 0; at < 64; at += 8) sum += Math.abs((int) (a >>> at & 0xFF) - (int) (b >>> at & 0xFF));
    return sum;
  }
}
