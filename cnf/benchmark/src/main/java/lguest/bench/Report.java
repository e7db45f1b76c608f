package lguest.bench;

import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.function.Function;
import java.util.stream.Collectors;

/** Rows with named values, printed as a table for people or as JSON. What is null was not measured. */
final class Report {
  /** One column of the table: which value, and how it is printed. */
  record Column(String title, boolean left, Function<Map<String, Object>, String> text) {
    static Column text(String title, String key) { return new Column(title, true, row -> row.get(key) == null ? "-" : row.get(key).toString()); }

    static Column number(String title, String key, String format) {
      return new Column(title, false, row -> row.get(key) instanceof Number n && !Double.isNaN(n.doubleValue()) ? String.format(Locale.ROOT, format, n) : "-");
    }

    /** A median with its smallest and largest. */
    static Column spread(String title, String key, String format) {
      return new Column(title, false, row -> row.get(key) instanceof Sample s && s.values().length > 0
          ? String.format(Locale.ROOT, format + " (" + format + ".." + format + ")", s.median(), s.least(), s.most()) : "-");
    }
  }

  private final List<Map<String, Object>> rows = new ArrayList<>();
  private final List<String> remarks = new ArrayList<>();
  private final Map<String, Object> summary = new LinkedHashMap<>();

  /** Starts a row; put its values into what is returned. */
  Map<String, Object> row(String name) {
    Map<String, Object> row = new LinkedHashMap<>();
    row.put("name", name);
    rows.add(row);
    return row;
  }

  void remark(String text) { remarks.add(text); }

  void summary(String key, Object value) { summary.put(key, value); }

  List<Map<String, Object>> rows() { return rows; }

  String table(List<Column> columns) {
    List<List<String>> cells = new ArrayList<>();
    cells.add(columns.stream().map(Column::title).toList());
    for (Map<String, Object> row : rows) cells.add(columns.stream().map(column -> column.text().apply(row)).toList());
    StringBuilder out = new StringBuilder();
    for (List<String> line : cells) {
      StringBuilder text = new StringBuilder();
      for (int i = 0; i < columns.size(); i++) {
        int column = i;
        int width = cells.stream().mapToInt(cell -> cell.get(column).length()).max().orElse(0);
        if (i > 0) text.append("  ");
        text.append(("%" + (columns.get(i).left() ? "-" : "") + Math.max(width, 1) + "s").formatted(line.get(i)));
      }
      out.append(text.toString().stripTrailing()).append('\n');
    }
    return out.toString();
  }

  String remarks() { return remarks.stream().map(remark -> remark + "\n").collect(Collectors.joining()); }

  String json() {
    Map<String, Object> all = new LinkedHashMap<>();
    all.put("rows", rows);
    all.putAll(summary);
    all.put("remarks", remarks);
    return json(all) + "\n";
  }

  private static String json(Object value) {
    return switch (value) {
      case null -> "null";
      case Map<?, ?> map -> map.entrySet().stream().map(e -> json(e.getKey()) + ":" + json(e.getValue())).collect(Collectors.joining(",", "{", "}"));
      case List<?> list -> list.stream().map(Report::json).collect(Collectors.joining(",", "[", "]"));
      case Sample s -> "{\"median\":%s,\"least\":%s,\"most\":%s,\"values\":%d}".formatted(json(s.median()), json(s.least()), json(s.most()), s.values().length);
      case Double d -> Double.isNaN(d) || Double.isInfinite(d) ? "null" : String.format(Locale.ROOT, "%.6g", d);
      case Number n -> n.toString();
      case Boolean b -> b.toString();
      default -> '"' + value.toString().replace("\\", "\\\\").replace("\"", "\\\"").replace("\n", "\\n") + '"';
    };
  }
}
