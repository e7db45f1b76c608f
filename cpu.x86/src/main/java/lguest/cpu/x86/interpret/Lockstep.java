package lguest.cpu.x86.interpret;

import static lguest.cpu.x86.state.CpuState.*;

import lguest.cpu.x86.Exit;
import lguest.cpu.x86.decode.Decoder;
import lguest.cpu.x86.decode.Instruction;
import lguest.cpu.x86.mmu.StoreLog;
import lguest.cpu.x86.state.Flags;
import lguest.cpu.x86.state.GuestFault;
import lguest.cpu.x86.state.Mode;
import lguest.cpu.x86.state.Native;

/**
 * Runs both engines over the same block and compares.
 *
 * <p>
 * Tour 5.12: Two engines, one truth
 *
 * <p>The interpreter goes first, its stores noted and then taken back; the translator follows from the same state. Registers, segments, the exit and every byte the interpreter stored must
 * agree. Of the arithmetic flags those count that somebody may still see: the translator keeps no others.
 */
final class Lockstep {
  private static final String[] NAMES = {"eax", "ecx", "edx", "ebx", "esp", "ebp", "esi", "edi"};
  private static final int COMPARED = FXSAVE + FXSAVE_SIZE;
  private static final int AFTER_REQUEST = REQUEST + 8;

  private static final int LISTED = 12;

  private final Core c;
  private final Engines engines;
  private final StoreLog log = new StoreLog();
  private final byte[] start = new byte[COMPARED];
  private final byte[] expected = new byte[COMPARED];

  Lockstep(Core c, Engines engines) {
    this.c = c;
    this.engines = engines;
  }

  /** Runs the next {@code count} instructions both ways. */
  Exit run(long count) {
    long state = c.state;
    settle();
    Native.copy(state, start, 0, COMPARED);
    long retired = engines.retired();
    long crossings = c.shortcuts.crossings();
    log.clear();
    c.mmu.log(log);
    Exit exit = engines.interpret(retired + count);
    Outcome interpreted = outcome(exit, retired);
    settle();
    Native.copy(state, expected, 0, COMPARED);
    log.undo();
    c.mmu.log(null);
    restore(start);
    engines.rewind(retired);
    Native.set64(state + GATE_COUNT, crossings);

    c.translator().allFlagsAlive();
    exit = engines.translate(retired + count);
    Outcome translated = outcome(exit, retired);
    settle();
    String difference = difference(interpreted, translated);
    if (difference != null) throw new IllegalStateException("the engines disagree: " + difference);
    return exit;
  }

  /** Everything lazy to its place in the state block. */
  private void settle() {
    Flags.setAll(c.state, Flags.all(c.state));
    c.settleX87();
  }

  private record Outcome(Exit exit, long instructions, int vector, int errorCode) {}

  private Outcome outcome(Exit exit, long before) {
    GuestFault f = c.fault;
    boolean tells = exit == Exit.EXCEPTION || exit == Exit.SOFTWARE_INTERRUPT;
    return new Outcome(exit, engines.retired() - before, tells ? f.vector : 0, tells ? f.errorCode : 0);
  }

  private void restore(byte[] saved) {
    // What is left out is the translator's own, and what other threads ask for meanwhile.
    Native.copy(saved, 0, c.state, JUMP_CACHE);
    Native.copy(saved, EIP, c.state + EIP, REQUEST - EIP);
    Native.copy(saved, AFTER_REQUEST, c.state + AFTER_REQUEST, TLB - AFTER_REQUEST);
    Native.copy(saved, SEGMENTS, c.state + SEGMENTS, COMPARED - SEGMENTS);
    c.mmu.setUser(Native.get32(c.state + CPL) == 3);
    c.changeMode();
    c.reloadX87();
  }

  private String difference(Outcome interpreted, Outcome translated) {
    StringBuilder text = new StringBuilder();
    if (!interpreted.equals(translated)) text.append("\n  outcome ").append(interpreted).append(", translated ").append(translated);
    for (int i = 0; i < 8; i++) compare(text, NAMES[i], i * 8);
    compare(text, "eip", EIP);
    compare(text, "cr0", CR0);
    compare(text, "cr2", CR2);
    compare(text, "cpl", CPL);
    compare(text, "mode", MODE);
    int flags = value(start, EFLAGS);
    int live = c.translator().flagsAlive();
    int wrong = (value(expected, EFLAGS) ^ Native.get32(c.state + EFLAGS)) & (live | ~Flags.ARITHMETIC);
    if (wrong != 0) text.append("\n  eflags %08x, translated %08x, alive %03x, before %08x".formatted(value(expected, EFLAGS), Native.get32(c.state + EFLAGS), live, flags));
    for (int i = SEGMENTS; i < FXSAVE + FXSAVE_SIZE; i++) {
      int differs = expected[i] ^ (byte) Native.get8(c.state + i);
      // Makers do not agree on C1 after FCOMI and its kin.
      if (i == FXSAVE + 3 && differs == 2 && listing(value(start, EIP)).contains("comi")) continue;
      if (differs != 0) {
        text.append("\n  state byte %03x: %02x, translated %02x".formatted(i, expected[i], Native.get8(c.state + i)));
        break;
      }
    }
    long at = log.difference();
    if (at != 0) text.append("\n  guest-physical %08x: %02x, translated %02x".formatted(c.mmu.physical(at), log.expected(at), Native.get8(at) & 0xFF));
    if (text.isEmpty()) return null;
    text.append("\n  before:");
    for (int i = 0; i < 8; i++) text.append(" %s %08x".formatted(NAMES[i], value(start, i * 8)));
    return text.append(" eip %08x eflags %08x".formatted(value(start, EIP), flags)).append(listing(value(start, EIP))).toString();
  }

  private void compare(StringBuilder text, String name, int offset) {
    int here = Native.get32(c.state + offset);
    if (value(expected, offset) != here) text.append("\n  %s %08x, translated %08x".formatted(name, value(expected, offset), here));
  }

  /** The block that differs, as text. */
  private String listing(int eip) {
    StringBuilder text = new StringBuilder();
    byte[] bytes = new byte[Decoder.MAX_LENGTH];
    for (int n = 0; n < LISTED; n++) {
      for (int i = 0; i < bytes.length; i++) bytes[i] = (byte) c.peek(c.segments.base(CS) + eip + i);
      Instruction instruction = new Decoder().decode(bytes, 0, bytes.length, eip, (c.mode & Mode.CODE32) != 0);
      if (instruction == null) break;
      text.append("\n  ").append(instruction);
      if (instruction.encoding.endsBlock()) break;
      eip = instruction.nextEip();
    }
    return text.toString();
  }

  private static int value(byte[] saved, int offset) {
    return saved[offset] & 0xFF | (saved[offset + 1] & 0xFF) << 8 | (saved[offset + 2] & 0xFF) << 16 | saved[offset + 3] << 24;
  }
}
