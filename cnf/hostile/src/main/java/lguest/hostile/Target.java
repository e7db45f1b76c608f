package lguest.hostile;

import java.util.List;
import java.util.Random;

/** What hostile guests are let loose on. One thread at a time, but not always the same. */
interface Target extends AutoCloseable {
  /** How a guest's life went. */
  record Life(long cases, String end) {}

  /** What a guest might do in its life, in order. */
  List<Step> invent(Random random);

  /**
   * A guest lives this. What it did and how it ended, when all is well afterwards; if not, an exception or error that says what is wrong. The same steps do the same, as far as time has no
   * part in it.
   */
  Life live(List<Step> steps) throws Exception;

  /** A look at what takes longer to look at; now and then, between two lives. */
  default void inspect() throws Exception {}

  @Override void close() throws Exception;

  /** How a target is set up. */
  interface Opener { Target open(Workplace place) throws Exception; }
}
