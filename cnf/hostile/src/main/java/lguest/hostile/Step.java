package lguest.hostile;

import java.util.Arrays;
import java.util.StringJoiner;

/**
 * One hostile act: what is done, and numbers, whose meaning is the act's. Numbers that are missing are 0, so that a step stays a step whatever is taken away from it. As text, a line:
 * {@code list 0x15000 0 0x60000 512}.
 */
record Step(String act, int... numbers) {
  int number(int index) { return index < numbers.length ? numbers[index] : 0; }

  /** A number as a count that is never too high. */
  int count(int index, int most) { return Math.clamp(number(index), 0, most); }

  /** The same act with other numbers. */
  Step with(int... others) { return new Step(act, others); }

  static Step parse(String line) {
    String[] words = line.strip().split("\\s+");
    return new Step(words[0], Arrays.stream(words).skip(1).mapToInt(word -> Long.decode(word).intValue()).toArray());
  }

  @Override public String toString() {
    StringJoiner words = new StringJoiner(" ").add(act);
    for (int number : numbers) words.add(number >= 0 && number < 4096 ? Integer.toString(number) : "0x" + Integer.toHexString(number));
    return words.toString();
  }
}
