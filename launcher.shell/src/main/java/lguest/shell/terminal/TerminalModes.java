package lguest.shell.terminal;

import com.sun.jna.Function;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.file.Files;
import java.nio.file.Path;
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
    if (!System.getProperty("os.name").equals("Linux") || !mayBeTerminal(descriptor)) return Optional.empty();
    byte[] before = new byte[SIZE];
    if (Function.getFunction("c", "tcgetattr").invokeInt(new Object[] {descriptor, before}) != 0) return Optional.empty();
    TerminalModes modes = new TerminalModes(descriptor, before);
    Runtime.getRuntime().addShutdownHook(modes.hook);
    return Optional.of(modes);
  }

  /** Spares those who have none the loading of JNA, a noticeable part of a start. */
  private static boolean mayBeTerminal(int descriptor) {
    try {
      String file = Files.readSymbolicLink(Path.of("/proc/self/fd/" + descriptor)).toString();
      return file.startsWith("/dev/") && !file.equals("/dev/null");
    } catch (IOException e) {
      return true; // no /proc here, or a descriptor that is closed: the system call tells
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
    Function.getFunction("c", "tcsetattr").invokeInt(new Object[] {descriptor, TCSANOW, termios});
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
