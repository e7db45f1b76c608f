package lguest.shell;

import java.util.ArrayList;
import java.util.Hashtable;
import java.util.List;
import lguest.launcher.Launcher;
import lguest.shell.command.Call;
import lguest.shell.command.Command;
import lguest.shell.command.Guests;
import lguest.shell.command.Interrupts;
import lguest.shell.command.News;
import lguest.shell.command.Services;
import lguest.shell.command.Words;
import lguest.shell.device.AddCommand;
import lguest.shell.device.ParkCommand;
import lguest.shell.device.StatCommand;
import lguest.shell.device.SwapCommand;
import lguest.shell.device.TraceCommand;
import lguest.shell.device.TypesCommand;
import lguest.shell.device.WhyCommand;
import lguest.shell.guest.ConsoleCommand;
import lguest.shell.guest.MemoryDumpCommand;
import lguest.shell.guest.PauseCommand;
import lguest.shell.guest.RunCommand;
import lguest.shell.guest.StartCommand;
import lguest.shell.guest.StopCommand;
import lguest.shell.guest.WaitCommand;
import lguest.shell.words.DeviceOption;
import lguest.shell.words.DeviceOptions;
import org.apache.felix.service.command.CommandProcessor;
import org.apache.felix.service.command.Function;
import org.osgi.framework.BundleContext;
import org.osgi.framework.ServiceRegistration;
import org.osgi.service.component.annotations.Activate;
import org.osgi.service.component.annotations.Component;
import org.osgi.service.component.annotations.Deactivate;
import org.osgi.service.component.annotations.Reference;

/**
 * Our commands as Gogo wants them: a {@code Function} service each. They come when Gogo comes, ours or another shell's. A new
 * command is a class and a line in {@link #all}; words, help, completion and usage errors follow from its {@link Words}.
 */
@Component(service = Commands.class, immediate = true)
public final class Commands implements Services {
  private final BundleContext context;
  private final Launcher launcher;
  private final Guests guests;
  private final News news;
  private final DeviceOptions options;
  private final List<ServiceRegistration<Function>> registered = new ArrayList<>();

  @Activate
  public Commands(BundleContext context, @Reference CommandProcessor gogo, @Reference Launcher launcher, @Reference Guests guests,
      @Reference News news, @Reference DeviceOptions options) {
    this.context = context;
    this.launcher = launcher;
    this.guests = guests;
    this.news = news;
    this.options = options;
    for (Command command : all()) register(command);
  }

  /** In the order of help. */
  static List<Command> all() {
    return List.of(
        RunCommand.run(), RunCommand.create(), new StartCommand(), new PauseCommand(), new lguest.shell.guest.ResumeCommand(), StopCommand.stop(),
        StopCommand.kill(), new lguest.shell.guest.ListCommand(), new lguest.shell.guest.InfoCommand(), new ConsoleCommand(),
        new MemoryDumpCommand(), new WaitCommand(),
        new TypesCommand(), new lguest.shell.device.ListCommand(), new lguest.shell.device.InfoCommand(), new SwapCommand(), new AddCommand(),
        new ParkCommand(), new lguest.shell.device.ResumeCommand(), new TraceCommand(), new StatCommand(), new WhyCommand(),
        new HelpCommand(), new QuitCommand());
  }

  private void register(Command command) {
    Words words = command.words();
    Function function = (session, given) -> {
      Call call = Call.parse(this, session, words, given.stream().map(word -> word == null ? "" : word.toString()).toList());
      if (call.has("--help")) call.out().print(words.help(command.moreHelp(options())));
      else Interrupts.of(session).run(() -> command.run(call));
      return null;
    };
    var properties = new Hashtable<String, Object>();
    properties.put(CommandProcessor.COMMAND_SCOPE, words.scope());
    properties.put(CommandProcessor.COMMAND_FUNCTION, words.name());
    registered.add(context.registerService(Function.class, function, properties));
  }

  @Deactivate
  void withdraw() { registered.forEach(ServiceRegistration::unregister); }

  @Override public BundleContext context() { return context; }

  @Override public Launcher launcher() { return launcher; }

  @Override public Guests guests() { return guests; }

  @Override public News news() { return news; }

  @Override public List<DeviceOption> options() { return options.list(); }

  @Override public List<Command> commands() { return all(); }
}
