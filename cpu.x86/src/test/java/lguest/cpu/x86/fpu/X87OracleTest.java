package lguest.cpu.x86.fpu;

import static org.junit.jupiter.api.Assertions.assertTrue;
import static org.junit.jupiter.api.Assertions.fail;

import java.io.IOException;
import java.lang.foreign.Arena;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.HexFormat;
import java.util.List;
import java.util.Map;
import java.util.Random;
import java.util.TreeMap;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** Every x87 instruction against the processor's own unit: bit for bit, but the transcendental ones, which have a tolerance. */
class X87OracleTest {
  private static final int RANDOM_CASES = Integer.getInteger("lguest.x87.cases", 400_000);
  private static final int BATCH = 20_000;
  /** Single, double, extended, and the reserved encoding, which acts as extended. */
  private static final int[] PRECISIONS = {0, 0x200, 0x300, 0x100};

  private static final int[] CORNER_EXPONENTS = {0, 1, 2, 0x3fbf, 0x3ffd, 0x3ffe, 0x3fff, 0x4000, 0x403d, 0x403e, 0x403f, 0x7ffd, 0x7ffe, 0x7fff};
  private static final long[] CORNER_MANTISSAS = {0, 1, 0x4000000000000000L, 0x7fffffffffffffffL, 0x8000000000000000L, 0x8000000000000001L,
      0x80000000000003ffL, 0x8000000000000400L, 0x8000000000000c00L, 0x8000008000000000L, 0x8000018000000001L, 0xc000000000000000L,
      0xc000000000000001L, 0xfffffffffffffbffL, 0xfffffffffffffc00L, 0xffffff7fffffffffL, 0xffffffffffffffffL};

  @TempDir
  Path directory;

  /** Encodings whose outcome is exact. */
  private static List<byte[]> exactEncodings() {
    List<byte[]> all = new ArrayList<>();
    for (int opcode = 0xd8; opcode <= 0xdf; opcode++) {
      for (int modrm = 0xc0; modrm <= 0xff; modrm++) {
        int code = opcode << 8 | modrm;
        boolean transcendental = code == 0xd9f0 || code == 0xd9f1 || code == 0xd9f2 || code == 0xd9f3 || code == 0xd9f9
            || code == 0xd9fb || code == 0xd9fe || code == 0xd9ff;
        if ((Escape.register(opcode, modrm) & Escape.UNDEFINED) == 0 && !transcendental) all.add(new byte[] {(byte) opcode, (byte) modrm});
      }
      for (int reg = 0; reg < 8; reg++) {
        int info = Escape.memory(opcode, reg);
        if ((info & Escape.UNDEFINED) != 0) continue;
        all.add(new byte[] {(byte) opcode, (byte) (reg << 3 | 6)});
        if ((info & Escape.ENVIRONMENT) != 0) all.add(new byte[] {0x66, (byte) opcode, (byte) (reg << 3 | 6)});
      }
    }
    return all;
  }

  @Test
  void cornersInEveryMode() throws Exception {
    Comparison comparison = new Comparison(RealUnit.orSkip(directory));
    List<X87Case> values = new ArrayList<>();
    for (int e : CORNER_EXPONENTS) for (long m : CORNER_MANTISSAS) values.add(new X87Case().st(0, e, m));
    Random random = new Random(1);
    // Two-operand arithmetic and comparison: every pair of corner values, one random mode each; one-operand: every value, every mode.
    int[] pairs = {0xd8c1, 0xd8c9, 0xd8e1, 0xd8f1, 0xd8d1, 0xdde1, 0xdbf1, 0xd9f8, 0xd9f5, 0xd9fd};
    for (int code : pairs) {
      for (X87Case a : values) {
        for (X87Case b : values) {
          X87Case c = new X87Case().st(0, a.signExp[0] | random.nextInt(2) << 15, a.mantissa[0])
              .st(1, b.signExp[0] | random.nextInt(2) << 15, b.mantissa[0]);
          c.code = new byte[] {(byte) (code >> 8), (byte) code};
          c.fcw = mode(random, random.nextInt(3) == 0);
          comparison.add(c);
        }
      }
    }
    int[] singles = {0xd9fa, 0xd9fc, 0xd9f4, 0xd9e4, 0xd9e5, 0xd9e0, 0xd9e1, 0xd916, 0xdd16, 0xdf16, 0xdb16, 0xdf3e, 0xdf36, 0xdb3e};
    for (int code : singles) {
      for (X87Case a : values) {
        for (int mode = 0; mode < 12; mode++) {
          for (int unmasked = 0; unmasked < 2; unmasked++) {
            X87Case c = new X87Case().st(0, a.signExp[0] | random.nextInt(2) << 15, a.mantissa[0]);
            c.ftw = 1;
            c.code = new byte[] {(byte) (code >> 8), (byte) code};
            c.fcw = 0x40 | PRECISIONS[mode % 3] | mode / 3 << 10 | (unmasked == 0 ? 0x3f : random.nextInt(64));
            comparison.add(c);
          }
        }
      }
    }
    comparison.finish("corners");
  }

  @Test
  void randomStatesAndInstructions() throws Exception {
    long seed = Long.getLong("lguest.x87.seed", System.nanoTime());
    System.out.println("x87 random cases: " + RANDOM_CASES + ", seed " + seed + " (-Dlguest.x87.seed)");
    Comparison comparison = new Comparison(RealUnit.orSkip(directory));
    Random random = new Random(seed);
    List<byte[]> encodings = exactEncodings();
    for (int i = 0; i < RANDOM_CASES; i++) comparison.add(randomCase(random, encodings.get(random.nextInt(encodings.size()))));
    comparison.finish("seed " + seed);
  }

  @Test
  void transcendentalsWithinAnUlp() throws Exception {
    long seed = Long.getLong("lguest.x87.seed", System.nanoTime());
    System.out.println("x87 transcendental cases, seed " + seed + " (-Dlguest.x87.seed)");
    Comparison comparison = new Comparison(RealUnit.orSkip(directory));
    comparison.tolerance = 1;
    Random random = new Random(seed);
    for (int code : new int[] {0xf0, 0xf1, 0xf2, 0xf3, 0xf9, 0xfb, 0xfe, 0xff}) {
      for (int i = 0; i < 4_000; i++) {
        X87Case c = randomCase(random, new byte[] {(byte) 0xd9, (byte) code});
        c.fcw = 0x37f;
        c.fsw &= 0x7f00;
        if (random.nextInt(16) != 0) c.ftw = 0x7f >>> 7 - (c.fsw >> 11 & 7) | 0x7f << (c.fsw >> 11 & 7) & 0xff;
        if (random.nextInt(8) != 0) {
          int e = code == 0xf0 ? 0x3ffe : code == 0xf9 ? 0x3ffc : random.nextInt(8) == 0 ? 0x403d : 0x4004;
          for (int k = 0; k < 2; k++) c.st(k, e - random.nextInt(12) | random.nextInt(2) << 15, random.nextLong() | Long.MIN_VALUE);
          if (code == 0xf1) c.signExp[0] &= 0x7fff;
        }
        comparison.add(c);
      }
    }
    comparison.finish("seed " + seed);
  }

  private static int mode(Random random, boolean unmasked) {
    return 0x40 | PRECISIONS[random.nextInt(4)] | random.nextInt(4) << 10 | (unmasked ? random.nextInt(64) : 0x3f);
  }

  private static X87Case randomCase(Random random, byte[] code) {
    X87Case c = new X87Case();
    c.code = code;
    c.fcw = mode(random, random.nextInt(4) == 0);
    c.fsw = random.nextInt(0x80) << 8 & 0x7f00;
    int info = c.modrm() >= 0xc0 ? Escape.register(c.opcode(), c.modrm()) : Escape.memory(c.opcode(), c.modrm() >> 3);
    int sticky = random.nextInt(4) == 0 ? random.nextInt(0x80) : 0;
    // A waiting instruction must not find an exception pending: that is #MF, before anything we want to see.
    c.fsw |= (info & Escape.NO_WAIT) != 0 ? sticky : sticky & (c.fcw & 0x3f | 0x40);
    if ((c.fsw & ~c.fcw & 0x3f) != 0) c.fsw |= 0x8080;
    c.ftw = random.nextInt(4) == 0 ? random.nextInt(256) : random.nextBoolean() ? 0xff : 0xff & ~(1 << ((c.fsw >> 11) + 7 & 7));
    c.eflags = 0x202 | random.nextInt() & 0x8d5;
    int near = random.nextInt(0x7fff);
    for (int i = 0; i < 8; i++) {
      int e = exponent(random, near);
      c.st(i, random.nextInt(2) << 15 | e, mantissa(random, e));
    }
    random.nextBytes(c.memory);
    ByteBuffer m = ByteBuffer.wrap(c.memory).order(ByteOrder.LITTLE_ENDIAN);
    int e = exponent(random, near);
    switch (c.opcode()) {
      case 0xd8, 0xd9 -> m.putInt(0, (int) (random.nextInt(2) << 31 | small(random, e, 127, 255) << 23 | mantissa(random, e) << 1 >>> 41));
      case 0xdc, 0xdd -> m.putLong(0, random.nextLong() & Long.MIN_VALUE | small(random, e, 1023, 2047) << 52 | mantissa(random, e) << 1 >>> 12);
      case 0xda, 0xde -> m.putInt(0, random.nextInt() >> random.nextInt(32));
      case 0xdb -> {
        if (c.modrm() >> 3 == 5) m.putLong(0, mantissa(random, e)).putShort(8, (short) (e | random.nextInt(2) << 15));
      }
      default -> {
        if (c.modrm() >> 3 == 4) {
          // Only decimal digits: beyond them nothing is promised.
          for (int i = 0; i < 9; i++) c.memory[i] = (byte) (random.nextInt(10) << 4 | random.nextInt(10));
        }
      }
    }
    // A loaded control word with the reserved precision is no case either, nor one that leaves the next instruction undefined.
    if (c.opcode() == 0xd9 && c.modrm() >> 3 == 5 || (info & Escape.ENVIRONMENT) != 0) m.putShort(0, (short) (random.nextInt(0x10000)));
    return c;
  }

  private static int exponent(Random random, int near) {
    return switch (random.nextInt(8)) {
      case 0 -> CORNER_EXPONENTS[random.nextInt(CORNER_EXPONENTS.length)];
      case 1 -> random.nextInt(0x8000);
      case 2 -> Math.min(random.nextInt(70), 0x7fff);
      case 3 -> 0x7ffe - random.nextInt(3);
      case 4 -> 0x3fff + random.nextInt(140) - 70;
      case 5 -> 0x3fff + random.nextInt(3) - 1 + (random.nextBoolean() ? 127 : -127);
      default -> Math.max(0, Math.min(0x7ffe, near + random.nextInt(9) - 4));
    };
  }

  private static long mantissa(Random random, int exponent) {
    long m = switch (random.nextInt(4)) {
      case 0 -> CORNER_MANTISSAS[random.nextInt(CORNER_MANTISSAS.length)];
      case 1 -> random.nextLong() & -1L << random.nextInt(64);
      default -> random.nextLong();
    };
    if (random.nextInt(32) == 0) return m;
    return exponent == 0 ? m & Long.MAX_VALUE : m | Long.MIN_VALUE;
  }

  private static long small(Random random, int e, int bias, int most) {
    return random.nextInt(4) == 0 ? random.nextInt(2) * most : Math.max(0, Math.min(most, e - 16383 + bias));
  }

  /** Collects cases, runs them in batches on both units and keeps the first differences. */
  private static final class Comparison {
    private final RealUnit real;
    private final List<X87Case> batch = new ArrayList<>();
    private final List<String> differences = new ArrayList<>();
    private final Map<String, Integer> byEncoding = new TreeMap<>();
    private int count, different;
    private long worst;
    long tolerance;

    Comparison(RealUnit real) {
      this.real = real;
    }

    void add(X87Case c) throws IOException, InterruptedException {
      batch.add(c);
      if (batch.size() == BATCH) flush();
    }

    private void flush() throws IOException, InterruptedException {
      List<X87Case> theirs = real.run(batch);
      try (Arena arena = Arena.ofConfined()) {
        OurUnit ours = new OurUnit(arena);
        for (int i = 0; i < batch.size(); i++) {
          X87Case c = batch.get(i), o = ours.run(c);
          String difference = difference(c, theirs.get(i), o);
          if (difference == null) continue;
          different++;
          boolean first = byEncoding.merge(HexFormat.of().formatHex(c.code), 1, Integer::sum) == 1;
          if (first && differences.size() < 20) differences.add(difference + " differs\ncase   " + c + "theirs " + theirs.get(i) + "ours   " + o);
        }
      }
      count += batch.size();
      batch.clear();
    }

    private String difference(X87Case c, X87Case theirs, X87Case ours) {
      int info = c.modrm() >= 0xc0 ? Escape.register(c.opcode(), c.modrm()) : Escape.memory(c.opcode(), c.modrm() >> 3);
      // FCOMI and kin clear C1 says the SDM, AMD's leave it.
      int statusMask = tolerance == 0 && (info & Escape.WRITES_FLAGS) == 0 ? 0xffff : 0xfdff;
      if (theirs.fcw != ours.fcw) return "control word";
      if ((theirs.fsw & statusMask) != (ours.fsw & statusMask)) return "status word";
      if (theirs.ftw != ours.ftw) return "tags";
      if (theirs.ax != ours.ax) return "ax";
      if ((theirs.eflags & 0xcd5) != (ours.eflags & 0xcd5)) return "eflags";
      for (int i = 0; i < 8; i++) {
        if (theirs.signExp[i] == ours.signExp[i] && theirs.mantissa[i] == ours.mantissa[i]) continue;
        long off = distance(theirs, ours, i);
        if (off < 0 || off > tolerance) return "st" + i;
        worst = Math.max(worst, off);
      }
      boolean wide = c.code[0] != 0x66;
      for (int i = 0; i < X87Case.MEMORY; i++) {
        // Where the instruction and its operand lay is not comparable.
        boolean pointers = (info & Escape.ENVIRONMENT) != 0 && i >= (wide ? 12 : 6) && i < (wide ? 28 : 14);
        if (!pointers && theirs.memory[i] != ours.memory[i]) return "memory byte " + i;
      }
      return null;
    }

    /** In units of the last place; −1 when the values are not even neighbours in kind. */
    private static long distance(X87Case a, X87Case b, int i) {
      if ((a.signExp[i] ^ b.signExp[i]) > 1) return -1;
      if (a.signExp[i] == b.signExp[i]) return Math.abs(a.mantissa[i] - b.mantissa[i]);
      return a.mantissa[i] + b.mantissa[i] == -1L + Long.MIN_VALUE ? 1 : -1;
    }

    void finish(String what) throws IOException, InterruptedException {
      flush();
      System.out.println(count + " x87 cases compared" + (tolerance > 0 ? ", worst " + worst + " ulp" : ""));
      assertTrue(count > 0);
      if (different > 0) fail(different + " of " + count + " differ (" + what + "): " + byEncoding + "\n" + String.join("\n", differences));
    }
  }
}
