package lguest.dev.starter;

import java.io.IOException;
import java.nio.file.Path;
import java.util.function.ToIntFunction;
import lguest.dev.UserError;
import org.osgi.framework.BundleContext;
import org.osgi.service.component.annotations.Activate;
import org.osgi.service.component.annotations.Component;

/** {@code lguest new-device}: a folder with a device that builds, passes its tests and does something to begin with. */
@Component(service = ToIntFunction.class, property = "lguest.command=new-device")
public final class NewDevice implements ToIntFunction<String[]> {
  private static final String USAGE = "usage: lguest new-device <name> <package>, such as: lguest new-device lamp org.example.lamp";

  private final BundleContext context;

  @Activate
  public NewDevice(BundleContext context) { this.context = context; }

  @Override public int applyAsInt(String[] arguments) {
    try {
      if (arguments.length != 3) throw new UserError("new-device takes a name and a package; " + USAGE);
      Wish wish = Wish.of(arguments[1], arguments[2]);
      new Starter(context.getBundle()).make(wish, Path.of("").toAbsolutePath());
      System.out.printf("""
          Made %1$s: the device type '%1$s', which answers in capitals.

            mvn -f %1$s verify                       builds %1$s/target/%1$s-1.0.0.jar and tests it
            ./lguest dev %1$s -- --%1$s demo          boots a guest with it; what you save is live at once.
                                                    In the guest: device 0 ask hello
          cnf/guide.md tells all of it, step by step.
          """, wish.name());
      return 0;
    } catch (UserError e) {
      System.err.println("lguest: " + e.getMessage());
    } catch (IOException e) {
      System.err.println("lguest: cannot write the new device: " + e.getMessage());
    }
    return 1;
  }
}
