package lguest.cpu.x86.fpu;

/** The forms with ModRM of C0–FF: everything between two registers, and the conditional and administrative ones. */
abstract class RegisterForms extends TopForms {
  /** In: EFLAGS for FCMOVcc. Out: EFLAGS of FCOMI and kin, all other bits as they were put in. */
  public int eflags;

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
}
