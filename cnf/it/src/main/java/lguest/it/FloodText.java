package lguest.it;

import static java.nio.charset.StandardCharsets.ISO_8859_1;
import static org.junit.jupiter.api.Assertions.assertEquals;

import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.util.regex.Matcher;
import java.util.regex.Pattern;

/** The demo guest's {@code flood}: numbered lines of 64 bytes, then their count and the sum of all their words. */
final class FloodText {
  private static final int LINE = 64;
  private static final Pattern SUMMARY = Pattern.compile("flood: (\\d+) bytes, (\\d+) lines, sum ([0-9a-f]{8})");

  private FloodText() {}

  /**
   * Checks that {@code text}, up to and with the summary, has every byte of a flood of {@code wanted} bytes once, in order
   * and unchanged.
   */
  static void check(String text, int wanted) {
    Matcher summary = SUMMARY.matcher(text);
    if (!summary.find()) throw new AssertionError("no summary in " + text.substring(Math.max(0, text.length() - 200)));
    int bytes = Integer.parseInt(summary.group(1));
    assertEquals((wanted + LINE - 1) / LINE * LINE, bytes);
    int start = text.indexOf("00000000 ");
    for (int line = 0; line < bytes / LINE; line++) {
      int at = start + line * LINE;
      assertEquals("%08x".formatted(line), text.substring(at, at + 8), "line number");
    }
    ByteBuffer words = ByteBuffer.wrap(text.substring(start, start + bytes).getBytes(ISO_8859_1)).order(ByteOrder.LITTLE_ENDIAN);
    int sum = 0;
    while (words.hasRemaining()) sum += words.getInt();
    assertEquals(summary.group(3), "%08x".formatted(sum), "sum of all words, by the guest and by us");
    assertEquals(start + bytes, summary.start(), "nothing else in between");
  }
}
