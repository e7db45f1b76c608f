package lguest.cpu.x86.fpu;

/** D9 E0–FF: constants, and functions of the top of the stack and perhaps its neighbour. */
abstract class TopForms extends RegisterStack {
  private static final long ONE = Rounding.INTEGER_BIT;

  /** Made when first asked for: most guests never do, and their tables take a while. */
  private Trigonometry trigonometry;
  private Logarithms logarithms;
  /** Mantissa of what {@link #extract} returned. */
  private long extracted;

  final void setConditions(int order) {
    status = status & ~(C0 | C2 | C3) | switch (order) {
      case -1 -> C0;
      case 0 -> C3;
      case 1 -> 0;
      default -> C0 | C2 | C3;
    };
  }

  final boolean compareBits(int s, long m, boolean quiet) {
    unit.begin();
    setConditions(unit.compare(signExp[top], mantissa[top], s, m, quiet));
    return settle();
  }

  final void overflow() {
    if (stackFault(true)) push(Rounding.INDEFINITE, Rounding.INDEFINITE_MANTISSA);
  }

  /** D9 E0–FF: what needs no operand but the top of the stack. */
  final void unary(int code) {
    switch (code) {
      case 0x05 -> examine();
      case 0x08, 0x09, 0x0a, 0x0b, 0x0c, 0x0d, 0x0e -> constant(code & 7);
      case 0x16, 0x17 -> {
        top = top + (code == 0x16 ? -1 : 1) & 7;
        status &= ~C1;
      }
      default -> {
        // FPTAN, FPREM1, FPREM, FSINCOS, FSIN, FCOS say complete unless they find otherwise, even on a stack fault.
        if ((1 << code & (1 << 0x12 | 1 << 0x15 | 1 << 0x18 | 1 << 0x1b | 1 << 0x1e | 1 << 0x1f)) != 0) status &= ~C2;
        if (empty(0)) emptyOperand(code);
        else withOperand(code, signExp[top], mantissa[top]);
      }
    }
  }

  private void emptyOperand(int code) {
    switch (code) {
      case 0x04 -> {
        setConditions(2);
        stackFault(false);
      }
      case 0x11, 0x13, 0x19 -> {
        if (stackFault(false)) {
          put(1, Rounding.INDEFINITE, Rounding.INDEFINITE_MANTISSA);
          pop();
        }
      }
      case 0x12, 0x14, 0x1b -> {
        if (stackFault(false)) {
          put(0, Rounding.INDEFINITE, Rounding.INDEFINITE_MANTISSA);
          push(Rounding.INDEFINITE, Rounding.INDEFINITE_MANTISSA);
        }
      }
      default -> underflow(0);
    }
  }

  private void withOperand(int code, int s, long m) {
    unit.begin();
    switch (code) {
      case 0x00, 0x01 -> {
        status &= ~C1;
        signExp[top] = code == 0 ? s ^ Rounding.SIGN : s & Rounding.EXPONENT;
      }
      case 0x04 -> compareBits(0, 0, false);
      case 0x10 -> {
        logarithms().powerMinusOne(s, m);
        replace();
      }
      case 0x1a -> {
        unit.squareRoot(s, m);
        replace();
      }
      case 0x1c -> {
        unit.roundToInteger(s, m);
        replace();
      }
      case 0x1e, 0x1f -> {
        if (far(s, m)) return;
        if (code == 0x1e) trigonometry().sine(s, m);
        else trigonometry().cosine(s, m);
        replace();
      }
      case 0x11, 0x13, 0x19 -> withSecond(code, s, m);
      case 0x15, 0x18, 0x1d -> withSecond(code, s, m);
      default -> twoResults(code, s, m);
    }
  }

  final boolean replace() {
    if (!settle()) return false;
    signExp[top] = unit.signExp;
    mantissa[top] = unit.mantissa;
    return true;
  }

  /** |x| ≥ 2^63 is left for the program to reduce: C2. */
  private boolean far(int s, long m) {
    int e = s & Rounding.EXPONENT;
    boolean far = m < 0 && e >= Rounding.BIAS + 63 && e != Rounding.EXPONENT;
    if (far) status = status & ~C1 | C2;
    return far;
  }

  private void withSecond(int code, int s, long m) {
    if (empty(1)) {
      emptyOperand(code);
      return;
    }
    int b = physical(1), sb = signExp[b];
    long mb = mantissa[b];
    switch (code) {
      case 0x15, 0x18 -> {
        unit.remainder(s, m, sb, mb, code == 0x15);
        if (replace() && !Rounding.nan(unit.signExp, unit.mantissa)) {
          int q = unit.quotient;
          status = status & ~CONDITIONS | (unit.partial ? C2 : 0) | (q << 9 & C1) | ((q & 2) != 0 ? C3 : 0) | ((q & 4) != 0 ? C0 : 0);
        }
      }
      case 0x1d -> {
        unit.scale(s, m, sb, mb);
        replace();
      }
      default -> {
        switch (code) {
          case 0x11 -> logarithms().logarithm(s, m, sb, mb);
          case 0x13 -> trigonometry().arcTangent(sb, mb, s, m);
          default -> logarithms().logarithmPlusOne(s, m, sb, mb);
        }
        if (settle()) {
          signExp[b] = unit.signExp;
          mantissa[b] = unit.mantissa;
          pop();
        }
      }
    }
  }

  /** FPTAN, FXTRACT, FSINCOS: one result replaces the operand, another is pushed. */
  private void twoResults(int code, int s, long m) {
    if (!empty(-1)) {
      if (stackFault(true)) {
        put(0, Rounding.INDEFINITE, Rounding.INDEFINITE_MANTISSA);
        push(Rounding.INDEFINITE, Rounding.INDEFINITE_MANTISSA);
      }
      return;
    }
    if (code != 0x14 && far(s, m)) return;
    int second;
    long secondMantissa;
    switch (code) {
      case 0x12 -> {
        trigonometry().tangent(s, m);
        boolean number = !Rounding.nan(unit.signExp, unit.mantissa);
        second = number ? Rounding.BIAS : unit.signExp;
        secondMantissa = number ? ONE : unit.mantissa;
      }
      case 0x1b -> {
        trigonometry().cosine(s, m);
        second = unit.signExp;
        secondMantissa = unit.mantissa;
        unit.begin();
        trigonometry().sine(s, m);
      }
      default -> {
        second = extract(s, m);
        secondMantissa = extracted;
      }
    }
    if (settle()) {
      signExp[top] = unit.signExp;
      mantissa[top] = unit.mantissa;
      push(second, secondMantissa);
    }
  }

  /** FXTRACT: exponent to the unit's result; the significand is returned, its mantissa in {@link #extracted}. */
  private int extract(int s, long m) {
    extracted = m;
    if (unit.nanResult(s, m)) {
      extracted = unit.mantissa;
      return unit.signExp;
    }
    if (Rounding.infinite(s, m)) {
      unit.infinity(0);
      return s;
    }
    if (m == 0) {
      unit.flags |= Rounding.ZE;
      unit.infinity(Rounding.SIGN);
      return s;
    }
    if (Rounding.denormal(s, m)) unit.flags |= Rounding.DE;
    unit.fromInteger(Arithmetic.exponent(s, m) - Rounding.BIAS);
    extracted = Arithmetic.normal(s, m);
    return s & Rounding.SIGN | Rounding.BIAS;
  }

  private void examine() {
    int s = signExp[top];
    long m = mantissa[top];
    int e = s & Rounding.EXPONENT;
    int kind;
    if (empty(0)) kind = C3 | C0;
    else if (e == 0) kind = m == 0 ? C3 : C3 | C2;
    else if (m >= 0) kind = 0;
    else if (e == Rounding.EXPONENT) kind = m << 1 == 0 ? C2 | C0 : C0;
    else kind = C2;
    status = status & ~CONDITIONS | kind | ((s & Rounding.SIGN) != 0 ? C1 : 0);
  }

  private void constant(int which) {
    if (!empty(-1)) {
      overflow();
      return;
    }
    status &= ~C1;
    push(Constants.signExp(which), Constants.mantissa(which, unit.roundingMode()));
  }

  private Trigonometry trigonometry() {
    if (trigonometry == null) trigonometry = new Trigonometry(unit);
    return trigonometry;
  }

  private Logarithms logarithms() {
    if (logarithms == null) logarithms = new Logarithms(unit);
    return logarithms;
  }
}
