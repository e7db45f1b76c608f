package lguest.shell.command;

import java.util.ArrayList;
import java.util.List;

/**
 * Rows under headings, made to fit a width. Where they do not, cells are folded, the widest column first; where even that would
 * leave columns too narrow to read, each row becomes a few lines of its own. Nothing is ever cut off.
 */
public final class Table {
  /** A column is not folded below this. */
  private static final int NARROWEST = 12;
  private static final int GAP = 2;

  private final List<String> headings;
  private final boolean[] right;
  private final List<List<String>> rows = new ArrayList<>();

  /** Columns by their headings; one with {@code >} in front holds numbers, aligned to the right. */
  public Table(String... headings) {
    right = new boolean[headings.length];
    this.headings = new ArrayList<>();
    for (int i = 0; i < headings.length; i++) {
      right[i] = headings[i].startsWith(">");
      this.headings.add(right[i] ? headings[i].substring(1) : headings[i]);
    }
  }

  /** A row, a cell for each column; numbers are shown with their digits in groups. */
  public Table row(Object... cells) {
    if (cells.length != headings.size()) throw new IllegalArgumentException(cells.length + " cells for " + headings.size() + " columns");
    List<String> row = new ArrayList<>();
    for (Object cell : cells)
      row.add(cell instanceof Long || cell instanceof Integer ? "%,d".formatted(cell) : cell.toString().replaceAll("\\p{Cntrl}", "?"));
    rows.add(row);
    return this;
  }

  /** As lines of at most {@code width} characters, where words are not longer than that. */
  public String fit(int width) {
    int[] widths = new int[headings.size()];
    measure(headings, widths);
    for (List<String> row : rows) measure(row, widths);
    for (int over; (over = total(widths) - width) > 0; ) {
      int widest = 0;
      for (int i = 1; i < widths.length; i++) if (widths[i] > widths[widest]) widest = i;
      int second = 0;
      for (int i = 0; i < widths.length; i++) if (i != widest) second = Math.max(second, widths[i]);
      // Down to the next widest, and from there on in turn.
      int less = Math.max(Math.min(over, widths[widest] - second), 1);
      if (widths[widest] - less < Math.max(NARROWEST, headings.get(widest).length())) return apart(width);
      widths[widest] -= less;
    }
    StringBuilder text = new StringBuilder();
    row(headings, widths, text);
    for (List<String> row : rows) row(row, widths, text);
    return text.toString();
  }

  private static void measure(List<String> row, int[] widths) {
    for (int i = 0; i < widths.length; i++) widths[i] = Math.max(widths[i], row.get(i).length());
  }

  private static int total(int[] widths) {
    int total = GAP * (widths.length - 1);
    for (int width : widths) total += width;
    return total;
  }

  private void row(List<String> cells, int[] widths, StringBuilder text) {
    List<List<String>> folded = new ArrayList<>();
    int height = 1;
    for (int i = 0; i < widths.length; i++) {
      folded.add(fold(cells.get(i), widths[i]));
      height = Math.max(height, folded.get(i).size());
    }
    for (int y = 0; y < height; y++) {
      StringBuilder line = new StringBuilder();
      for (int i = 0; i < widths.length; i++) {
        String part = y < folded.get(i).size() ? folded.get(i).get(y) : "";
        int space = widths[i] - part.length();
        if (right[i]) line.repeat(' ', space).append(part).repeat(' ', GAP);
        else line.append(part).repeat(' ', space + GAP);
      }
      text.append(line.toString().stripTrailing()).append('\n');
    }
  }

  /** Each row by itself: heading and cell, a line or more for each that is not empty. */
  private String apart(int width) {
    int first = 0;
    for (String heading : headings) first = Math.max(first, heading.length());
    StringBuilder text = new StringBuilder();
    for (List<String> row : rows) {
      if (!text.isEmpty()) text.append('\n');
      for (int i = 0; i < row.size(); i++) {
        String heading = headings.get(i);
        if (row.get(i).isEmpty()) continue;
        for (String part : fold(row.get(i), Math.max(width - first - GAP, NARROWEST))) {
          text.append(heading).repeat(' ', first + GAP - heading.length()).append(part).append('\n');
          heading = "";
        }
      }
    }
    return text.toString();
  }

  /** Lines of at most {@code width} characters: broken at blanks where possible, else anywhere. */
  public static List<String> fold(String cell, int width) {
    List<String> lines = new ArrayList<>();
    String rest = cell;
    while (rest.length() > width) {
      int blank = rest.lastIndexOf(' ', width);
      int end = blank > 0 ? blank : width;
      lines.add(rest.substring(0, end));
      rest = rest.substring(end).stripLeading();
    }
    lines.add(rest);
    return lines;
  }
}
