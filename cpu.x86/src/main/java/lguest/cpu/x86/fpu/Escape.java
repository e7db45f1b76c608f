package lguest.cpu.x86.fpu;

/**
 * What each encoding behind the escape bytes D8–DF asks of the processor around the unit: operand sizes and directions, who waits,
 * who touches EFLAGS or AX. One int per encoding; SDM vol. 2, appendix A.5, with the aliases that every processor since the 387 has.
 */
public final class Escape {
  /** Bytes of the memory operand; 0 for the register form and for {@link #ENVIRONMENT} operands, whose size depends on the mode. */
  public static final int SIZE = 0x1f;
  /** The operand is read from memory before the operation. */
  public static final int LOAD = 0x20;
  /** The operand is written to memory after it. */
  public static final int STORE = 0x40;
  /** FLDENV, FNSTENV: {@link X87#environmentSize}. */
  public static final int ENVIRONMENT = 0x80;
  /** With {@link #ENVIRONMENT}: FRSTOR, FNSAVE; 80 bytes of registers follow the environment. */
  public static final int REGISTERS = 0x100;
  /** Runs without looking for a pending exception; every other form raises #MF first when {@link X87#pending}. */
  public static final int NO_WAIT = 0x200;
  /** FCMOVcc: reads EFLAGS from {@link X87#eflags}. */
  public static final int READS_FLAGS = 0x400;
  /** FCOMI and kin: leaves OF SF ZF AF PF CF in {@link X87#eflags}. */
  public static final int WRITES_FLAGS = 0x800;
  /** FNSTSW AX: the CPU moves {@link X87#statusWord} to AX. */
  public static final int WRITES_AX = 0x1000;
  /** FISTTP: #UD unless the processor claims SSE3. */
  public static final int SSE3 = 0x2000;
  /** Does not become the last instruction of FOP, FIP and FDP. */
  public static final int CONTROL = 0x4000;
  /** #UD. */
  public static final int UNDEFINED = 0x8000;

  private static final int LOAD_CONTROL = LOAD | CONTROL, STORE_CONTROL = STORE | CONTROL | NO_WAIT;
  private static final int UD = UNDEFINED;

  private static final int[] MEMORY = {
      // D8: single arithmetic
      LOAD | 4, LOAD | 4, LOAD | 4, LOAD | 4, LOAD | 4, LOAD | 4, LOAD | 4, LOAD | 4,
      // D9: fld, -, fst, fstp single; fldenv, fldcw, fnstenv, fnstcw
      LOAD | 4, UD, STORE | 4, STORE | 4, LOAD_CONTROL | ENVIRONMENT, LOAD_CONTROL | 2, STORE_CONTROL | ENVIRONMENT, STORE_CONTROL | 2,
      // DA: 32-bit integer arithmetic
      LOAD | 4, LOAD | 4, LOAD | 4, LOAD | 4, LOAD | 4, LOAD | 4, LOAD | 4, LOAD | 4,
      // DB: fild, fisttp, fist, fistp 32; -, fld 80, -, fstp 80
      LOAD | 4, STORE | SSE3 | 4, STORE | 4, STORE | 4, UD, LOAD | 10, UD, STORE | 10,
      // DC: double arithmetic
      LOAD | 8, LOAD | 8, LOAD | 8, LOAD | 8, LOAD | 8, LOAD | 8, LOAD | 8, LOAD | 8,
      // DD: fld double, fisttp 64, fst, fstp double; frstor, -, fnsave, fnstsw
      LOAD | 8, STORE | SSE3 | 8, STORE | 8, STORE | 8, LOAD_CONTROL | ENVIRONMENT | REGISTERS, UD,
      STORE_CONTROL | ENVIRONMENT | REGISTERS, STORE_CONTROL | 2,
      // DE: 16-bit integer arithmetic
      LOAD | 2, LOAD | 2, LOAD | 2, LOAD | 2, LOAD | 2, LOAD | 2, LOAD | 2, LOAD | 2,
      // DF: fild, fisttp, fist, fistp 16; fbld, fild 64, fbstp, fistp 64
      LOAD | 2, STORE | SSE3 | 2, STORE | 2, STORE | 2, LOAD | 10, LOAD | 8, STORE | 10, STORE | 8};

  private static final int[] REGISTER = registers();

  private Escape() {}

  /** The form with a memory operand: {@code opcode} D8–DF (low three bits count), {@code reg} the middle field of ModRM. */
  public static int memory(int opcode, int reg) {
    return MEMORY[(opcode & 7) << 3 | reg & 7];
  }

  /** The form with ModRM of C0–FF. */
  public static int register(int opcode, int modrm) {
    return REGISTER[(opcode & 7) << 6 | modrm & 0x3f];
  }

  private static int[] registers() {
    int[] t = new int[512];
    fill(t, 0xd9, 0xd1, 0xd7, UD);
    for (int undefined : new int[] {0xe2, 0xe3, 0xe6, 0xe7, 0xef}) fill(t, 0xd9, undefined, undefined, UD);
    fill(t, 0xda, 0xc0, 0xdf, READS_FLAGS);
    fill(t, 0xda, 0xe0, 0xff, UD);
    fill(t, 0xda, 0xe9, 0xe9, 0);
    fill(t, 0xdb, 0xc0, 0xdf, READS_FLAGS);
    // E0, E1 and E4 were the 8087's and 287's FNENI, FNDISI and FNSETPM: nothing since.
    fill(t, 0xdb, 0xe0, 0xe4, NO_WAIT | CONTROL);
    fill(t, 0xdb, 0xe5, 0xe7, UD);
    fill(t, 0xdb, 0xe8, 0xf7, WRITES_FLAGS);
    fill(t, 0xdb, 0xf8, 0xff, UD);
    fill(t, 0xdd, 0xf0, 0xff, UD);
    fill(t, 0xde, 0xd8, 0xdf, UD);
    fill(t, 0xde, 0xd9, 0xd9, 0);
    fill(t, 0xdf, 0xe0, 0xe0, WRITES_AX | NO_WAIT | CONTROL);
    fill(t, 0xdf, 0xe1, 0xe7, UD);
    fill(t, 0xdf, 0xe8, 0xf7, WRITES_FLAGS);
    fill(t, 0xdf, 0xf8, 0xff, UD);
    return t;
  }

  private static void fill(int[] t, int opcode, int from, int to, int info) {
    for (int modrm = from; modrm <= to; modrm++) t[(opcode & 7) << 6 | modrm & 0x3f] = info;
  }
}
