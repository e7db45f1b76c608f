package lguest.cpu.x86.oracle;

import java.io.IOException;
import java.util.List;

/** Makes a program that differs smaller while it still differs, and tells it. */
final class Reducer {
  private final HostProcessor host;
  private final OurProcessor ours;
  private final byte[] image;
  private final Comparison comparison;

  Reducer(HostProcessor host, OurProcessor ours, Comparison comparison, byte[] image) {
    this.comparison = comparison;
    this.host = host;
    this.ours = ours;
    this.image = image;
  }

  private Outcome host(Program p) throws IOException, InterruptedException {
    return host.run(image, List.of(p)).getFirst();
  }

  String difference(Program p) throws IOException, InterruptedException {
    return comparison.difference(p, host(p), ours.run(p));
  }

  private boolean differs(Program p) throws IOException, InterruptedException {
    String d = difference(p);
    return d != null && !d.equals(Comparison.NOT_COMPARABLE);
  }

  /**
   * The host agreed when asked again, and the program stores what AMD's processors lose when the kernel switches away: where the last
   * x87 instruction was.
   */
  boolean flickers(Program p) throws IOException, InterruptedException {
    boolean tells = comparison.route(p).mnemonics().stream().anyMatch(m -> m.equals("FNSAVE") || m.equals("FNSTENV"));
    return tells && !differs(p);
  }

  Program reduce(Program p) throws IOException, InterruptedException {
    for (int size = Math.max(1, p.items.size() / 2); size >= 1; size /= 2) {
      for (int i = 0; i + size <= p.items.size() && p.items.size() > 1; ) {
        Program smaller = p.copyWithout(i, i + size);
        if (!smaller.items.isEmpty() && differs(smaller)) p = smaller;
        else i++;
      }
    }
    for (int r = 0; r < 8; r++) {
      int value = p.registers[r];
      if (value == 0) continue;
      p.registers[r] = 0;
      if (!differs(p)) p.registers[r] = value;
    }
    for (int r = 0; r < 16; r++) {
      long value = p.xmm[r];
      if (value == 0) continue;
      p.xmm[r] = 0;
      if (!differs(p)) p.xmm[r] = value;
    }
    int control = p.mxcsr;
    p.mxcsr = 0x1f80;
    if (!differs(p)) p.mxcsr = control;
    int flags = p.eflags;
    p.eflags = 0x202;
    if (!differs(p)) p.eflags = flags;
    return p;
  }

  String report(Program p) throws IOException, InterruptedException {
    return p + "host: " + host(p) + "ours: " + ours.run(p);
  }
}
