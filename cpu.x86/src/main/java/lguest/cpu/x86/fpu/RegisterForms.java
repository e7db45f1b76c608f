package lguest.cpu.x86.fpu;

/** The forms with ModRM of C0–FF: everything between registers, the constants, and the functions of the top of the stack. */
abstract class RegisterForms extends RegisterStack {
  private static final long ONE = Rounding.INTEGER_BIT;

  /** In: EFLAGS for FCMOVcc. Out: EFLAGS of FCOMI and kin, all other bits as they were put in. */
  public int eflags;

  private final Transcendental transcendental = new Transcendental(unit);

  // ---- register forms

  /**
   * Runs the form with ModRM of C0–FF that {@link Escape#register} defines.
   *
   * @return {@link #pending} afterwards
   */
  public boolean register(int opcode, int modrm) {
    int reg = modrm >> 3 & 7, i = modrm & 7;
    switch (opcode & 7) {
      case 0 -> {
        if (reg >> 1 == 1) compareWith(i, false, reg & 1);
        else arithmetic(reg, i, 0, false);
      }
      case 1 -> {
        switch (reg) {
          case 0 -> loadRegister(i);
          case 1 -> exchange(i);
          case 2 -> { }
          case 3 -> {
            // An alias of FSTP ST(i) that minds no empty register.
            status &= ~C1;
            if (empty(0)) pop();
            else storeRegister(i, true);
          }
          default -> unary(modrm & 0x1f);
        }
      }
      case 2 -> {
        if (reg < 4) moveIf(condition(reg), i);
        else compareWith(1, true, 2);
      }
      case 3 -> {
        if (reg < 4) moveIf(!condition(reg), i);
        else if (reg == 4) administer(modrm);
        else compareFlags(i, reg == 5, false);
      }
      case 4 -> {
        if (reg >> 1 == 1) compareWith(i, false, reg & 1);
        else arithmetic(reg, i, i, false);
      }
      case 5 -> {
        switch (reg) {
          case 0 -> free(i);
          case 1 -> exchange(i);
          case 2, 3 -> storeRegister(i, reg == 3);
          default -> compareWith(i, true, reg & 1);
        }
      }
      case 6 -> {
        if (reg == 2) compareWith(i, false, 1);
        else if (reg == 3) compareWith(1, false, 2);
        else arithmetic(reg, i, i, true);
      }
      default -> {
        switch (reg) {
          case 0 -> {
            free(i);
            pop();
          }
          case 1 -> exchange(i);
          case 2, 3 -> storeRegister(i, true);
          case 4 -> { }
          default -> compareFlags(i, reg == 5, true);
        }
      }
    }
    return pending();
  }

  private void administer(int modrm) {
    if (modrm == 0xe2) status &= CONDITIONS;
    else if (modrm == 0xe3) reset();
  }

  final void compute(int operation, int sa, long ma, int sb, long mb) {
    unit.begin();
    switch (operation) {
      case 0 -> unit.add(sa, ma, sb, mb, 0);
      case 1 -> unit.multiply(sa, ma, sb, mb);
      case 4 -> unit.add(sa, ma, sb, mb, Rounding.SIGN);
      case 5 -> unit.add(sb, mb, sa, ma, Rounding.SIGN);
      case 6 -> unit.divide(sa, ma, sb, mb);
      default -> unit.divide(sb, mb, sa, ma);
    }
  }

  private void arithmetic(int operation, int i, int destination, boolean pop) {
    int a = top, b = physical(i);
    if ((full >> a & full >> b & 1) == 0) {
      if (!stackFault(false)) return;
      put(destination, Rounding.INDEFINITE, Rounding.INDEFINITE_MANTISSA);
    } else {
      compute(operation, signExp[a], mantissa[a], signExp[b], mantissa[b]);
      if (!settle()) return;
      int d = physical(destination);
      signExp[d] = unit.signExp;
      mantissa[d] = unit.mantissa;
    }
    if (pop) pop();
  }

  final void setConditions(int order) {
    status = status & ~(C0 | C2 | C3) | switch (order) {
      case -1 -> C0;
      case 0 -> C3;
      case 1 -> 0;
      default -> C0 | C2 | C3;
    };
  }

  private void compareWith(int i, boolean quiet, int pops) {
    if (empty(0) || empty(i)) {
      setConditions(2);
      if (!stackFault(false)) return;
    } else {
      int b = physical(i);
      if (!compareBits(signExp[b], mantissa[b], quiet)) return;
    }
    while (pops-- > 0) pop();
  }

  private boolean compareBits(int s, long m, boolean quiet) {
    unit.begin();
    setConditions(unit.compare(signExp[top], mantissa[top], s, m, quiet));
    return settle();
  }

  private void compareFlags(int i, boolean quiet, boolean pop) {
    int order = 2;
    boolean done;
    if (empty(0) || empty(i)) {
      done = stackFault(false);
    } else {
      unit.begin();
      int b = physical(i);
      order = unit.compare(signExp[top], mantissa[top], signExp[b], mantissa[b], quiet);
      done = settle();
    }
    eflags = eflags & ~0x8d5 | switch (order) {
      case -1 -> 0x01;
      case 0 -> 0x40;
      case 1 -> 0;
      default -> 0x45;
    };
    if (done && pop) pop();
  }

  private boolean condition(int reg) {
    return (eflags & switch (reg) {
      case 0 -> 0x01;
      case 1 -> 0x40;
      case 2 -> 0x41;
      default -> 0x04;
    }) != 0;
  }

  private void moveIf(boolean condition, int i) {
    if (empty(0) || empty(i)) {
      underflow(0);
      return;
    }
    if (condition) put(0, signExp[physical(i)], mantissa[physical(i)]);
  }

  private void loadRegister(int i) {
    if (empty(i)) {
      if (stackFault(false)) push(Rounding.INDEFINITE, Rounding.INDEFINITE_MANTISSA);
    } else if (!empty(-1)) {
      overflow();
    } else {
      status &= ~C1;
      int p = physical(i);
      push(signExp[p], mantissa[p]);
    }
  }

  final void overflow() {
    if (stackFault(true)) push(Rounding.INDEFINITE, Rounding.INDEFINITE_MANTISSA);
  }

  private void free(int i) {
    status &= ~C1;
    full &= ~(1 << physical(i));
  }

  private void exchange(int i) {
    if (empty(0) || empty(i)) {
      if (!stackFault(false)) return;
      if (empty(0)) put(0, Rounding.INDEFINITE, Rounding.INDEFINITE_MANTISSA);
      if (empty(i)) put(i, Rounding.INDEFINITE, Rounding.INDEFINITE_MANTISSA);
    } else {
      status &= ~C1;
    }
    int a = top, b = physical(i), s = signExp[a];
    long m = mantissa[a];
    put(0, signExp[b], mantissa[b]);
    put(i, s, m);
  }

  private void storeRegister(int i, boolean pop) {
    if (empty(0)) {
      if (!stackFault(false)) return;
      put(i, Rounding.INDEFINITE, Rounding.INDEFINITE_MANTISSA);
    } else {
      status &= ~C1;
      put(i, signExp[top], mantissa[top]);
    }
    if (pop) pop();
  }

  /** D9 E0–FF: what needs no operand but the top of the stack. */
  private void unary(int code) {
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
        transcendental.powerMinusOne(s, m);
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
        if (code == 0x1e) transcendental.sine(s, m);
        else transcendental.cosine(s, m);
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
          case 0x11 -> transcendental.logarithm(s, m, sb, mb);
          case 0x13 -> transcendental.arcTangent(sb, mb, s, m);
          default -> transcendental.logarithmPlusOne(s, m, sb, mb);
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
        transcendental.tangent(s, m);
        boolean number = !Rounding.nan(unit.signExp, unit.mantissa);
        second = number ? Rounding.BIAS : unit.signExp;
        secondMantissa = number ? ONE : unit.mantissa;
      }
      case 0x1b -> {
        transcendental.cosine(s, m);
        second = unit.signExp;
        secondMantissa = unit.mantissa;
        unit.begin();
        transcendental.sine(s, m);
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

  private long extracted;

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
}
