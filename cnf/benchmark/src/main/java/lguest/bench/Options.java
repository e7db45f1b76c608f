package lguest.bench;

import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.TreeMap;

/** The words after the benchmark's name: {@code --name}, {@code --name=value}, and all others. */
record Options(Map<String, String> named, List<String> words) {
  static Options parse(List<String> arguments, List<String> known) {
    Map<String, String> named = new TreeMap<>();
    List<String> words = new ArrayList<>();
    for (String argument : arguments) {
      if (!argument.startsWith("--")) {
        words.add(argument);
        continue;
      }
      String[] parts = argument.substring(2).split("=", 2);
      if (!known.contains(parts[0])) throw new Failure("no such option: " + argument);
      named.put(parts[0], parts.length == 2 ? parts[1] : "");
    }
    return new Options(named, words);
  }

  boolean has(String name) { return named.containsKey(name); }

  Optional<String> value(String name) { return Optional.ofNullable(named.get(name)); }

  int number(String name, int otherwise) {
    try {
      int n = value(name).map(Integer::parseInt).orElse(otherwise);
      if (n > 0) return n;
    } catch (NumberFormatException e) {
      // said below
    }
    throw new Failure("--" + name + " takes a number from 1 on");
  }
}
