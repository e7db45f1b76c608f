package lguest.shell;

import java.util.List;
import java.util.Optional;
import java.util.function.ToIntFunction;
import lguest.launcher.Guest;
import lguest.launcher.GuestEnd;
import lguest.launcher.GuestSpec;
import lguest.launcher.LaunchException;
import lguest.launcher.Launcher;
import lguest.shell.command.Guests;
import lguest.shell.command.LogLines;
import lguest.shell.command.News;
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
    List<String> rest = List.of(arguments).subList(Math.min(arguments.length, 1), arguments.length);
    try {
      return switch (arguments.length == 0 ? "" : arguments[0]) {
        case "" -> shortUsage();
        case "help", "--help", "-h" -> help(rest);
        case "version", "--version" -> version();
        case "shell" -> shell(rest);
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
    Optional<String> script = Optional.empty();
    for (int i = 0; i < words.size(); i++) {
      if (!words.get(i).equals("-c")) throw UserError.withUsage("shell takes no '" + words.get(i) + "'");
      if (++i == words.size()) throw UserError.withUsage("option -c needs a value");
      script = Optional.of(words.get(i));
    }
    Completion.World world = new Completion.World() {
      @Override public List<DeviceOption> options() { return options.list(); }

      @Override public Optional<Launcher> launcher() { return Optional.ofNullable(launcher); }
    };
    try {
      return new Prompt(context, new Completion(world, Commands.all()), news).run(script);
    } finally {
      world.guests().forEach(Guest::close);
    }
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
