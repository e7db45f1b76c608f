package lguest.app;

/** The way in. Java 8 byte code on purpose: it must be able to say that the Java is too old. */
public final class Main {
  static final int NEEDED = 25;

  private Main() {}

  public static void main(String[] args) throws Exception {
    String version = System.getProperty("java.specification.version");
    int have = Integer.parseInt(version.startsWith("1.") ? version.substring(2) : version);
    if (have < NEEDED) System.exit(ReExec.onNewerJava(have, args));
    // By name: Platform is byte code of a newer Java, which this class must not drag in.
    Object status = Class.forName("lguest.app.Platform").getMethod("run", String[].class).invoke(null, (Object) args);
    System.exit((Integer) status);
  }
}
