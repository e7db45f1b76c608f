package lguest.cpu.x86.simd;

import static lguest.cpu.x86.simd.Format.DOUBLE;
import static lguest.cpu.x86.simd.Format.SINGLE;

import java.util.EnumMap;
import java.util.Map;
import lguest.cpu.x86.decode.Mnemonic;
import lguest.cpu.x86.simd.FloatUnit.Operation;

/**
 * The floating-point instructions: which elements go through {@link FloatUnit}, and where the results go. Operands and results that
 * are no XMM registers (general, MMX, memory) are the low end of a vector.
 */
public interface Floating {
  /** Computes into d, whose old value counts where the instruction leaves a part of it alone. */
  void apply(FloatUnit unit, Vector d, Vector s, int immediate);

  /** Null for instructions of another kind. */
  static Floating of(Mnemonic mnemonic) {
    return Instructions.ALL.get(mnemonic);
  }

  /** COMI and UCOMI: -1, 0, 1, or 2 for unordered. */
  static int compare(FloatUnit unit, Mnemonic mnemonic, Vector a, Vector b) {
    boolean single = mnemonic == Mnemonic.COMISS || mnemonic == Mnemonic.UCOMISS;
    boolean signalling = mnemonic == Mnemonic.COMISS || mnemonic == Mnemonic.COMISD;
    Format f = single ? SINGLE : DOUBLE;
    return unit.compare(f, a.get(0, f.bits()), b.get(0, f.bits()), signalling);
  }

  /** The table of them. */
  final class Instructions {
    private static final Map<Mnemonic, Floating> ALL = new EnumMap<>(Mnemonic.class);

    private Instructions() {}

    static {
      for (Operation operation : Operation.values()) {
        family(operation.name(), f -> (u, a, b, i) -> u.compute(operation, f, a, b));
      }
      family("CMP", f -> (u, a, b, i) -> u.holds(f, a, b, i) ? f.mask() : 0);
      Element reciprocal = (u, a, b, i) -> FloatUnit.approximate(false, b), root = (u, a, b, i) -> FloatUnit.approximate(true, b);
      put(Mnemonic.RCPPS, SINGLE, 4, reciprocal);
      put(Mnemonic.RCPSS, SINGLE, 1, reciprocal);
      put(Mnemonic.RSQRTPS, SINGLE, 4, root);
      put(Mnemonic.RSQRTSS, SINGLE, 1, root);
      // From wider elements to narrower ones the rest becomes zero, from narrower ones to wider the rest is not looked at.
      convert(Mnemonic.CVTSS2SD, 32, 64, 1, false, (u, a) -> u.convert(SINGLE, DOUBLE, a));
      convert(Mnemonic.CVTPS2PD, 32, 64, 2, false, (u, a) -> u.convert(SINGLE, DOUBLE, a));
      convert(Mnemonic.CVTSD2SS, 64, 32, 1, false, (u, a) -> u.convert(DOUBLE, SINGLE, a));
      convert(Mnemonic.CVTPD2PS, 64, 32, 2, true, (u, a) -> u.convert(DOUBLE, SINGLE, a));
      convert(Mnemonic.CVTDQ2PS, 32, 32, 4, false, (u, a) -> u.fromInteger(SINGLE, (int) a));
      convert(Mnemonic.CVTDQ2PD, 32, 64, 2, false, (u, a) -> u.fromInteger(DOUBLE, (int) a));
      convert(Mnemonic.CVTPI2PS, 32, 32, 2, false, (u, a) -> u.fromInteger(SINGLE, (int) a));
      convert(Mnemonic.CVTPI2PD, 32, 64, 2, false, (u, a) -> u.fromInteger(DOUBLE, (int) a));
      convert(Mnemonic.CVTSI2SS, 32, 32, 1, false, (u, a) -> u.fromInteger(SINGLE, (int) a));
      convert(Mnemonic.CVTSI2SD, 32, 64, 1, false, (u, a) -> u.fromInteger(DOUBLE, (int) a));
      toInteger(Mnemonic.CVTPS2DQ, SINGLE, 4, false);
      toInteger(Mnemonic.CVTTPS2DQ, SINGLE, 4, true);
      toInteger(Mnemonic.CVTPD2DQ, DOUBLE, 2, false);
      toInteger(Mnemonic.CVTTPD2DQ, DOUBLE, 2, true);
      toInteger(Mnemonic.CVTPS2PI, SINGLE, 2, false);
      toInteger(Mnemonic.CVTTPS2PI, SINGLE, 2, true);
      toInteger(Mnemonic.CVTPD2PI, DOUBLE, 2, false);
      toInteger(Mnemonic.CVTTPD2PI, DOUBLE, 2, true);
      toInteger(Mnemonic.CVTSS2SI, SINGLE, 1, false);
      toInteger(Mnemonic.CVTTSS2SI, SINGLE, 1, true);
      toInteger(Mnemonic.CVTSD2SI, DOUBLE, 1, false);
      toInteger(Mnemonic.CVTTSD2SI, DOUBLE, 1, true);
    }

    private interface Element {
      long apply(FloatUnit unit, long a, long b, int immediate);
    }

    private interface Conversion {
      long apply(FloatUnit unit, long a);
    }

    private interface OfFormat {
      Element of(Format format);
    }

    /** Packed and scalar, single and double. */
    private static void family(String name, OfFormat element) {
      put(Mnemonic.valueOf(name + "PS"), SINGLE, 4, element.of(SINGLE));
      put(Mnemonic.valueOf(name + "PD"), DOUBLE, 2, element.of(DOUBLE));
      put(Mnemonic.valueOf(name + "SS"), SINGLE, 1, element.of(SINGLE));
      put(Mnemonic.valueOf(name + "SD"), DOUBLE, 1, element.of(DOUBLE));
    }

    private static void put(Mnemonic mnemonic, Format f, int elements, Element element) {
      int bits = f.bits();
      ALL.put(mnemonic, (u, d, s, i) -> {
        for (int n = 0; n < elements; n++) d.put(n, bits, element.apply(u, d.get(n, bits), s.get(n, bits), i));
      });
    }

    private static void toInteger(Mnemonic mnemonic, Format f, int elements, boolean truncate) {
      convert(mnemonic, f.bits(), 32, elements, f == DOUBLE && elements == 2, (u, a) -> u.toInteger(f, a, truncate));
    }

    private static void convert(Mnemonic mnemonic, int from, int to, int elements, boolean clear, Conversion conversion) {
      ALL.put(mnemonic, (u, d, s, i) -> {
        for (int n = 0; n < elements; n++) d.put(n, to, conversion.apply(u, s.get(n, from)));
        if (clear) d.high = 0;
      });
    }
  }
}
