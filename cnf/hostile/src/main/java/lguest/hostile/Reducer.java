package lguest.hostile;

import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.function.Predicate;

/** Makes a life that went wrong shorter and simpler while it still goes wrong. */
final class Reducer {
  private final Predicate<List<Step>> wrong;
  private final long deadline;
  private int tries;

  /**
   * @param wrong whether a life goes wrong
   * @param tries lives that may be lived for it
   * @param nanos time that may be taken for it
   */
  Reducer(Predicate<List<Step>> wrong, int tries, long nanos) {
    this.wrong = wrong;
    this.tries = tries;
    deadline = System.nanoTime() + nanos;
  }

  List<Step> reduce(List<Step> life) {
    List<Step> least = life;
    for (List<Step> before = null; !least.equals(before) && !isOver();) {
      before = least;
      least = simplify(shorten(least));
    }
    return least;
  }

  /** Leaves out what can be left out, halves first, single steps last. */
  private List<Step> shorten(List<Step> life) {
    List<Step> least = life;
    for (int length = Math.max(1, life.size() / 2); length >= 1; length /= 2)
      for (int end = least.size(); end > 0 && !isOver(); end -= length) {
        List<Step> shorter = new ArrayList<>(least);
        shorter.subList(Math.max(0, end - length), end).clear();
        if (isWrong(shorter)) least = shorter;
      }
    return least;
  }

  /** Leaves out numbers at the end of steps, and makes others round. */
  private List<Step> simplify(List<Step> life) {
    List<Step> least = new ArrayList<>(life);
    for (int i = 0; i < least.size(); i++) {
      while (least.get(i).numbers().length > 0 && attempt(least, i, least.get(i).with(Arrays.copyOf(least.get(i).numbers(), least.get(i).numbers().length - 1)))) {}
      for (int n = 0; n < least.get(i).numbers().length && !isOver(); n++)
        for (int simpler : new int[] {0, 1, least.get(i).number(n) & -4096, least.get(i).number(n) & -16}) {
          int[] numbers = least.get(i).numbers().clone();
          if (numbers[n] == simpler || Integer.bitCount(numbers[n]) <= Integer.bitCount(simpler) && numbers[n] != 0 && simpler != 0) continue;
          numbers[n] = simpler;
          if (attempt(least, i, least.get(i).with(numbers))) break;
        }
    }
    return least;
  }

  private boolean attempt(List<Step> life, int index, Step other) {
    Step before = life.set(index, other);
    if (isWrong(life)) return true;
    life.set(index, before);
    return false;
  }

  private boolean isOver() { return tries <= 0 || System.nanoTime() - deadline > 0; }

  private boolean isWrong(List<Step> life) {
    if (isOver()) return false;
    tries--;
    return wrong.test(List.copyOf(life));
  }
}
