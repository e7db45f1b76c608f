package lguest.shell.command;

import java.util.Map;

/** Writes JSON (RFC 8259): maps, iterables, strings, booleans, whole and finite decimal numbers, null. ASCII, on one line. */
public final class Json {
  private Json() {}

  public static String of(Object value) {
    StringBuilder text = new StringBuilder();
    write(value, text);
    return text.toString();
  }

  private static void write(Object value, StringBuilder text) {
    switch (value) {
      case null -> text.append("null");
      case Boolean truth -> text.append(truth);
      case Long number -> text.append(number);
      case Integer number -> text.append(number);
      case Double number when Double.isFinite(number) -> text.append(number);
      case CharSequence string -> string(string, text);
      case Map<?, ?> map -> {
        String separator = "{";
        for (var entry : map.entrySet()) {
          string(entry.getKey().toString(), text.append(separator));
          write(entry.getValue(), text.append(':'));
          separator = ",";
        }
        text.append(map.isEmpty() ? "{}" : "}");
      }
      case Iterable<?> list -> {
        text.append('[');
        String separator = "";
        for (Object element : list) {
          write(element, text.append(separator));
          separator = ",";
        }
        text.append(']');
      }
      default -> throw new IllegalArgumentException("no JSON for " + value.getClass() + ": " + value);
    }
  }

  private static void string(CharSequence string, StringBuilder text) {
    text.append('"');
    for (int i = 0; i < string.length(); i++) {
      char c = string.charAt(i);
      switch (c) {
        case '"', '\\' -> text.append('\\').append(c);
        case '\n' -> text.append("\\n");
        case '\t' -> text.append("\\t");
        default -> {
          if (c >= ' ' && c < 0x7f) text.append(c);
          else text.append("\\u%04x".formatted((int) c));
        }
      }
    }
    text.append('"');
  }
}
