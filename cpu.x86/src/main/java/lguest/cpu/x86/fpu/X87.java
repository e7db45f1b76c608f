package lguest.cpu.x86.fpu;

/*
 * Tour 5.8: A second machine inside the machine
 *
 * Eight registers that turn like a revolver, numbers of eighty bits, and errors that are reported one instruction late: the unit
 * notes what went wrong, and only the next floating-point instruction that is willing to wait trips over it. That is why every
 * method here ends quietly and pending() is asked before the next one.
 */

/**
 * The x87 floating-point unit: register stack, control and status, and every instruction behind the escape bytes D8–DF on exact
 * 80-bit arithmetic (SDM vol. 1, chapter 8; vol. 2). It knows nothing of guest memory: operands come and go as bits.
 *
 * <p>How the CPU runs an escape: look the encoding up in {@link Escape}; raise #UD, #NM, or #MF when the form waits and
 * {@link #pending}; then
 * <ul>
 * <li>register form: {@link #register};
 * <li>LOAD: read the operand, {@link #load} (or {@link #loadEnvironment});
 * <li>STORE: {@link #store} computes into {@link #low} and {@link #high} and changes nothing yet; false means that an unmasked
 *     exception forbids the write; write memory (a page fault may leave here); then {@link #commit} in either case.
 *     For environments: {@link #storeEnvironment}, write, {@link #commit}.
 * </ul>
 * and call {@link #instructionAt} and {@link #operandAt} for the forms that are not CONTROL.
 *
 * <p>The state at rest is a 512-byte FXSAVE image in native memory, so that translated code can load it into the real unit. While
 * the interpreter runs it lives in fields here: {@link #flush} before anybody else looks at the image, {@link #reload} after anybody
 * else has changed it. One thread at a time.
 */
public final class X87 extends RegisterForms {
  /** What {@link #store} wants written: eight bytes, and two more for the ten-byte formats. */
  public long low;
  public int high;

  private final FxsaveImage image;

  private int stagedFlags;
  private boolean stagedUp, stagedPop, stagedReset, stagedMask;

  /** On the 512-byte, 16-byte aligned FXSAVE image at a native address, which must outlive this. Takes the image as it is. */
  public X87(long imageAddress) {
    image = new FxsaveImage(imageAddress);
    reload();
  }

  /** Takes over the state in the image. */
  public void reload() {
    image.load(this);
  }

  /** Writes the state to the image; the XMM half and MXCSR of the image are touched by {@link #fxrstor} only. */
  public void flush() {
    image.store(this);
  }

  /**
   * Runs a LOAD form but for environments. {@code low} holds the operand's bytes (sign or zero extension does not matter),
   * {@code high} the last two of ten.
   *
   * @return {@link #pending} afterwards
   */
  public boolean load(int opcode, int reg, long low, int high) {
    reg &= 7;
    unit.begin();
    boolean denormal = false;
    switch (opcode & 7) {
      case 0 -> denormal = unit.fromSingle((int) low);
      case 2 -> unit.fromInteger((int) low);
      case 4 -> denormal = unit.fromDouble(low);
      case 6 -> unit.fromInteger((short) low);
      case 1 -> {
        if (reg == 5) {
          setControlWord((int) low);
          return pending();
        }
        return loadFloat(unit.fromSingle((int) low));
      }
      case 3 -> {
        if (reg == 5) return loadExact(high & 0xffff, low);
        unit.fromInteger((int) low);
        return loadExact(unit.signExp, unit.mantissa);
      }
      case 5 -> {
        return loadFloat(unit.fromDouble(low));
      }
      default -> {
        if (reg == 4) unit.fromDecimal(low, high);
        else unit.fromInteger(reg == 0 ? (short) low : low);
        return loadExact(unit.signExp, unit.mantissa);
      }
    }
    withMemory(reg, unit.signExp, unit.mantissa, denormal);
    return pending();
  }

  private boolean loadExact(int s, long m) {
    if (!empty(-1)) {
      overflow();
    } else {
      status &= ~C1;
      push(s, m);
    }
    return pending();
  }

  private boolean loadFloat(boolean denormal) {
    if (!empty(-1)) {
      overflow();
      return pending();
    }
    int s = unit.signExp;
    long m = unit.mantissa;
    status &= ~C1;
    if (denormal) {
      // The value is pushed even when DE is unmasked.
      status |= Rounding.DE;
    } else if (Rounding.signalling(s, m)) {
      status |= Rounding.IE;
      m |= Rounding.QUIET_BIT;
      if (unit.unmasked(Rounding.IE)) return pending();
    }
    push(s, m);
    return pending();
  }

  private void withMemory(int operation, int s, long m, boolean denormal) {
    if (empty(0)) {
      if (operation >> 1 == 1) {
        setConditions(2);
        if (stackFault(false) && operation == 3) pop();
      } else {
        underflow(0);
      }
      return;
    }
    if (operation >> 1 == 1) {
      unit.begin();
      int order = unit.compare(signExp[top], mantissa[top], s, m, false);
      if (denormal && order != 2) unit.flags |= Rounding.DE;
      setConditions(order);
      if (settle() && operation == 3) pop();
      return;
    }
    compute(operation, signExp[top], mantissa[top], s, m);
    if (denormal && (unit.flags & (Rounding.IE | Rounding.ZE)) == 0 && !Rounding.nan(signExp[top], mantissa[top])) {
      unit.flags |= Rounding.DE;
    }
    replace();
  }

  /**
   * Computes a STORE form but for environments into {@link #low} and {@link #high}, changing no state until {@link #commit}.
   *
   * @return false when an unmasked exception forbids the write
   */
  public boolean store(int opcode, int reg) {
    opcode &= 7;
    reg &= 7;
    stagedFlags = 0;
    stagedUp = stagedPop = stagedReset = stagedMask = false;
    if (opcode == 1 && reg == 7 || opcode == 5 && reg == 7) {
      low = opcode == 1 ? controlWord() : statusWord();
      stagedFlags = -1;
      return true;
    }
    boolean pop = (reg & 1) != 0 || opcode == 7 && reg == 6;
    unit.begin();
    if (empty(0)) {
      unit.flags = Rounding.IE | SF;
      storeIndefinite(opcode, reg);
    } else {
      storeValue(opcode, reg, signExp[top], mantissa[top]);
    }
    stagedFlags = unit.flags;
    stagedUp = unit.up;
    boolean write = (unit.flags & ~unit.control & (Rounding.IE | Rounding.OE | Rounding.UE)) == 0;
    stagedPop = pop && write;
    return write;
  }

  private void storeValue(int opcode, int reg, int s, long m) {
    switch (opcode) {
      case 1 -> low = unit.toSingle(s, m);
      case 5 -> low = reg == 1 ? unit.toInteger(s, m, 64, true) : unit.toDouble(s, m);
      case 3 -> {
        if (reg == 7) {
          low = m;
          high = s;
        } else {
          low = unit.toInteger(s, m, 32, reg == 1);
        }
      }
      default -> {
        if (reg == 6) {
          low = unit.toDecimal(s, m);
          high = unit.decimalHigh;
        } else {
          low = unit.toInteger(s, m, reg == 7 ? 64 : 16, reg == 1);
        }
      }
    }
  }

  private void storeIndefinite(int opcode, int reg) {
    high = Rounding.INDEFINITE;
    if (opcode == 1) low = 0xffc00000L;
    else if (opcode == 5) low = reg == 1 ? Conversion.INTEGER_INDEFINITE : 0xfff8L << 48;
    else if (opcode == 3) low = reg == 7 ? Rounding.INDEFINITE_MANTISSA : Integer.MIN_VALUE;
    else low = reg == 6 ? Rounding.INDEFINITE_MANTISSA : reg == 7 ? Conversion.INTEGER_INDEFINITE : Short.MIN_VALUE;
  }

  /**
   * Completes the last {@link #store} or {@link #storeEnvironment}.
   *
   * @return {@link #pending} afterwards
   */
  public boolean commit() {
    if (stagedReset) {
      reset();
    } else if (stagedMask) {
      unit.control |= 0x3f;
    } else if (stagedFlags >= 0) {
      status = status & ~C1 | stagedFlags | (stagedUp ? C1 : 0);
      if (stagedPop) pop();
    }
    return pending();
  }

  // ---- the same registers as MMX sees them (SDM vol. 1, 9.5)

  /** MMX register n: the mantissa of physical register n, wherever the top of the stack is. */
  public long mmx(int n) {
    return mantissa[n];
  }

  /** The rest of the register becomes all ones, which no number is. */
  public void setMmx(int n, long value) {
    mantissa[n] = value;
    signExp[n] = 0xffff;
  }

  /** What every MMX instruction does besides: the stack begins at 0 and is full. */
  public void enterMmx() {
    top = 0;
    full = 0xff;
  }

  /** EMMS: the stack is empty. */
  public void leaveMmx() {
    top = 0;
    full = 0;
  }

  // ---- whole states

  /** Bytes of FNSTENV's or, with {@code registers}, FNSAVE's image for an operand size of 16 or 32 bits. */
  public static int environmentSize(boolean wide, boolean registers) {
    return (wide ? 28 : 14) + (registers ? 80 : 0);
  }

  /** FNSTENV, FNSAVE: fills {@code area} (protected-mode layout); {@link #commit} then masks or resets. */
  public void storeEnvironment(byte[] area, boolean wide, boolean registers) {
    Environment.store(this, area, wide, registers);
    stagedMask = !registers;
    stagedReset = registers;
  }

  /**
   * FLDENV, FRSTOR.
   *
   * @return {@link #pending} afterwards
   */
  public boolean loadEnvironment(byte[] area, boolean wide, boolean registers) {
    Environment.load(this, area, wide, registers);
    return pending();
  }

  /** FXSAVE: the 512 bytes as they go to memory. */
  public void fxsave(byte[] area) {
    flush();
    image.copyTo(area);
  }

  /** FXRSTOR: false, with nothing changed, when MXCSR has a bit that its mask forbids (#GP). */
  public boolean fxrstor(byte[] area) {
    if (!image.copyFrom(area)) return false;
    reload();
    return true;
  }
}
