package lguest.shell;

import java.io.BufferedReader;
import java.io.IOException;
import java.io.InputStream;
import java.io.InputStreamReader;
import java.io.PrintStream;
import java.io.StringReader;
import java.io.UncheckedIOException;
import java.lang.reflect.InvocationTargetException;
import java.util.Arrays;
import java.util.Optional;
import lguest.shell.command.Call;
import lguest.shell.command.Failure;
import lguest.shell.command.Interrupts;
import lguest.shell.command.News;
import lguest.shell.command.Quit;
import lguest.shell.terminal.TerminalModes;
import lguest.shell.terminal.TerminalSession;
import lguest.shell.words.UserError;
import org.apache.felix.service.command.CommandProcessor;
import org.apache.felix.service.command.CommandSession;
import org.apache.felix.service.command.Converter;
import org.jline.reader.Completer;
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
 * file of commands can be run. Gogo finds commands as services, ours ({@link Commands}) like anybody's; a bundle that is
 * installed while the prompt waits brings its commands with it. What a command complains about is one line for people, never
 * the name of an exception.
 */
final class Prompt {
  private static final String PROMPT = "lguest> ";
  /** Guests are what it is about: their commands need no scope, nor do those about devices that have a name of their own. */
  private static final String SCOPES = "guest:device:lguest:*";
  private static final int FAILED = 1, NOT_FOUND = 127, INTERRUPTED = 130;

  private final BundleContext context;
  private final Completer completer;
  private final News news;
  private final Interrupts interrupts = new Interrupts();
  /** The exit status so far. */
  private int status;

  Prompt(BundleContext context, Completer completer, News news) {
    this.context = context;
    this.completer = completer;
    this.news = news;
  }

  /**
   * Runs {@code script}, or what comes from standard input until the user quits or it ends. Returns the exit status: that of the
   * first command that failed, unless somebody typed them and saw it.
   */
  int run(Optional<String> script) throws UserError {
    // Before Gogo puts streams of its own in their place, which lead to the session's, which are these.
    InputStream in = System.in;
    PrintStream out = System.out, err = System.err;
    start("org.apache.felix.gogo.runtime");
    start("org.apache.felix.gogo.command");
    CommandProcessor processor = context.getService(context.getServiceReference(CommandProcessor.class));
    boolean interactive = System.console() != null && System.console().isTerminal();
    try {
      if (interactive) return onTerminal(processor, script);
      news.to(err::println);
      return read(processor, in, out, err, script.map(text -> new BufferedReader(new StringReader(text)))
          .orElseGet(() -> new BufferedReader(new InputStreamReader(in))));
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

  private int onTerminal(CommandProcessor processor, Optional<String> script) throws IOException {
    // JLine puts the terminal back too, but not at a signal, and it loses the line speed on the way.
    try (TerminalModes before = TerminalModes.note(TerminalSession.STDIN)
            .orElseThrow(() -> new IOException("standard input is no terminal"));
        Terminal terminal = terminal(); PrintStream out = new PrintStream(terminal.output(), true, terminal.encoding());
        CommandSession session = processor.createSession(terminal.input(), out, out)) {
      prepare(session);
      session.put(Call.TERMINAL, terminal);
      // ^C ends the command that runs, not us. While a line is edited JLine has handlers of its own.
      terminal.handle(Terminal.Signal.INT, signal -> interrupts.interrupt());
      if (script.isEmpty()) return edit(session, terminal, out);
      news.to(out::println);
      return execute(session, out, new BufferedReader(new StringReader(script.get())));
    }
  }

  private int edit(CommandSession session, Terminal terminal, PrintStream out) {
    LineReader reader = LineReaderBuilder.builder().terminal(terminal).completer(completer).appName("lguest")
        .option(LineReader.Option.DISABLE_EVENT_EXPANSION, true).build();
    news.to(reader::printAbove);
    out.println("lguest " + context.getBundle().getVersion() + ": type help, or run demo; Tab completes, Ctrl-D leaves");
    try {
      while (true) {
        try {
          execute(session, out, reader.readLine(PROMPT));
        } catch (UserInterruptException e) {
          // Ctrl-C throws the line away.
        }
      }
    } catch (EndOfFileException | Quit e) {
      return 0;
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

  private int read(CommandProcessor processor, InputStream in, PrintStream out, PrintStream err, BufferedReader lines) throws IOException {
    try (CommandSession session = processor.createSession(in, out, err)) {
      prepare(session);
      return execute(session, err, lines);
    }
  }

  private void prepare(CommandSession session) {
    session.put("SCOPE", SCOPES);
    session.put(Interrupts.VARIABLE, interrupts);
  }

  private int execute(CommandSession session, PrintStream err, BufferedReader lines) throws IOException {
    try {
      for (String line; (line = lines.readLine()) != null; ) execute(session, err, line);
    } catch (Quit e) {
      // As good an end as that of the input.
    }
    return status;
  }

  private void execute(CommandSession session, PrintStream err, String line) {
    interrupts.begin();
    try {
      Object result = session.execute(line);
      if (result != null) session.getConsole().println(session.format(result, Converter.INSPECT));
    } catch (Exception e) {
      Throwable cause = cause(e);
      if (cause instanceof Quit quit) throw quit;
      if (status == 0) status = status(cause);
      if (!(cause instanceof Failure)) err.println(complaint(cause));
    }
  }

  /** Gogo unwraps exceptions, but not errors. */
  private static Throwable cause(Throwable e) {
    return e instanceof InvocationTargetException && e.getCause() != null ? cause(e.getCause()) : e;
  }

  private static int status(Throwable e) {
    return e instanceof Failure failure ? failure.status() : e instanceof InterruptedException ? INTERRUPTED : isNotFound(e) ? NOT_FOUND : FAILED;
  }

  private static boolean isNotFound(Throwable e) { return e.getClass().getSimpleName().equals("CommandNotFoundException"); }

  private static String complaint(Throwable e) {
    return switch (e) {
      case UserError error -> "lguest: " + error.getMessage() + (error.usage() ? "; try help run" : "");
      case UncheckedIOException error -> "lguest: " + error.getCause().getMessage();
      case RuntimeException error when isNotFound(error) -> "lguest: " + error.getMessage().replace("Command not found: ", "unknown command ")
          + ": type help for those there are";
      // Behind the ^C that the terminal shows.
      case InterruptedException error -> "";
      default -> "lguest: " + (e.getMessage() == null ? e.toString() : e.getMessage());
    };
  }
}
