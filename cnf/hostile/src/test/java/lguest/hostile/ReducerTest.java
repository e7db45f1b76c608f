package lguest.hostile;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.util.ArrayList;
import java.util.List;
import java.util.Random;
import java.util.concurrent.TimeUnit;
import java.util.function.Predicate;
import org.junit.jupiter.api.Test;

class ReducerTest {
  private static List<Step> life() {
    List<Step> steps = new ArrayList<>();
    Random random = new Random(1);
    for (int i = 0; i < 200; i++) steps.add(new Step("noise", random.nextInt(), random.nextInt()));
    steps.add(70, new Step("arm", 0x12345, 99));
    steps.add(150, new Step("fire", 8, 0x1234567, 5));
    return steps;
  }

  @Test void whatMattersStaysAndNothingElse() {
    Predicate<List<Step>> wrong = steps -> {
      boolean armed = false;
      for (Step step : steps) {
        armed |= step.act().equals("arm") && step.number(0) >= 0x12000;
        if (armed && step.act().equals("fire") && step.number(1) != 0) return true;
      }
      return false;
    };
    List<Step> least = new Reducer(wrong, 5000, TimeUnit.MINUTES.toNanos(1)).reduce(life());
    assertEquals(List.of("arm", "fire"), least.stream().map(Step::act).toList());
    assertArrayEquals(new int[] {0x12000}, least.get(0).numbers());
    assertArrayEquals(new int[] {0, 1}, least.get(1).numbers());
    assertTrue(wrong.test(least));
  }

  @Test void givesUpInTimeWithWhatItHas() {
    int[] tries = new int[1];
    List<Step> least = new Reducer(steps -> ++tries[0] > 0 && steps.stream().anyMatch(step -> step.act().equals("fire")), 10, TimeUnit.MINUTES.toNanos(1)).reduce(life());
    assertEquals(10, tries[0]);
    assertTrue(least.size() < 202 && least.stream().anyMatch(step -> step.act().equals("fire")));
  }

  @Test void stepsAreReadAsTheyAreWritten() {
    Step step = new Step("list", 0, 4095, 4096, -1, Integer.MIN_VALUE);
    assertEquals("list 0 4095 0x1000 0xffffffff 0x80000000", step.toString());
    assertArrayEquals(step.numbers(), Step.parse(step.toString()).numbers());
  }
}
