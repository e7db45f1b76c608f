package lguest.device;

/** A device cannot be opened as wanted. The message is for the user: one line that says what, why and what to do. */
public class DeviceException extends Exception {
  private static final long serialVersionUID = 1;

  public DeviceException(String message) { super(message); }

  public DeviceException(String message, Throwable cause) { super(message, cause); }
}
