package lguest.shell.command;

import java.io.PrintStream;
import java.util.function.Consumer;
import java.util.function.Supplier;
import lguest.launcher.GuestLog;

/**
 * A guest's log, line by line, for people: warnings and errors always, the details of {@code --verbose} when asked for (L5).
 *
 * @param prefix in front of each line, such as {@code lguest: }; asked for each time, since a guest gets its name late
 * @param verbose whether details are wanted
 * @param sink takes finished lines
 */
public record LogLines(Supplier<String> prefix, boolean verbose, Consumer<String> sink) implements GuestLog {
  public static LogLines to(PrintStream stream, boolean verbose) { return new LogLines(() -> "lguest: ", verbose, stream::println); }

  @Override public boolean isLoggable(System.Logger.Level level) {
    return level.getSeverity() >= (verbose ? System.Logger.Level.INFO : System.Logger.Level.WARNING).getSeverity();
  }

  @Override public void line(System.Logger.Level level, String text, Throwable cause) {
    if (!isLoggable(level)) return;
    StringBuilder line = new StringBuilder(prefix.get()).append(text);
    // Only a fault of ours comes with its cause, and then the stack is wanted.
    if (cause != null) {
      line.append(System.lineSeparator()).append(cause);
      for (StackTraceElement frame : cause.getStackTrace()) line.append(System.lineSeparator()).append("    at ").append(frame);
    }
    sink.accept(line.toString());
  }
}
