package lguest.shell;

import java.io.BufferedReader;
import java.io.IOException;
import java.io.InputStream;
import java.io.InputStreamReader;
import java.io.PrintStream;
import java.io.UncheckedIOException;
import java.lang.reflect.InvocationTargetException;
import java.util.Arrays;
import java.util.function.Consumer;
import lguest.launcher.LaunchException;
import org.apache.felix.service.command.CommandProcessor;
import org.apache.felix.service.command.CommandSession;
import org.apache.felix.service.command.Converter;
import org.jline.reader.EndOfFileException;
import org.jline.reader.LineReader;
import org.jline.reader.LineReaderBuilder;
import org.jline.reader.UserInterruptException;
import org.jline.terminal.Size;
import org.jline.terminal.Terminal;
import org.jline.terminal.TerminalBuilder;
import org.osgi.framework.Bundle;
import org.osgi.framework.BundleContext;
import org.osgi.framework.BundleException;

/**
 * Tour 7.2: The prompt
 *
 * <p>Gogo understands the lines, JLine edits them. Without a terminal the lines come from standard input as they are, so that a
 * file of commands can be run. Gogo finds commands as services, ours ({@link GuestCommands}) like anybody's; a bundle that is
 * installed while the prompt waits brings its commands with it. What a command complains about is one line for people, never
 * the name of an exception.
 */
final class Prompt {
  /** The session variable under which commands find the user's terminal, as Gogo's own JLine shell has it. */
  static final String TERMINAL = ".terminal";
  /** The session variable with the {@code Consumer<String>} for lines that come while the user types. */
  static final String NEWS = ".news";
  private static final String PROMPT = "lguest> ";

  /** The user has had enough. */
  static final class Quit extends RuntimeException {
    private static final long serialVersionUID = 1;

    Quit() { super("quit", null, false, false); }
  }

  private final BundleContext context;
  private final GuestCompleter completer;
  private boolean failed;

  Prompt(BundleContext context, GuestCompleter completer) {
    this.context = context;
    this.completer = completer;
  }

  /**
   * Runs until the user quits or the input ends. Returns the exit status: 1 if commands were read from a file or pipe and one
   * of them failed.
   */
  int run() throws UserError {
    // Before Gogo puts streams of its own in their place, which lead to the session's, which are these.
    InputStream in = System.in;
    PrintStream out = System.out;
    start("org.apache.felix.gogo.runtime");
    start("org.apache.felix.gogo.command");
    CommandProcessor processor = context.getService(context.getServiceReference(CommandProcessor.class));
    try {
      return System.console() != null && System.console().isTerminal() ? edit(processor) : read(processor, in, out);
    } catch (IOException e) {
      throw UserError.of("the terminal cannot be used: " + e.getMessage());
    }
  }

  private void start(String name) throws UserError {
    Bundle bundle = Arrays.stream(context.getBundles()).filter(candidate -> name.equals(candidate.getSymbolicName())).findFirst()
        .orElseThrow(() -> UserError.of("there is no prompt without the bundle " + name));
    try {
      bundle.start();
    } catch (BundleException e) {
      throw UserError.of("the bundle " + name + " does not start: " + e.getMessage());
    }
  }

  private int edit(CommandProcessor processor) throws IOException {
    // JLine puts the terminal back too, but not at a signal, and it loses the line speed on the way.
    try (TerminalModes before = TerminalModes.note(TerminalSession.STDIN)
        .orElseThrow(() -> new IOException("standard input is no terminal"))) {
      return editOn(processor);
    }
  }

  private int editOn(CommandProcessor processor) throws IOException {
    try (Terminal terminal = terminal(); PrintStream out = new PrintStream(terminal.output(), true, terminal.encoding())) {
      try (CommandSession session = processor.createSession(terminal.input(), out, out)) {
        LineReader reader = LineReaderBuilder.builder().terminal(terminal).completer(completer).appName("lguest")
            .option(LineReader.Option.DISABLE_EVENT_EXPANSION, true).build();
        prepare(session, reader::printAbove);
        session.put(TERMINAL, terminal);
        out.println("lguest " + context.getBundle().getVersion() + ": type help, or boot demo; Tab completes, Ctrl-D leaves");
        while (true) {
          try {
            execute(session, reader.readLine(PROMPT));
          } catch (UserInterruptException e) {
            // Ctrl-C throws the line away.
          }
        }
      } catch (EndOfFileException | Quit e) {
        return 0;
      }
    }
  }

  private static Terminal terminal() throws IOException {
    // JLine looks for its ways to the terminal through the thread's class loader; in a framework that must be JLine's own.
    Thread thread = Thread.currentThread();
    ClassLoader before = thread.getContextClassLoader();
    thread.setContextClassLoader(Terminal.class.getClassLoader());
    try {
      // Ctrl-C while a command runs is not the end of everything.
      // And no library of JLine's is to be unpacked into the directory for temporary files, where it would stay.
      Terminal terminal = TerminalBuilder.builder().name("lguest").system(true).jni(false)
          .signalHandler(Terminal.SignalHandler.SIG_IGN).build();
      // A serial line does not know its size.
      if (terminal.getWidth() == 0 || terminal.getHeight() == 0) terminal.setSize(new Size(80, 24));
      return terminal;
    } finally {
      thread.setContextClassLoader(before);
    }
  }

  private int read(CommandProcessor processor, InputStream in, PrintStream out) throws IOException {
    BufferedReader lines = new BufferedReader(new InputStreamReader(in));
    try (CommandSession session = processor.createSession(in, out, out)) {
      prepare(session, out::println);
      for (String line; (line = lines.readLine()) != null; ) execute(session, line);
    } catch (Quit e) {
      // As good an end as that of the input.
    }
    return failed ? 1 : 0;
  }

  private static void prepare(CommandSession session, Consumer<String> news) {
    // Our commands need no scope, and go before others of the same name.
    session.put("SCOPE", GuestCommands.SCOPE + ":*");
    session.put(NEWS, news);
  }

  private void execute(CommandSession session, String line) {
    try {
      Object result = session.execute(line);
      if (result != null) session.getConsole().println(session.format(result, Converter.INSPECT));
    } catch (Quit e) {
      throw e;
    } catch (Exception e) {
      failed = true;
      session.getConsole().println("lguest: " + complaint(e));
    }
  }

  private static String complaint(Throwable e) {
    return switch (e) {
      // Gogo unwraps exceptions, but not errors.
      case InvocationTargetException error when error.getCause() != null -> complaint(error.getCause());
      case UserError error -> error.getMessage() + (error.usage() ? "; try help boot" : "");
      case LaunchException error -> error.getMessage();
      case UncheckedIOException error -> error.getCause().getMessage();
      case RuntimeException error when error.getClass().getSimpleName().equals("CommandNotFoundException") -> error.getMessage()
          .replace("Command not found: ", "unknown command ") + ": type help for those there are";
      case InterruptedException error -> "interrupted";
      default -> e.getMessage() == null ? e.toString() : e.getMessage();
    };
  }
}
