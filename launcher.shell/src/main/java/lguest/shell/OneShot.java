package lguest.shell;

import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.Optional;
import java.util.concurrent.CountDownLatch;
import java.util.function.ToIntFunction;
import lguest.launcher.Guest;
import lguest.launcher.GuestEnd;
import lguest.launcher.GuestSpec;
import lguest.launcher.LaunchException;
import lguest.launcher.Launcher;
import lguest.shell.command.Guests;
import lguest.shell.command.LogLines;
import lguest.shell.command.News;
import lguest.shell.config.WatchedFolders;
import lguest.shell.terminal.TerminalSession;
import lguest.shell.words.CommandLine;
import lguest.shell.words.Demo;
import lguest.shell.words.DeviceOption;
import lguest.shell.words.DeviceOptions;
import lguest.shell.words.Help;
import lguest.shell.words.UserError;
import org.osgi.framework.BundleContext;
import org.osgi.service.component.annotations.Activate;
import org.osgi.service.component.annotations.Component;
import org.osgi.service.component.annotations.Reference;
import org.osgi.service.component.annotations.ReferenceCardinality;
import org.osgi.service.component.annotations.ReferencePolicy;
import org.osgi.service.component.annotations.ReferencePolicyOption;

/**
 * {@code lguest} on the command line: one guest on this terminal, or the prompt, or a word of advice. The platform hands its
 * arguments to the service with the property {@code lguest.main} and exits with what that returns (L7).
 */
@Component(service = ToIntFunction.class, property = "lguest.main:Boolean=true")
public final class OneShot implements ToIntFunction<String[]> {
  private static final int ERROR = 1;
  private static final String CONFIGURATION = "--conf=", DROP_IN = "--drop-in=";

  private final BundleContext context;
  private final DeviceOptions options;
  private final News news;
  @Reference(cardinality = ReferenceCardinality.OPTIONAL, policy = ReferencePolicy.DYNAMIC, policyOption = ReferencePolicyOption.GREEDY)
  volatile Launcher launcher;

  @Activate
  public OneShot(BundleContext context, @Reference DeviceOptions options, @Reference News news) {
    this.context = context;
    this.options = options;
    this.news = news;
  }

  @Override public int applyAsInt(String[] arguments) {
    if (arguments.length == 0) return shortUsage();
    List<String> rest = List.of(arguments).subList(1, arguments.length);
    try {
      return switch (arguments[0]) {
        case "help", "--help", "-h" -> help(rest);
        case "version", "--version" -> version();
        case "shell" -> shell(rest);
        case "serve" -> serve(rest);
        default -> boot(CommandLine.parse(List.of(arguments), options.list()));
      };
    } catch (UserError e) {
      System.err.println("lguest: " + e.getMessage());
      if (e.usage()) System.err.print(CommandLine.usage(options.list()));
    } catch (LaunchException e) {
      System.err.println("lguest: " + e.getMessage());
    } catch (InterruptedException e) {
      System.err.println("lguest: interrupted");
    }
    return ERROR;
  }

  private int boot(CommandLine line) throws UserError, LaunchException, InterruptedException {
    GuestSpec spec = line.isDemo() ? line.demo(Demo.image(context)) : line.guest();
    Launcher launcher = this.launcher;
    if (launcher == null) throw UserError.of("the Launcher is not there: the bundle launcher.core has not started");
    GuestEnd end;
    boolean outputLost;
    try (Guest guest = launcher.create(spec, LogLines.to(System.err, line.verbose()))) {
      try (TerminalSession session = TerminalSession.open(guest)) {
        guest.start();
        end = guest.await();
        session.close();
        outputLost = session.outputLost();
      }
      if (line.stats()) System.err.println("lguest: " + Guests.stats(guest));
    }
    if (outputLost) {
      System.err.println("lguest: nobody reads the standard output any more: the guest was stopped");
      return ERROR;
    }
    // A user who typed ^C three times knows why (L42).
    if (end.status() == ERROR) System.err.println("lguest: "
        + (end.reason().isEmpty() ? "the guest ended for no known reason" : end.reason()));
    return end.status();
  }

  private int shell(List<String> words) throws UserError {
    Optional<String> script = Optional.empty(), configuration = Optional.empty(), dropIn = Optional.empty();
    for (int i = 0; i < words.size(); i++) {
      String word = words.get(i);
      if (word.startsWith(CONFIGURATION)) configuration = Optional.of(word.substring(CONFIGURATION.length()));
      else if (word.startsWith(DROP_IN)) dropIn = Optional.of(word.substring(DROP_IN.length()));
      else if (!word.equals("-c")) throw UserError.withUsage("shell takes no '" + word + "'");
      else if (++i == words.size()) throw UserError.withUsage("option -c needs a value");
      else script = Optional.of(words.get(i));
    }
    Completion.World world = new Completion.World() {
      @Override public List<DeviceOption> options() { return options.list(); }

      @Override public Optional<Launcher> launcher() { return Optional.ofNullable(launcher); }
    };
    try {
      news.to(line -> System.err.println("lguest: " + line));
      WatchedFolders.watch(given(configuration), given(dropIn).or(() -> besideTheJar("drop-in")), context, news);
      return new Prompt(context, new Completion(world, Commands.all()), news).run(script);
    } finally {
      world.guests().forEach(Guest::close);
    }
  }

  /** Runs the guests of configuration files until a signal ends us, which waits until they have stopped. */
  private int serve(List<String> words) throws UserError, InterruptedException {
    Optional<String> configuration = Optional.empty(), dropIn = Optional.empty();
    for (String word : words) {
      if (word.startsWith(CONFIGURATION)) configuration = Optional.of(word.substring(CONFIGURATION.length()));
      else if (word.startsWith(DROP_IN)) dropIn = Optional.of(word.substring(DROP_IN.length()));
      else throw UserError.withUsage("serve takes no '" + word + "'");
    }
    Path here = CommandLine.path("conf");
    Optional<Path> guests = given(configuration).or(() -> Files.isDirectory(here) ? Optional.of(here) : besideTheJar("conf")).or(() -> Optional.of(here));
    CountDownLatch signalled = new CountDownLatch(1), stopped = new CountDownLatch(1);
    news.to(line -> System.err.println("lguest: " + line));
    WatchedFolders.watch(guests, given(dropIn).or(() -> besideTheJar("drop-in")), context, news);
    Runtime.getRuntime().addShutdownHook(new Thread(() -> {
      signalled.countDown();
      try {
        stopped.await();
      } catch (InterruptedException e) {
        Thread.currentThread().interrupt();
      }
    }, "stop guests"));
    try {
      signalled.await();
    } finally {
      Launcher launcher = this.launcher;
      if (launcher != null) launcher.guests().forEach(Guest::close);
      stopped.countDown();
    }
    return 0;
  }

  private static Optional<Path> given(Optional<String> directory) throws UserError {
    return directory.isPresent() ? Optional.of(CommandLine.path(directory.get())) : Optional.empty();
  }

  /** A directory of the unpacked distribution, if that is what runs. */
  private Optional<Path> besideTheJar(String name) {
    return Optional.ofNullable(context.getProperty("lguest.home")).map(home -> Path.of(home, name)).filter(Files::isDirectory);
  }

  private int help(List<String> words) throws UserError {
    if (words.size() > 1) throw UserError.withUsage("help takes one command at most");
    System.out.print(words.isEmpty() ? Help.text(options.list(), HelpCommand.names()) : HelpCommand.about(words.getFirst(), Commands.all(), options.list()));
    return 0;
  }

  private static int shortUsage() {
    System.err.print(CommandLine.shortUsage());
    return ERROR;
  }

  private int version() {
    System.out.println("lguest " + context.getBundle().getVersion() + ", Java " + Runtime.version());
    return 0;
  }
}
