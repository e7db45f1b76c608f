package lguest.shell;

import java.util.List;
import org.osgi.framework.BundleContext;

final class Prompt {
  Prompt(BundleContext context) {}
  int run(List<String> arguments) throws UserError { throw UserError.of("not yet"); }
}
