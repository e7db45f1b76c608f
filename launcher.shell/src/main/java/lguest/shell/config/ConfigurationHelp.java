package lguest.shell.config;

/** What {@code help conf} says. */
public final class ConfigurationHelp {
  public static final String SUBJECT = "conf";

  private ConfigurationHelp() {}

  public static String text() {
    return "";
  }
}
