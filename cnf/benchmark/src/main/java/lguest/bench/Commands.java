package lguest.bench;

import java.io.BufferedReader;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.Map;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.DoubleAdder;

/** Runs commands one after the other and measures them. The clock runs from before the start of the process to its end. */
final class Commands {
  /** A whole run may take this long, on a slow machine; what is waited for in between, this long. */
  static final int RUN_SECONDS = 600, ANSWER_SECONDS = 60;
  private static final int END_SECONDS = 10;

  /**
   * How a command went.
   *
   * @param cpu processor seconds of it and all it started
   * @param compiling those of them in which JVMs compiled their own code
   * @param wall seconds on the clock
   * @param out what it said, on standard output and error alike, without carriage returns
   */
  record Run(double cpu, double compiling, double wall, String out) {
    /** What stands between the first {@code before} and the next {@code after}, or the end. */
    String find(String before, String after) {
      int at = out.indexOf(before);
      if (at < 0) throw new Failure("expected '%s' in:%n%s".formatted(before, out));
      at += before.length();
      int end = out.indexOf(after, at);
      return out.substring(at, end < 0 ? out.length() : end).strip();
    }
  }

  private final ProcessorTime time = new ProcessorTime();
  private final Map<String, String> environment;
  private final DoubleAdder compiling = new DoubleAdder();

  Commands(Map<String, String> environment) { this.environment = environment; }

  /** Runs a command to its end; kills it when it takes far too long. */
  Run run(List<String> command) { return measure(() -> talk(command)); }

  /** Runs a command to its end; what it said. */
  String talk(List<String> command) throws IOException {
    try (Child child = start(command)) { return child.rest(); }
  }

  /** Something to measure, several processes at once perhaps; all have ended when it is done. Returns what they said. */
  interface Work { String run() throws IOException, InterruptedException; }

  Run measure(Work work) {
    double cpu = time.ofChildren(), compiled = compiling.sum();
    long start = System.nanoTime();
    try {
      String out = work.run();
      return new Run(time.ofChildren() - cpu, compiling.sum() - compiled, (System.nanoTime() - start) / 1e9, out);
    } catch (IOException e) {
      throw new UncheckedIOException(e);
    } catch (InterruptedException e) {
      throw new Failure("interrupted");
    }
  }

  Child start(List<String> command) throws IOException {
    ProcessBuilder builder = new ProcessBuilder(command).redirectErrorStream(true);
    builder.environment().putAll(environment);
    return new Child(builder.start(), compiling);
  }

  /** Something about all a process has said so far. */
  interface Condition { boolean isMet(String said); }

  /** A process that is talked to. Closing ends it, if it has not ended by itself. */
  static final class Child implements AutoCloseable {
    private static final long NEVER = Long.MAX_VALUE;

    private final Process process;
    private final BufferedReader out;
    private final Thread guard, observer;
    private final StringBuilder said = new StringBuilder();
    /** When to give up what is read at the moment; the clock of {@link System#nanoTime}. */
    private volatile long deadline = NEVER;
    private volatile boolean late;

    private Child(Process process, DoubleAdder compiling) {
      this.process = process;
      out = process.inputReader(StandardCharsets.ISO_8859_1);
      guard = Thread.ofVirtual().start(this::watch);
      observer = Thread.ofPlatform().daemon().start(() -> compiling.add(new CompilerTime().of(process)));
    }

    /** A read cannot be given up, but it ends with the process. */
    private void watch() {
      try {
        while (!process.waitFor(200, TimeUnit.MILLISECONDS)) {
          if (System.nanoTime() < deadline) continue;
          late = true;
          end();
        }
      } catch (InterruptedException e) {
        // It has ended: no guard needed any more.
      }
    }

    private void end() {
      process.descendants().forEach(ProcessHandle::destroyForcibly);
      process.destroyForcibly();
    }

    long pid() { return process.pid(); }

    void type(String text) throws IOException {
      process.getOutputStream().write(text.getBytes(StandardCharsets.ISO_8859_1));
      process.getOutputStream().flush();
    }

    /** Reads on until there is something new with that in it. */
    void await(String text, int seconds) throws IOException {
      int from = said.length();
      await(all -> all.indexOf(text, from) >= 0, seconds);
    }

    /** The same of the answer to a command: a line of complaint, which begins with our name, is a failure at once. */
    void awaitAnswer(String text) throws IOException {
      int from = said.length();
      await(all -> all.indexOf(text, from) >= 0 || complaint(all, from) >= 0, ANSWER_SECONDS);
      int at = complaint(said.toString(), from);
      if (at < 0) return;
      await(all -> all.indexOf('\n', at) > 0, ANSWER_SECONDS);
      kill(); // or closing would wait for an end that does not come
      throw new Failure(said.substring(at).lines().findFirst().orElseThrow());
    }

    private static int complaint(String all, int from) {
      if (all.startsWith("lguest: ", from)) return from;
      int at = all.indexOf("\nlguest: ", from);
      return at < 0 ? at : at + 1;
    }

    void await(Condition condition) throws IOException { await(condition, ANSWER_SECONDS); }

    private void await(Condition condition, int seconds) throws IOException {
      char[] part = new char[8192];
      deadline = System.nanoTime() + TimeUnit.SECONDS.toNanos(seconds);
      while (!condition.isMet(said.toString())) {
        int n = out.read(part);
        if (n < 0) throw new Failure((late ? "nothing came of it for " + seconds + " s" : "it ended too early") + "; it said:\n" + said);
        said.append(new String(part, 0, n).replace("\r", ""));
      }
      deadline = NEVER;
    }

    /** Everything it has said, at its end. */
    String rest() throws IOException {
      process.getOutputStream().close();
      char[] part = new char[8192];
      deadline = System.nanoTime() + TimeUnit.SECONDS.toNanos(RUN_SECONDS);
      for (int n; (n = out.read(part)) >= 0; ) said.append(new String(part, 0, n).replace("\r", ""));
      if (late) throw new Failure("still running after %d s, ended: %s; it said:%n%s".formatted(RUN_SECONDS, process.info().commandLine().orElse("process " + pid()), said));
      return said.toString();
    }

    void kill() { process.destroy(); }

    @Override public void close() {
      try {
        deadline = Math.min(deadline, System.nanoTime() + TimeUnit.SECONDS.toNanos(END_SECONDS));
        process.waitFor();
        guard.interrupt();
        observer.join();
      } catch (InterruptedException e) {
        end();
        Thread.currentThread().interrupt();
      }
    }
  }

  /** Is there a command of that name? */
  static boolean has(String name) {
    for (String folder : System.getenv().getOrDefault("PATH", "/usr/bin:/bin").split(":"))
      if (Files.isExecutable(Path.of(folder, name))) return true;
    return false;
  }
}
