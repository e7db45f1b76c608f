package lguest.shell.terminal;

import java.lang.foreign.Arena;
import java.lang.foreign.FunctionDescriptor;
import java.lang.foreign.Linker;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.lang.invoke.MethodHandle;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.util.Optional;

/**
 * The modes of the user's terminal: noted when a guest or the prompt gets it, and back to that at {@link #close} and when the
 * JVM ends in any way that leaves it a chance: System.exit, an exception, SIGTERM, SIGHUP, SIGINT.
 */
public final class TerminalModes implements AutoCloseable {
  private static final int TCSANOW = 0;
  /**
   * struct termios of Linux: four words of flags, the line discipline, the control characters. Larger than any architecture
   * needs.
   */
  private static final int SIZE = 128;
  private static final int IFLAG = 0, LFLAG = 12, CC = 17;
  private static final int ICRNL = 0x100, IXON = 0x400;
  private static final int ISIG = 0x1, ICANON = 0x2, ECHO = 0x8, IEXTEN = 0x8000;
  private static final int VTIME = 5, VMIN = 6;

  private final int descriptor;
  private final byte[] before;
  private final Thread hook = new Thread(this::restore, "restore terminal");
  private boolean restored;

  private TerminalModes(int descriptor, byte[] before) {
    this.descriptor = descriptor;
    this.before = before;
  }

  /** Notes the modes; empty when the descriptor is no terminal, and then there is nothing to do. */
  public static Optional<TerminalModes> note(int descriptor) {
    if (!System.getProperty("os.name").equals("Linux")) return Optional.empty();
    try (Arena arena = Arena.ofConfined()) {
      MemorySegment termios = arena.allocate(SIZE);
      if (call(arena, "tcgetattr", descriptor, termios.address(), 0) != 0) return Optional.empty();
      TerminalModes modes = new TerminalModes(descriptor, termios.toArray(ValueLayout.JAVA_BYTE));
      Runtime.getRuntime().addShutdownHook(modes.hook);
      return Optional.of(modes);
    }
  }

  /** No echo, no line editing, no signals (L41). Output processing stays on, as in the original. */
  synchronized void raw() {
    if (restored) return;
    byte[] raw = before.clone();
    clear(raw, IFLAG, ICRNL | IXON);
    clear(raw, LFLAG, ISIG | ICANON | ECHO | IEXTEN);
    raw[CC + VMIN] = 1;
    raw[CC + VTIME] = 0;
    set(descriptor, raw);
  }

  private static void clear(byte[] termios, int word, int bits) {
    ByteBuffer flags = ByteBuffer.wrap(termios).order(ByteOrder.nativeOrder());
    flags.putInt(word, flags.getInt(word) & ~bits);
  }

  private static void set(int descriptor, byte[] termios) {
    // A terminal that has gone away has no modes to be set: nothing to report and nobody to report it to.
    try (Arena arena = Arena.ofConfined()) { call(arena, "tcsetattr", descriptor, TCSANOW, arena.allocateFrom(ValueLayout.JAVA_BYTE, termios).address()); }
  }

  /** All arguments are words, and more than are needed, as in the Launcher's own calls: that signature is there already. */
  private static int call(Arena arena, String name, long descriptor, long second, long third) {
    Linker linker = Linker.nativeLinker();
    ValueLayout.OfLong word = ValueLayout.JAVA_LONG;
    MethodHandle function = linker.downcallHandle(FunctionDescriptor.of(word, word, word, word, word, word, word), Linker.Option.captureCallState("errno"));
    try {
      return (int) (long) function.invokeExact(linker.defaultLookup().findOrThrow(name), arena.allocate(Linker.Option.captureStateLayout()), descriptor, second, third, 0L, 0L, 0L);
    } catch (Throwable e) {
      throw new IllegalStateException(e);
    }
  }

  private synchronized void restore() {
    if (restored) return;
    restored = true;
    set(descriptor, before);
  }

  @Override public void close() {
    restore();
    try {
      Runtime.getRuntime().removeShutdownHook(hook);
    } catch (IllegalStateException e) {
      // On the way down already; the hook finds nothing to do.
    }
  }
}
