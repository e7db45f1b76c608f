package lguest.shell;

import java.io.PrintStream;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.concurrent.atomic.AtomicReference;
import java.util.function.Consumer;
import lguest.launcher.DeviceSlot;
import lguest.launcher.Guest;
import lguest.launcher.GuestEnd;
import lguest.launcher.GuestSpec;
import lguest.launcher.LaunchException;
import lguest.launcher.Launcher;
import org.apache.felix.service.command.CommandSession;
import org.jline.terminal.Terminal;
import org.osgi.framework.BundleContext;
import org.osgi.service.component.annotations.Activate;
import org.osgi.service.component.annotations.Component;
import org.osgi.service.component.annotations.Reference;

/**
 * The commands about guests. Every one takes its words as they are and reads them itself: left to Gogo, a word too many would
 * be answered with the signature of a Java method.
 */
@Component(service = GuestCommands.class, property = {"osgi.command.scope=" + GuestCommands.SCOPE,
    "osgi.command.function=boot", "osgi.command.function=list", "osgi.command.function=attach", "osgi.command.function=stop",
        "osgi.command.function=devices",
    "osgi.command.function=statistics", "osgi.command.function=help", "osgi.command.function=quit"})
public final class GuestCommands {
  static final String SCOPE = "guest";

  private final BundleContext context;
  private final Launcher launcher;
  private final DeviceOptions options;

  @Activate
  public GuestCommands(BundleContext context, @Reference Launcher launcher, @Reference DeviceOptions options) {
    this.context = context;
    this.launcher = launcher;
    this.options = options;
  }

  /** Boots a guest by the arguments of the command line. */
  public void boot(CommandSession session, String... words) throws UserError, LaunchException {
    CommandLine line = CommandLine.parse(List.of(words), options.list());
    GuestSpec spec = line.isDemo() ? line.demo(Demo.image(context)) : line.guest();
    Consumer<String> news = news(session);
    AtomicReference<String> name = new AtomicReference<>("lguest");
    Guest guest = launcher.create(spec, new LogLines(() -> name.get() + ": ", line.verbose(), news));
    name.set(guest.name());
    guest.start();
    Thread.ofVirtual().name("end of " + guest.name()).start(() -> {
      try {
        GuestEnd end = guest.await();
        // Who stops a guest here is told by the command that did it.
        if (line.stats()) news.accept(guest.name() + ": " + OneShot.stats(guest));
        if (end.kind() != GuestEnd.Kind.STOPPED) news.accept(guest.name() + ": " + ending(end));
      } catch (InterruptedException e) {
        Thread.currentThread().interrupt();
      }
    });
    session.getConsole().println(guest.name() + " is running; 'attach " + guest.name() + "' shows its console");
  }

  /** Lists the guests. */
  public void list(CommandSession session, String... words) throws UserError {
    none("list", words);
    List<String[]> rows = new ArrayList<>();
    rows.add(new String[] {"NAME", "STATE", "MEMORY", "UP", "INSTRUCTIONS", "IMAGE"});
    for (Guest guest : launcher.guests()) {
      String state = guest.end().map(GuestCommands::ending).orElse(guest.state() == Guest.State.READY ? "ready" : "running");
      rows.add(new String[] {guest.name(), state, MemorySize.format(guest.spec().memory()), time(guest.uptime()),
          "%,d".formatted(guest.instructions()),
          guest.spec().image().getFileName().toString()});
    }
    table(session.getConsole(), rows);
  }

  /** Gives a guest's console the terminal. */
  public void attach(CommandSession session, String... words) throws Exception {
    Guest guest = guest("attach", words);
    if (!(session.get(Prompt.TERMINAL) instanceof Terminal terminal))
      throw UserError.of("attach needs a terminal, and there is none here");
    ConsoleView.show(guest, terminal);
    // All other ends are news, told already.
    guest.end().filter(end -> end.kind() == GuestEnd.Kind.STOPPED)
        .ifPresent(end -> session.getConsole().println(guest.name() + ": " + ending(end)));
  }

  /** Stops a guest, or forgets one that has ended. */
  public void stop(CommandSession session, String... words) throws UserError {
    Guest guest = guest("stop", words);
    String done = guest.state() == Guest.State.ENDED ? " is forgotten" : " has been stopped";
    guest.close();
    session.getConsole().println(guest.name() + done);
  }

  /** Shows a guest's device slots. */
  public void devices(CommandSession session, String... words) throws UserError {
    List<String[]> rows = new ArrayList<>();
    rows.add(new String[] {"SLOT", "TYPE", "STATE", "ARGUMENT", "COUNTERS"});
    for (DeviceSlot slot : guest("devices", words).slots()) {
      String state = slot.state().name().toLowerCase() + slot.reason().map(reason -> ": " + reason).orElse("");
      rows.add(new String[] {"" + slot.index(), slot.type(), state, slot.argument(), pairs(slot.counters())});
    }
    table(session.getConsole(), rows);
  }

  /** Shows what a guest's Host has counted. */
  public void statistics(CommandSession session, String... words) throws UserError {
    List<String[]> rows = new ArrayList<>();
    guest("statistics", words).statistics().forEach((name, value) -> rows.add(new String[] {name, "%,d".formatted(value)}));
    table(session.getConsole(), rows);
  }

  /** Tells about the commands, or about one. */
  public void help(CommandSession session, String... words) throws UserError {
    if (words.length > 1) throw UserError.of("help takes one command at most");
    session.getConsole().print(words.length == 0 ? CommandHelp.all() : CommandHelp.of(words[0], options.list()));
  }

  /** Stops all guests and leaves. */
  public void quit(CommandSession session, String... words) throws UserError {
    none("quit", words);
    throw new Prompt.Quit();
  }

  private Guest guest(String command, String... words) throws UserError {
    if (words.length > 1) throw UserError.of(command + " takes one guest, not " + words.length + ": " + command + " <guest>");
    List<Guest> guests = launcher.guests();
    // With one guest there is nothing to choose.
    if (words.length == 0 && guests.size() == 1) return guests.getFirst();
    if (guests.isEmpty()) throw UserError.of("there is no guest: boot one first");
    String names = String.join(", ", guests.stream().map(Guest::name).toList());
    if (words.length == 0) throw UserError.of(command + " which guest? There are: " + names);
    return launcher.find(words[0]).orElseThrow(() -> UserError.of("there is no guest '" + words[0] + "'; there are: " + names));
  }

  private static void none(String command, String... words) throws UserError {
    if (words.length > 0) throw UserError.of(command + " takes no arguments");
  }

  @SuppressWarnings("unchecked")
  private static Consumer<String> news(CommandSession session) {
    return session.get(Prompt.NEWS) instanceof Consumer<?> news ? (Consumer<String>) news : session.getConsole()::println;
  }

  static String ending(GuestEnd end) {
    return switch (end.kind()) {
      case POWER_OFF -> "off";
      case STOPPED -> "stopped";
      case DIED -> "died: " + end.reason();
      case FAILED -> "failed: " + end.reason();
    };
  }

  private static String time(Duration up) { return "%d:%02d:%02d".formatted(up.toHours(), up.toMinutesPart(), up.toSecondsPart()); }

  private static String pairs(Map<String, Long> counters) {
    return String.join(" ", counters.entrySet().stream().map(counter -> counter.getKey() + "=" + counter.getValue()).toList());
  }

  private static void table(PrintStream out, List<String[]> rows) {
    int[] widths = new int[rows.isEmpty() ? 0 : rows.getFirst().length];
    for (String[] row : rows) for (int i = 0; i < row.length; i++) widths[i] = Math.max(widths[i], row[i].length());
    for (String[] row : rows) {
      StringBuilder line = new StringBuilder();
      for (int i = 0; i < row.length; i++) line.append(row[i]).repeat(" ", widths[i] + 2 - row[i].length());
      out.println(line.toString().stripTrailing());
    }
  }
}
