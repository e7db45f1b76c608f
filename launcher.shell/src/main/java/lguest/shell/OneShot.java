package lguest.shell;

import java.util.List;
import java.util.function.ToIntFunction;
import lguest.launcher.Guest;
import lguest.launcher.GuestEnd;
import lguest.launcher.GuestSpec;
import lguest.launcher.LaunchException;
import lguest.launcher.Launcher;
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
  @Reference(cardinality = ReferenceCardinality.OPTIONAL, policy = ReferencePolicy.DYNAMIC, policyOption = ReferencePolicyOption.GREEDY)
  volatile Launcher launcher;

  @Activate
  public OneShot(BundleContext context, @Reference DeviceOptions options) {
    this.context = context;
    this.options = options;
  }

  @Override public int applyAsInt(String[] arguments) {
    try {
      return switch (arguments.length == 0 ? "" : arguments[0]) {
        case "help", "--help", "-h" -> help();
        case "version", "--version" -> version();
        case "shell" -> shell(arguments.length - 1);
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
      if (line.stats()) System.err.println("lguest: " + stats(guest));
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

  /** One line of figures, also read by cnf/bench. */
  static String stats(Guest guest) {
    double seconds = guest.processorTime().toNanos() / 1e9;
    Long inside = guest.statistics().get("guest_nanos"); // there when the Host was asked to measure it
    return "%d instructions, %.3f s of processor time, %.3f s in all, %.1f million instructions/s".formatted(
        guest.instructions(), seconds, guest.uptime().toNanos() / 1e9, guest.instructions() / Math.max(seconds, 1e-6) / 1e6)
        + (inside == null ? "" : ", %.3f s inside the guest".formatted(inside / 1e9));
  }

  private int shell(int words) throws UserError {
    if (words > 0) throw UserError.withUsage("shell takes no arguments");
    GuestCompleter.World world = new GuestCompleter.World() {
      @Override public List<DeviceOption> options() { return options.list(); }

      @Override public List<Guest> guests() { return launcher == null ? List.of() : launcher.guests(); }
    };
    try {
      return new Prompt(context, new GuestCompleter(world)).run();
    } finally {
      world.guests().forEach(Guest::close);
    }
  }

  private int help() {
    System.out.print(Help.text(options.list()));
    return 0;
  }

  private int version() {
    System.out.println("lguest " + context.getBundle().getVersion() + ", Java " + Runtime.version());
    return 0;
  }
}
