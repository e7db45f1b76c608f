package lguest.dev;

import java.io.IOException;
import java.io.InputStream;
import java.nio.file.Files;
import java.nio.file.InvalidPathException;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Collections;
import java.util.List;
import java.util.function.Consumer;
import java.util.function.ToIntFunction;
import org.osgi.framework.BundleContext;
import org.osgi.framework.InvalidSyntaxException;
import org.osgi.framework.ServiceReference;
import org.osgi.service.component.annotations.Activate;
import org.osgi.service.component.annotations.Component;

/** {@code lguest dev}: a platform with a prompt, and the {@link Loop} beside it. */
@Component(service = ToIntFunction.class, property = "lguest.command=dev")
public final class Dev implements ToIntFunction<String[]> {
  private static final String USAGE = """
      usage: lguest dev [folder...]                         a prompt, and what you save in the folders is live at once
             lguest dev [folder...] -- [options] demo ...   the same with a guest on this terminal, by lguest's own command line
             lguest dev --into=<folder> [folder...]         neither: bundles go to that folder, for another platform to take
             lguest dev --measure[=<times>]                 how long it takes on this machine from a save to a live device
      A folder is a device's (as lguest new-device makes it), or has such folders in it, or is for finished jars.
      Without one: the folder you are in, and what is put into its folder drop-in.
        --classpath=<jar>[:<jar>]...   more to compile against than the device API
      """;

  private final BundleContext context;

  @Activate
  public Dev(BundleContext context) { this.context = context; }

  @Override public int applyAsInt(String[] arguments) {
    try {
      return run(List.of(arguments).subList(1, arguments.length));
    } catch (UserError e) {
      System.err.println("lguest: " + e.getMessage());
    } catch (IOException e) {
      System.err.println("lguest: " + e.getMessage());
    } catch (InterruptedException e) {
      System.err.println("lguest: interrupted");
    } catch (Exception e) {
      throw new IllegalStateException(e);
    }
    return 1;
  }

  private int run(List<String> arguments) throws Exception {
    List<Path> folders = new ArrayList<>(), classPath = new ArrayList<>(carried());
    Path into = null;
    int end = arguments.indexOf("--");
    List<String> guest = end < 0 ? List.of("shell") : arguments.subList(end + 1, arguments.size());
    for (String argument : end < 0 ? arguments : arguments.subList(0, end)) {
      if (argument.equals("--help") || argument.equals("-h")) {
        System.out.print(USAGE);
        return 0;
      }
      if (argument.matches("--measure(=[1-9][0-9]{0,5})?"))
        return new Measure(context, classPath).run(argument.contains("=") ? Integer.parseInt(argument.substring("--measure=".length())) : 50);
      if (argument.startsWith("--into=")) into = folder(argument.substring("--into=".length()));
      else if (argument.startsWith("--classpath=")) for (String jar : argument.substring("--classpath=".length()).split(java.io.File.pathSeparator)) classPath.add(file(jar));
      else if (argument.startsWith("-")) throw new UserError("unknown option " + argument + " of dev; lguest dev --help tells those there are");
      else folders.add(path(argument));
    }
    Live live = new Live(context);
    Target target = into == null ? live : new IntoFolder(into);
    // The prompt shows news beside what is being typed; a guest that has the terminal knows nothing of them.
    Consumer<String> tell = end < 0 && into == null ? this::news : Dev::tell;
    try (Loop loop = new Loop(target, classPath, tell, round -> {})) {
      if (folders.isEmpty()) loop.addHere(Path.of(""));
      else for (Path folder : folders) loop.add(folder);
      System.err.println("dev: " + loop.watched());
      loop.begin();
      if (into != null) {
        loop.run();
        return 0;
      }
      Thread thread = Thread.ofPlatform().daemon().name("development loop").start(loop::run);
      int status = launcher(guest);
      thread.interrupt();
      return status;
    }
  }

  /** What a device is compiled against, out of this bundle: the API, and the annotations. */
  private List<Path> carried() throws IOException {
    List<Path> jars = new ArrayList<>();
    Path folder = Files.createDirectories(context.getDataFile("classpath").toPath());
    for (String name : List.of("launcher.core", "osgi.core", "osgi.annotation", "org.osgi.service.component.annotations")) {
      Path jar = folder.resolve(name + ".jar");
      try (InputStream in = context.getBundle().getEntry("lib/" + name + ".jar").openStream()) { Files.copy(in, jar); }
      jars.add(jar);
    }
    return jars;
  }

  @SuppressWarnings({"rawtypes", "unchecked"})
  private int launcher(List<String> arguments) throws UserError, InvalidSyntaxException {
    for (ServiceReference<ToIntFunction> reference : context.getServiceReferences(ToIntFunction.class, "(lguest.main=true)"))
      return context.getService(reference).applyAsInt(arguments.toArray(String[]::new));
    throw new UserError("there is no command line: the bundle launcher.shell is missing");
  }

  /** To whoever shows news beside the prompt, else to the terminal. */
  @SuppressWarnings({"rawtypes", "unchecked"})
  private void news(String line) {
    try {
      for (ServiceReference<Consumer> reference : context.getServiceReferences(Consumer.class, "(lguest.news=true)")) {
        context.getService(reference).accept(line);
        return;
      }
    } catch (InvalidSyntaxException e) {
      throw new IllegalStateException(e);
    }
    tell(line);
  }

  /** To the terminal. A guest's is raw: there a line's end does not bring the cursor back to the left by itself. */
  private static void tell(String line) {
    System.err.print(System.console() != null && System.console().isTerminal() ? "\r" + line.replace("\n", "\r\n") + "\r\n" : line + "\n");
  }

  private static Path path(String name) throws UserError {
    try {
      return Path.of(name);
    } catch (InvalidPathException e) {
      throw new UserError("'" + name.replaceAll("\\p{Cntrl}", "?") + "' cannot be a file name: " + e.getReason());
    }
  }

  private static Path folder(String name) throws UserError {
    if (!Files.isDirectory(path(name))) throw new UserError("there is no folder '" + name + "' to put jars into");
    return path(name);
  }

  private static Path file(String name) throws UserError {
    if (!Files.isReadable(path(name))) throw new UserError("there is no jar '" + name + "' to compile against");
    return path(name).toAbsolutePath();
  }
}
