package lguest.app;

import java.io.File;
import java.io.FileInputStream;
import java.io.IOException;
import java.io.InputStream;
import java.lang.reflect.Proxy;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Properties;

/** {@code java -jar lguest.jar} on an old Java: finds a new enough one on this machine and goes on there. Java 8 byte code. */
final class ReExec {
  private ReExec() {}

  static int onNewerJava(int have, String[] args) throws Exception {
    for (File home : homes()) {
      File java = new File(home, "bin/java");
      if (!java.canExecute() || version(home) < Main.NEEDED) continue;
      List<String> command = new ArrayList<String>(Arrays.asList(java.getPath(), "--sun-misc-unsafe-memory-access=allow",
          "-XX:+UseSerialGC", "-XX:-UsePerfData", "-XX:MetaspaceSize=192m", "-Xmn24m", "-Djdk.reflect.useNativeAccessorOnly=true",
          "-jar", new File(Main.class.getProtectionDomain().getCodeSource().getLocation().toURI()).getPath()));
      command.addAll(Arrays.asList(args));
      outliveInterrupts();
      final Process child = new ProcessBuilder(command).inheritIO().start();
      // A hang-up or TERM that comes here must not leave the guest behind.
      Runtime.getRuntime().addShutdownHook(new Thread(new Runnable() {
        @Override public void run() {
          child.destroy();
          try { child.waitFor(); } catch (InterruptedException e) { Thread.currentThread().interrupt(); }
        }
      }));
      return child.waitFor();
    }
    System.err.println("lguest: needs Java " + Main.NEEDED + " or newer, this is Java " + have + " (" + System.getProperty("java.home")
        + "): install a JDK " + Main.NEEDED + " or set LGUEST_JAVA_HOME to one");
    return 1;
  }

  private static List<File> homes() {
    List<File> homes = new ArrayList<File>();
    for (String name : new String[] {"LGUEST_JAVA_HOME", "JAVA_HOME", "JDK_HOME"})
      if (System.getenv(name) != null) homes.add(new File(System.getenv(name)));
    String user = System.getProperty("user.home");
    for (String place : new String[] {"/usr/lib/jvm", "/opt/java", "/opt", user + "/.sdkman/candidates/java", user + "/.jdks"}) {
      File[] found = new File(place).listFiles();
      if (found == null) continue;
      Arrays.sort(found);
      homes.addAll(Arrays.asList(found));
    }
    return homes;
  }

  /** What the JDK's release file says, without starting it; 0 when there is none. */
  private static int version(File home) {
    Properties release = new Properties();
    try (InputStream in = new FileInputStream(new File(home, "release"))) {
      release.load(in);
      return Integer.parseInt(release.getProperty("JAVA_VERSION", "0").replace("\"", "").split("[.+-]")[0]);
    } catch (IOException | NumberFormatException e) {
      return 0;
    }
  }

  /**
   * The terminal sends Ctrl-C to both; this JVM must outlive it. A handler that does nothing, rather than ignoring the
   * signal, which the child would inherit.
   */
  private static void outliveInterrupts() {
    try {
      Class<?> signal = Class.forName("sun.misc.Signal");
      Class<?> handler = Class.forName("sun.misc.SignalHandler");
      Object nothing = Proxy.newProxyInstance(ReExec.class.getClassLoader(), new Class<?>[] {handler},
          (proxy, method, arguments) -> null);
      signal.getMethod("handle", signal, handler).invoke(null, signal.getConstructor(String.class).newInstance("INT"), nothing);
    } catch (ReflectiveOperationException e) {
      // This Java has no such class: Ctrl-C then ends both, which is no worse.
    }
  }
}
