package lguest.bench;

/** The benchmark cannot go on; the message is for its user. */
@SuppressWarnings("serial")
final class Failure extends RuntimeException {
  Failure(String message) { super(message); }
}
