package lguest.dev;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.attribute.FileTime;
import java.util.ArrayList;
import java.util.Collection;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.TreeMap;
import java.util.function.Consumer;
import java.util.stream.Stream;
import java.util.zip.ZipException;
import java.util.zip.ZipFile;

/**
 * From a saved file to a living device, again and again. What fails is told in a line, with file and line number where there is one, and whatever was live stays live.
 */
final class Loop implements AutoCloseable {
  /** A folder of this name, where the loop was started, is for finished jars. */
  static final String DROP_IN = "drop-in";
  /** After something did not compile: perhaps the editor was not done. */
  private static final long SECOND_THOUGHTS_MILLIS = 120;
  /** A time of saving longer ago than this is not when somebody saved just now. */
  private static final long RECENT_MILLIS = 5000;
  private static final int WARM = 3;

  /** One save, from the file's time to the slot's; all in milliseconds. */
  record Round(String project, boolean live, double total, double compiling, double bundling, double exchanging) {}

  private static final class Known {
    Project.Content content;
    /** The symbolic name, once there is a bundle of it. */
    String bundle;
    boolean broken;
  }

  private final Target target;
  private final Consumer<String> tell;
  private final Consumer<Round> done;
  private final Watch watch = new Watch();
  private final Compiler compiler;
  private final Bundler bundler;
  private final Map<Path, Known> projects = new LinkedHashMap<>();
  private final List<Path> parents = new ArrayList<>(), jarFolders = new ArrayList<>();
  /** Finished jars, and the bundle each was. */
  private final Map<Path, String> jars = new TreeMap<>();

  Loop(Target target, Collection<Path> classPath, Consumer<String> tell, Consumer<Round> done) throws UserError, IOException {
    this.target = target;
    this.tell = tell;
    this.done = done;
    compiler = new Compiler(classPath);
    bundler = new Bundler(classPath);
  }

  // What is watched.

  /** A folder the user has named: a project, a folder of projects, or one for finished jars. */
  void add(Path named) throws UserError, IOException {
    Path folder = named.toAbsolutePath().normalize();
    if (!Files.isDirectory(folder)) throw new UserError("there is no folder '" + named + "' to watch");
    if (Project.isOne(folder)) addProject(folder);
    else if (!addChildren(folder)) addJars(folder);
  }

  /** Where the user is: projects there, and those that come; and {@link #DROP_IN}, when it is there or comes. */
  void addHere(Path here) throws IOException {
    Path folder = here.toAbsolutePath().normalize();
    if (Project.isOne(folder)) {
      addProject(folder);
      return;
    }
    addChildren(folder);
    if (!parents.contains(folder)) parents.add(folder);
    watch.add(folder, false);
    if (Files.isDirectory(folder.resolve(DROP_IN))) addJars(folder.resolve(DROP_IN));
  }

  private boolean addChildren(Path folder) throws IOException {
    boolean any = false;
    try (Stream<Path> children = Files.list(folder)) {
      for (Path child : children.sorted().toList())
        if (Project.isOne(child) && new Project(child).hasDevice()) {
          addProject(child);
          any = true;
        }
    }
    if (any) {
      parents.add(folder);
      watch.add(folder, false);
    }
    return any;
  }

  private void addProject(Path folder) throws IOException {
    if (projects.putIfAbsent(folder, new Known()) != null) return;
    watch.add(folder, false);
    watch.add(folder.resolve("src"), true);
  }

  private void addJars(Path folder) throws IOException {
    if (jarFolders.contains(folder)) return;
    jarFolders.add(folder);
    watch.add(folder, false);
  }

  /** What is watched, for people. */
  String watched() {
    List<String> names = new ArrayList<>();
    for (Path folder : projects.keySet()) names.add(shown(folder));
    for (Path folder : jarFolders) names.add(shown(folder) + " for finished jars");
    if (names.isEmpty()) return "nothing to watch yet: make a device here with lguest new-device <name> <package>, or a folder " + DROP_IN + " and put jars there";
    return "watching " + String.join(", ", names);
  }

  private static String shown(Path path) {
    Path here = Path.of("").toAbsolutePath();
    return (path.startsWith(here) && !path.equals(here) ? here.relativize(path) : path).toString();
  }

  // The loop.

  /** Builds what is there. */
  void begin() throws InterruptedException, IOException {
    for (Path folder : List.copyOf(projects.keySet())) begin(folder);
    for (Path folder : List.copyOf(jarFolders)) lookAtJars(folder);
  }

  /** After {@link #begin}: goes on until it is closed. */
  void run() {
    try {
      for (Path folder : List.copyOf(projects.keySet())) warm(folder);
      for (Set<Path> changed; (changed = watch.next()) != null;) {
        try {
          changed(changed);
        } catch (IOException | RuntimeException e) {
          tell.accept("dev: " + (e instanceof IOException ? e.getMessage() : e.toString()));
        }
      }
    } catch (InterruptedException e) {
      // The end.
    } catch (IOException e) {
      tell.accept("dev: cannot watch any more: " + e.getMessage());
    }
  }

  private void begin(Path folder) throws InterruptedException, IOException {
    Known known = projects.get(folder);
    try {
      build(new Project(folder), known, System.currentTimeMillis(), true);
    } catch (IOException | RuntimeException e) {
      tell.accept("dev: " + folder.getFileName() + ": " + e);
    }
  }

  /** The compiler is slow the first times, and the user is to notice nothing of that. */
  private void warm(Path folder) throws InterruptedException {
    Project.Content content = projects.get(folder).content;
    try {
      for (int i = 0; i < WARM && content != null; i++) {
        Compiler.Outcome compiled = compiler.compile(folder, content.sources());
        if (compiled.errors().isEmpty()) bundler.bundle(new Project(folder), content, compiled.classes());
      }
    } catch (InterruptedException e) {
      throw e;
    } catch (Exception e) {
      // What is wrong was told when it was built.
    }
  }

  private void changed(Set<Path> paths) throws InterruptedException, IOException {
    for (Path path : paths) {
      Path parent = path.getParent();
      if (parents.contains(parent) && path.getFileName().toString().equals(DROP_IN) && Files.isDirectory(path) && !jarFolders.contains(path)) {
        addJars(path);
        tell.accept("dev: watching " + shown(path) + " for finished jars");
        lookAtJars(path);
      }
      if (jarFolders.contains(parent)) lookAtJar(path);
      if (jarFolders.contains(path)) lookAtJars(path);
    }
    for (Path parent : parents) if (paths.stream().anyMatch(path -> path.startsWith(parent))) lookForProjects(parent, paths);
    for (Map.Entry<Path, Known> entry : List.copyOf(projects.entrySet())) {
      Path folder = entry.getKey();
      if (paths.stream().noneMatch(path -> path.startsWith(folder))) continue;
      if (!Project.isOne(folder)) {
        if (!Files.isDirectory(folder)) forget(folder, entry.getValue());
        continue;
      }
      // A source folder that was deleted and made anew is another one to the kernel.
      watch.add(folder.resolve("src"), true);
      build(new Project(folder), entry.getValue(), savedAt(folder, paths), false);
    }
  }

  /** A project that has just been made is seen in pieces: it is taken when the pieces are a whole. */
  private void lookForProjects(Path parent, Set<Path> paths) throws IOException, InterruptedException {
    for (Path path : paths) {
      if (!path.startsWith(parent) || path.equals(parent)) continue;
      Path child = parent.resolve(parent.relativize(path).getName(0));
      if (projects.containsKey(child) || jarFolders.contains(child) || !Files.isDirectory(child) || Project.isEditors(child.getFileName().toString())) continue;
      if (Project.isOne(child) && new Project(child).hasDevice()) {
        addProject(child);
        tell.accept("dev: watching " + shown(child));
        begin(child);
      } else {
        watch.add(child, true);
      }
    }
  }

  private static long savedAt(Path folder, Set<Path> paths) {
    long now = System.currentTimeMillis(), latest = 0;
    for (Path path : paths) {
      if (!path.startsWith(folder)) continue;
      try {
        FileTime time = Files.getLastModifiedTime(path);
        latest = Math.max(latest, time.toMillis());
      } catch (IOException e) {
        // Deleted.
      }
    }
    return latest > now || latest < now - RECENT_MILLIS ? now : latest;
  }

  private void forget(Path folder, Known known) throws IOException {
    projects.remove(folder);
    if (known.bundle != null) target.remove(known.bundle);
    tell.accept("dev: " + folder.getFileName() + ": its folder is gone, and its device with it");
  }

  private void build(Project project, Known known, long savedAt, boolean first) throws InterruptedException, IOException {
    Project.Content content = project.read();
    if (content.equals(known.content)) return;
    long start = System.nanoTime();
    Compiler.Outcome compiled = compiler.compile(project.java(), content.sources());
    if (!compiled.errors().isEmpty()) {
      // Perhaps this was half a file. Whoever comes back to it here would come back by an event anyway.
      Thread.sleep(first ? 0 : SECOND_THOUGHTS_MILLIS);
      if (!project.read().equals(content)) {
        build(project, known, savedAt, first);
        return;
      }
      known.content = content;
      known.broken = true;
      List<String> errors = compiled.errors().stream().map(Loop::relative).toList();
      tell.accept("dev: " + project.name() + " does not compile" + (known.bundle == null ? "" : "; the version before goes on") + ":\n  " + String.join("\n  ", errors));
      done.accept(new Round(project.name(), false, 0, 0, 0, 0));
      return;
    }
    known.content = content;
    long afterCompiling = System.nanoTime();
    Bundler.Outcome bundle;
    try {
      bundle = bundler.bundle(project, content, compiled.classes());
    } catch (Exception e) {
      bundle = new Bundler.Outcome(null, List.of(String.valueOf(e.getMessage())));
    }
    if (!bundle.errors().isEmpty()) {
      known.broken = true;
      tell.accept("dev: " + project.name() + " cannot be bundled" + (known.bundle == null ? "" : "; the version before goes on") + ":\n  " + String.join("\n  ", bundle.errors()));
      done.accept(new Round(project.name(), false, 0, 0, 0, 0));
      return;
    }
    long afterBundling = System.nanoTime();
    String name = Live.symbolicName(bundle.jar());
    if (first && target.has(name)) {
      // The platform's own, and nobody has changed anything yet.
      known.bundle = name;
      return;
    }
    Target.Outcome outcome = target.put(bundle.jar());
    if (known.bundle != null && !known.bundle.equals(name)) target.remove(known.bundle);
    if (target.has(name)) known.bundle = name;
    known.broken = !outcome.live();
    long end = System.nanoTime();
    double total = System.currentTimeMillis() - savedAt;
    Round round = new Round(project.name(), outcome.live(), total, millis(start, afterCompiling), millis(afterCompiling, afterBundling), millis(afterBundling, end));
    for (String warning : compiled.warnings()) tell.accept("dev: " + relative(warning));
    if (first) tell.accept("dev: " + project.name() + ": " + outcome.words());
    else tell.accept(outcome.live() ? "dev: %s: %s, %.0f ms after it was saved (compiled in %.0f, bundled in %.0f, exchanged in %.0f)"
        .formatted(project.name(), outcome.words(), total, round.compiling(), round.bundling(), round.exchanging()) : "dev: " + project.name() + ": " + outcome.words());
    done.accept(round);
  }

  private static String relative(String line) {
    String here = Path.of("").toAbsolutePath() + "/";
    return line.startsWith(here) ? line.substring(here.length()) : line;
  }

  private static double millis(long from, long to) { return (to - from) / 1e6; }

  // Finished jars.

  private void lookAtJars(Path folder) throws IOException {
    List<Path> all = new ArrayList<>(jars.keySet().stream().filter(jar -> jar.getParent().equals(folder)).toList());
    if (Files.isDirectory(folder)) try (Stream<Path> files = Files.list(folder)) { files.filter(file -> !all.contains(file)).forEach(all::add); }
    for (Path jar : all) lookAtJar(jar);
  }

  private void lookAtJar(Path jar) throws IOException {
    if (!jar.getFileName().toString().endsWith(".jar") || Project.isEditors(jar.getFileName().toString())) return;
    if (!Files.exists(jar)) {
      String bundle = jars.remove(jar);
      // A jar of the same bundle under another name may have come before this one went.
      if (bundle == null || jars.containsValue(bundle)) return;
      target.remove(bundle);
      tell.accept("dev: " + jar.getFileName() + " is gone, and its device with it");
      return;
    }
    byte[] bytes;
    try (ZipFile whole = new ZipFile(jar.toFile())) {
      // A jar's table of contents is at its end: where it can be read, the jar is all there.
      bytes = Files.readAllBytes(jar);
    } catch (ZipException e) {
      tell.accept("dev: " + jar.getFileName() + " is not a whole jar yet; I look again when it changes");
      return;
    }
    long start = System.nanoTime();
    try {
      Target.Outcome outcome = target.put(bytes);
      if (target.has(Live.symbolicName(bytes))) jars.put(jar, Live.symbolicName(bytes));
      tell.accept("dev: " + jar.getFileName() + ": " + outcome.words() + (outcome.live() ? ", in %.0f ms".formatted(millis(start, System.nanoTime())) : ""));
    } catch (IOException e) {
      tell.accept("dev: " + jar.getFileName() + " cannot be used: " + e.getMessage());
    }
  }

  @Override public void close() throws IOException {
    watch.close();
    compiler.close();
  }
}
