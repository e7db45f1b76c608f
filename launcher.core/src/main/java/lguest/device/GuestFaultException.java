package lguest.device;

/** The guest broke its device's protocol in a way that ends it (such as L44's). The message is the reason the user sees. */
public final class GuestFaultException extends RuntimeException {
  private static final long serialVersionUID = 1;

  public GuestFaultException(String reason) { super(reason); }
}
