package lguest.launcher;

import org.osgi.annotation.versioning.ConsumerType;

/**
 * Takes one guest's log lines, in order and before whatever they announce goes on, so that none is lost at the end. Detail, the lines of {@code --verbose} (L5), is
 * {@link System.Logger.Level#INFO}; what a person should see in any case is WARNING or ERROR. Called from any thread.
 */
@ConsumerType
@FunctionalInterface
public interface GuestLog {
  /**
   * One line.
   *
   * @param text without the guest's name; a device's begins with the device's type and slot
   * @param cause the exception behind an ERROR that is a fault of ours, or null
   */
  void line(System.Logger.Level level, String text, Throwable cause);

  /** Whether anybody would see a line of that level; if not, it need not be made. */
  default boolean isLoggable(System.Logger.Level level) { return true; }

  /** The platform's log under {@code lguest}. Nobody asked for detail there, so that is DEBUG. */
  GuestLog SYSTEM = new GuestLog() {
    @Override public void line(System.Logger.Level level, String text, Throwable cause) { logger().log(there(level), text, cause); }

    @Override public boolean isLoggable(System.Logger.Level level) { return logger().isLoggable(there(level)); }

    private static System.Logger logger() { return System.getLogger("lguest"); }

    private static System.Logger.Level there(System.Logger.Level level) { return level == System.Logger.Level.INFO ? System.Logger.Level.DEBUG : level; }
  };
}
