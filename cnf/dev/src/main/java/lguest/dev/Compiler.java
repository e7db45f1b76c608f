package lguest.dev;

import java.io.ByteArrayOutputStream;
import java.io.IOException;
import java.io.OutputStream;
import java.net.URI;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Collection;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.SortedMap;
import java.util.TreeMap;
import javax.tools.Diagnostic;
import javax.tools.DiagnosticCollector;
import javax.tools.FileObject;
import javax.tools.ForwardingJavaFileManager;
import javax.tools.JavaCompiler;
import javax.tools.JavaFileManager;
import javax.tools.JavaFileObject;
import javax.tools.SimpleJavaFileObject;
import javax.tools.StandardJavaFileManager;
import javax.tools.StandardLocation;
import javax.tools.ToolProvider;

/**
 * The JDK's compiler, in process and kept warm: from texts to classes, in memory. A device is a handful of files, so all of them are compiled each time: what takes long is to start
 * and to read the class path, and that is done once. One thread at a time.
 */
final class Compiler implements AutoCloseable {
  private static final List<String> OPTIONS = List.of("-proc:none", "-g", "-Xlint:all,-options,-classfile,-restricted", "-implicit:none");

  /** What came of it: classes by path, none when there are errors; and what the compiler had to say. */
  record Outcome(SortedMap<String, byte[]> classes, List<String> errors, List<String> warnings) {}

  private final JavaCompiler javac;
  private final StandardJavaFileManager files;

  Compiler(Collection<Path> classPath) throws UserError, IOException {
    javac = ToolProvider.getSystemJavaCompiler();
    if (javac == null) throw new UserError("this Java (" + System.getProperty("java.home") + ") has no compiler: install a JDK, or set LGUEST_JAVA_HOME to one");
    files = javac.getStandardFileManager(null, Locale.ROOT, null);
    files.setLocationFromPaths(StandardLocation.CLASS_PATH, classPath);
  }

  /** @param folder what the paths in messages begin with */
  Outcome compile(Path folder, Map<String, String> sources) throws IOException {
    SortedMap<String, byte[]> classes = new TreeMap<>();
    DiagnosticCollector<JavaFileObject> said = new DiagnosticCollector<>();
    List<JavaFileObject> units = new ArrayList<>();
    sources.forEach((path, text) -> units.add(new Source(path, text)));
    boolean fine = units.isEmpty() || javac.getTask(null, new InMemory(files, classes), said, OPTIONS, null, units).call();
    List<String> errors = new ArrayList<>(), warnings = new ArrayList<>();
    for (Diagnostic<? extends JavaFileObject> diagnostic : said.getDiagnostics()) (diagnostic.getKind() == Diagnostic.Kind.ERROR ? errors : warnings).add(line(folder, diagnostic));
    if (!fine && errors.isEmpty()) errors.add("the compiler failed, and did not say why");
    return new Outcome(fine ? classes : new TreeMap<>(), errors, warnings);
  }

  private static String line(Path folder, Diagnostic<? extends JavaFileObject> diagnostic) {
    // The rest of a message is detail for those who ask; the first two lines say what and of what.
    String message = String.join(" ", diagnostic.getMessage(Locale.ROOT).lines().map(String::strip).limit(3).toList());
    if (!(diagnostic.getSource() instanceof Source source)) return message;
    return folder.resolve(source.path) + ":" + diagnostic.getLineNumber() + ": " + message;
  }

  @Override public void close() throws IOException { files.close(); }

  private static final class Source extends SimpleJavaFileObject {
    private final String path, text;

    Source(String path, String text) {
      super(URI.create("saved:///" + path.replace(" ", "%20")), Kind.SOURCE);
      this.path = path;
      this.text = text;
    }

    @Override public CharSequence getCharContent(boolean ignoreEncodingErrors) { return text; }
  }

  private static final class InMemory extends ForwardingJavaFileManager<JavaFileManager> {
    private final Map<String, byte[]> classes;

    InMemory(JavaFileManager files, Map<String, byte[]> classes) {
      super(files);
      this.classes = classes;
    }

    @Override public JavaFileObject getJavaFileForOutput(Location location, String name, JavaFileObject.Kind kind, FileObject sibling) {
      String path = name.replace('.', '/') + kind.extension;
      return new SimpleJavaFileObject(URI.create("made:///" + path), kind) {
        @Override public OutputStream openOutputStream() {
          return new ByteArrayOutputStream() {
            @Override public void close() { classes.put(path, toByteArray()); }
          };
        }
      };
    }

    // Kept for the next time.
    @Override public void close() {}
  }
}
