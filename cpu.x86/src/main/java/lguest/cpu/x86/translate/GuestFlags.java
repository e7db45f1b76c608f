package lguest.cpu.x86.translate;

import static lguest.cpu.x86.state.CpuState.*;
import static lguest.cpu.x86.translate.Assembler.*;
import static lguest.cpu.x86.translate.Stubs.INSTRUCTIONS_LEFT;
import static lguest.cpu.x86.translate.Stubs.STATE;

import lguest.cpu.x86.decode.Instruction;
import lguest.cpu.x86.state.Flags;

/**
 * Where the guest's arithmetic flags are while a block is emitted. They are the host's, until something that the guest does not know of, a look into the soft TLB for one, destroys those. Mostly nobody
 * wants them then but a fault that hardly ever comes, so as little as possible is done for them before it does: an instruction whose registers will keep is executed once more by whoever wants its flags
 * ({@link Repetition}), and only the flags of others are put away in state.SAVED_FLAGS. Behind those, INC or DEC may have changed all but the carry.
 *
 * <p>A block that jumps to itself would have to put away in each round what hardly anybody will want. So it comes back behind where that is done; until its flags are overwritten, they are those of
 * its end, made once more, unless this is the first round, which state.LOOP_FIRST tells: then they are those put away.
 */
final class GuestFlags {
  /** How to have those that the host's flags do not hold. LOOP: SAVED in a loop's first round, as assumed in the others. */
  private enum Source { NONE, SAVED, REPEAT, LOOP }

  /** Where all flags are that somebody may see: in state.SAVED_FLAGS, in the host's, in both; or neither, but they can be had. */
  enum Home { HOST, SAVED, BOTH, ELSEWHERE }

  /** Emissions of a block: of a loop, to see whether it could come back past its entry; then as such a one; or as none, after that turned out to be wrong, or because it is none. */
  enum Pass {
    FIRST(true, false), ASSUMING(true, true), WITHOUT(false, true), ALONE(false, false);

    private final boolean loops;
    /** The block was emitted before. */
    final boolean again;

    Pass(boolean loops, boolean again) {
      this.loops = loops;
      this.again = again;
    }
  }

  private static final int NOBODY = -1;
  private static final int EQUAL = 4;

  private final Assembler hot;
  /** Before each instruction: flags that may still be seen, and of those the ones the manual defines. */
  private final int[] live = new int[BlockEmitter.MOST_INSTRUCTIONS + 1];
  private final int[] comparable = new int[BlockEmitter.MOST_INSTRUCTIONS + 1];
  /** Flags that each instruction takes the earlier value from. */
  private final int[] killed = new int[BlockEmitter.MOST_INSTRUCTIONS];

  // The block being emitted.
  private Instruction[] code;
  private int count;
  private int index;
  private boolean startsInHost;
  /** The host's flags that are the guest's. */
  private int host;
  private Source source;
  /** Number of the instruction to repeat; and of an INC or DEC behind the source, or {@link #NOBODY}. */
  private int setter;
  private int counter;
  /** When the source or the counter was last noted. */
  private int since;

  /** The block may come back to itself as the class comment says. */
  private boolean loops;
  /** What is assumed of the flags at its end: {@link #NOBODY} as setter means that SAVED_FLAGS has them. */
  private boolean assumed;
  private int assumedSetter;
  private int assumedCounter;
  /** It is not so; or it is to be tried whether it is. */
  private boolean wrong;
  private boolean worth;

  GuestFlags(Assembler hot) { this.hot = hot; }

  /** A block begins, with its flags in the host's. ASSUMING comes after a pass that was {@link #worthAnother}. */
  void begin(Instruction[] code, int count, int liveOut, Pass pass) {
    this.code = code;
    this.count = count;
    assumed = pass == Pass.ASSUMING;
    wrong = worth = false;
    index = 0;
    set();
    Liveness.before(code, count, liveOut, live, killed);
    System.arraycopy(live, 0, comparable, 0, count + 1);
    Liveness.withoutUndefined(code, count, comparable);
    startsInHost = live[0] != 0 && Liveness.startsWithFlags(code, count, live, killed);
    loops = pass.loops && live[0] != 0 && !startsInHost;
  }

  /** Flags that are the guest's before instruction number {@code n}, should control leave there. */
  int shown(int n) { return live[n]; }

  /** Those that every processor would show. */
  int comparable(int n) { return comparable[n]; }

  /** Whether the block wants those that come in in the host's own. */
  boolean startsInHost() { return startsInHost; }

  /** At its entry, what must be put away has been. */
  void areAwayAtEntry() {
    areAway();
    if (!assumed) return;
    source = Source.LOOP;
    if (!survive(0, registers(), 0)) wrong = true;
  }

  /** What has been emitted for this loop assumes what is not so: it must be emitted once more, {@link Pass#WITHOUT}. */
  boolean assumedWrongly() { return wrong; }

  /** It is worth emitting this loop once more, with what is known now. */
  boolean worthAnother() { return worth; }

  /** It may come back past its entry. */
  boolean assumes() { return assumed; }

  /** Instruction number {@code n} is next. */
  void at(int n) {
    done(n - 1);
    index = n;
  }

  /** What that instruction has changed cannot be repeated from. */
  private void done(int n) {
    int registers = registers();
    if (registers != 0 && since != n && (registers & Coalescing.written(code[n])) != 0) source = Source.NONE;
  }

  // ---- what instructions do

  /** Before emitting something that changes host flags without being the guest's wish. Destroys R11. */
  void clobber() {
    if (live[index] != 0 && (source == Source.NONE || !survive(index, registers(), 0))) putAway();
    host = 0;
  }

  /** They are in state.SAVED_FLAGS from here on. Destroys R11. */
  void putAway() {
    if (source != Source.SAVED || counter != NOBODY) {
      restore(hot);
      save();
    }
    areAway();
  }

  /** As just after {@link #putAway}, though nothing was emitted for that here: for the other way that an instruction may go. */
  void areAway() {
    host = 0;
    source = Source.SAVED;
    counter = since = NOBODY;
  }

  /** Before the guest's own instruction reads host flags. */
  void need() { need(Liveness.reads(code[index])); }

  private void need(int flags) {
    if ((flags & ~host) == 0) return;
    bring(hot);
    host = Flags.ARITHMETIC;
  }

  /** Before a guest instruction that changes host flags: brings back what it reads and what must survive it. */
  void aboutToSet() {
    Instruction i = code[index];
    need();
    int through = live[index + 1] & ~killed[index];
    if (through == 0) {
      set();
      if (Repetition.registers(i) != Repetition.IMPOSSIBLE) {
        source = Source.REPEAT;
        setter = since = index;
      }
      return;
    }
    int changed = Repetition.registers(i);
    boolean counts = Repetition.counts(i) && source != Source.NONE && (sourceRegisters() & changed) == 0;
    // The carry may stay where it is.
    if (!counts || !survive(index + 1, sourceRegisters() | changed, Flags.ARITHMETIC)) need(through);
    host |= killed[index];
    if (counts) counter = since = index;
    else source = Source.NONE;
  }

  /** The host's flags are the guest's, all of them. */
  void set() {
    host = Flags.ARITHMETIC;
    source = Source.NONE;
    counter = since = NOBODY;
  }

  // ---- where they are

  /** Makes the host's flags the guest's on a way out, before the instruction that is emitted; on the hot one nothing is different. Destroys R11. */
  void restore(Assembler a) {
    if ((live[index] & ~host) != 0) bring(a);
  }

  /** Behind the last instruction. */
  Home home() {
    boolean saved = source == Source.SAVED && counter == NOBODY;
    if ((live[count] & ~host) != 0) return saved ? Home.SAVED : Home.ELSEWHERE;
    return saved ? Home.BOTH : Home.HOST;
  }

  /** The block jumps to itself: whether it may do so past its entry. */
  boolean backAsAssumed() {
    done(count - 1); // LOOP counts
    if (!assumed) {
      // Was it worth assuming something?
      worth = loops && (source == Source.REPEAT || source == Source.SAVED && counter != NOBODY);
      assumedSetter = source == Source.REPEAT ? setter : NOBODY;
      assumedCounter = counter;
      return false;
    }
    boolean right = counter == assumedCounter && switch (source) {
      case REPEAT -> setter == assumedSetter;
      // Of these only the carry counts, which is the one put away in each round.
      case SAVED, LOOP -> assumedSetter == NOBODY;
      default -> false;
    };
    if (!right) wrong = true;
    return right;
  }

  /** Emits what makes the host's flags those of the source. */
  void bring(Assembler a) {
    switch (source) {
      case SAVED -> restoreSaved(a);
      case REPEAT -> Repetition.emit(a, code[setter]);
      case LOOP -> {
        if (a == hot) wrong = true;
        a.rm(0x8D, R11, INSTRUCTIONS_LEFT, count);
        a.rm(0x3B, R11, STATE, LOOP_FIRST);
        int first = a.jccShort(EQUAL);
        if (assumedSetter == NOBODY) restoreSaved(a);
        else Repetition.emit(a, code[assumedSetter]);
        if (assumedCounter != NOBODY) Repetition.emit(a, code[assumedCounter]);
        int done = a.jmpShort();
        a.hereShort(first);
        restoreSaved(a);
        a.hereShort(done);
      }
      case NONE -> {
        // What is emitted on a wrong assumption is thrown away.
        if (!wrong) throw new IllegalStateException("no flags for " + code[index]);
      }
    }
    if (counter != NOBODY) Repetition.emit(a, code[counter]);
  }

  /** Guest registers, a bit each, that the source depends on. */
  private int registers() { return counter == NOBODY ? sourceRegisters() : sourceRegisters() | Repetition.registers(code[counter]); }

  private int sourceRegisters() {
    return switch (source) {
      case NONE, SAVED -> 0;
      case REPEAT -> Repetition.registers(code[setter]);
      case LOOP -> (assumedSetter == NOBODY ? 0 : Repetition.registers(code[assumedSetter])) | (assumedCounter == NOBODY ? 0 : Repetition.registers(code[assumedCounter]));
    };
  }

  /** Whether the source is good as long as somebody may want the flags, from before instruction {@code from} on, while of the host's no more than {@code held} are right. */
  private boolean survive(int from, int registers, int held) {
    for (int n = from; n < count; n++) {
      if (live[n] == 0) return true;
      Instruction i = code[n];
      if (registers != 0 && StringEmitter.isString(i) && (registers & Coalescing.written(i)) != 0) return false;
      // They are overwritten, or brought back to be changed in part.
      if (Liveness.writes(i)) return true;
      // They are brought back to be read, unless the host's own will do.
      if (held == 0 && Liveness.reads(i) != 0) return true;
      if (registers != 0 && (registers & Coalescing.written(i)) != 0) return live[n + 1] == 0;
    }
    return live[count] == 0 || registers == 0 && source == Source.SAVED && counter == NOBODY || loops;
  }

  // ---- state.SAVED_FLAGS

  /** Puts the host's flags there, changing none. Destroys R11. */
  void save() {
    hot.rr(0x8B, R11, RAX);
    Stubs.saveToAx(hot);
    hot.rm(0x66, false, 0x89, RAX, STATE, NONE, 0, SAVED_FLAGS);
    hot.rr(0x8B, RAX, R11);
  }

  /** And back. */
  static void restoreSaved(Assembler a) {
    a.rr(0x8B, R11, RAX);
    a.rm(0, false, 0x0FB7, RAX, STATE, NONE, 0, SAVED_FLAGS);
    Stubs.restoreFromAx(a);
    a.rr(0x8B, RAX, R11);
  }
}
