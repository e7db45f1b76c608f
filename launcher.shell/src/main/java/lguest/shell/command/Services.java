package lguest.shell.command;

import java.util.List;
import lguest.launcher.Launcher;
import lguest.shell.words.DeviceOption;
import org.osgi.framework.BundleContext;

/** What commands work with. */
public interface Services {
  BundleContext context();

  Launcher launcher();

  Guests guests();

  News news();

  /** The device options of the moment. */
  List<DeviceOption> options();

  /** All commands, in the order of help. */
  List<Command> commands();
}
