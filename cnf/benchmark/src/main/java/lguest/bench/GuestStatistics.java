package lguest.bench;

import java.util.regex.Matcher;
import java.util.regex.Pattern;

/**
 * What {@code --stats} tells of one or more guests, added up.
 *
 * @param instructions guest instructions
 * @param thread processor seconds of the guests' threads
 * @param inside processor seconds of these spent inside the guest; 0 unless the Host was asked to measure
 */
record GuestStatistics(long instructions, double thread, double inside) {
  private static final Pattern LINE = Pattern.compile("(\\d+) instructions, ([0-9.]+) s of processor time.*instructions/s(?:, ([0-9.]+) s inside the guest)?");

  static GuestStatistics of(String output) {
    long instructions = 0;
    double thread = 0, inside = 0;
    boolean found = false;
    for (Matcher line = LINE.matcher(output); line.find(); found = true) {
      instructions += Long.parseLong(line.group(1));
      thread += Double.parseDouble(line.group(2));
      if (line.group(3) != null) inside += Double.parseDouble(line.group(3));
    }
    if (!found) throw new Failure("the guest did not end as it should:\n" + output);
    return new GuestStatistics(instructions, thread, inside);
  }
}
