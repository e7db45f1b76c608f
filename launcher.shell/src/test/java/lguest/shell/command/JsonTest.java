package lguest.shell.command;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import com.google.gson.Gson;
import com.google.gson.GsonBuilder;
import com.google.gson.Strictness;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Random;
import org.junit.jupiter.api.Test;

/** What we write is read by a parser we did not write, and is what we meant. */
class JsonTest {
  private final Gson parser = new GsonBuilder().setStrictness(Strictness.STRICT).serializeNulls().create();

  private Object parsed(Object value) { return parser.fromJson(Json.of(value), Object.class); }

  @Test void theFormIsFixed() {
    Map<String, Object> map = new LinkedHashMap<>();
    map.put("a", Arrays.asList(1, -2L, 0.5, true, null));
    map.put("b", Map.of());
    map.put("c", List.of());
    assertEquals("{\"a\":[1,-2,0.5,true,null],\"b\":{},\"c\":[]}", Json.of(map));
  }

  @Test void everyStringComesThrough() {
    StringBuilder all = new StringBuilder();
    for (char c = 0; c < 0x300; c++) all.append(c);
    all.append("\u2028\uFFFF\uD83D\uDE00");
    assertEquals(Map.of(all.toString(), all.toString()), parsed(Map.of(all.toString(), all.toString())));
    assertTrue(Json.of(all.toString()).chars().allMatch(c -> c >= ' ' && c < 0x7f), "on any terminal, on one line");
  }

  @Test void randomValuesComeThrough() {
    long seed = System.nanoTime();
    Random random = new Random(seed);
    for (int i = 0; i < 2000; i++) {
      Object value = value(random, 4);
      assertEquals(value, parsed(value), () -> "seed " + seed);
    }
  }

  /** In the types the parser gives back. */
  private static Object value(Random random, int depth) {
    return switch (random.nextInt(depth > 0 ? 6 : 4)) {
      case 0 -> (double) (long) (random.nextGaussian() * 1e9) / (1 << random.nextInt(20));
      case 1 -> random.nextBoolean();
      case 2 -> null;
      case 3 -> random.ints(random.nextInt(8), 0, 0xD000).collect(StringBuilder::new, (text, c) -> text.append((char) c), StringBuilder::append).toString();
      case 4 -> {
        List<Object> list = new ArrayList<>();
        for (int i = random.nextInt(4); i > 0; i--) list.add(value(random, depth - 1));
        yield list;
      }
      default -> {
        Map<String, Object> map = new LinkedHashMap<>();
        for (int i = random.nextInt(4); i > 0; i--) map.put("k\"" + i, value(random, depth - 1));
        yield map;
      }
    };
  }

  @Test void whatHasNoJsonIsRefused() {
    assertThrows(IllegalArgumentException.class, () -> Json.of(Double.NaN));
    assertThrows(IllegalArgumentException.class, () -> Json.of(new Object()));
  }
}
