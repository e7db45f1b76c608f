package lguest.dev;

import java.io.IOException;

/** Where finished bundles go. */
interface Target {
  /** How it went, in a few words, and whether it is in use now. */
  record Outcome(boolean live, String words) {}

  /** Whether there is a bundle of this symbolic name. */
  boolean has(String name);

  Outcome put(byte[] jar) throws IOException;

  /** Takes out what {@link #put} has put in. */
  void remove(String name) throws IOException;
}
