package lguest.launcher.run;

import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.SortedMap;
import java.util.SortedSet;
import java.util.TreeMap;
import java.util.TreeSet;
import java.util.function.Function;
import lguest.launcher.ProviderInfo;
import lguest.launcher.slot.Candidate;

/** The device providers there are, by type, the best of each first. */
final class Providers {
  private final SortedMap<String, SortedSet<Candidate>> byType = new TreeMap<>();
  private final Map<Candidate, Map<String, Object>> properties = new java.util.HashMap<>();

  /** @param about its service properties */
  synchronized void add(Candidate candidate, Map<String, Object> about) {
    byType.computeIfAbsent(candidate.provider().type(), type -> new TreeSet<>()).add(candidate);
    properties.put(candidate, about);
  }

  /** Forgets the provider of {@code candidate}, whatever its ranking was. */
  synchronized void remove(Candidate candidate) {
    byType.values().forEach(candidates -> candidates.removeIf(candidate::is));
    byType.values().removeIf(SortedSet::isEmpty);
    properties.keySet().removeIf(candidate::is);
  }

  /** Those of a type, best first. */
  synchronized List<Candidate> of(String type) { return List.copyOf(byType.getOrDefault(type, new TreeSet<>())); }

  synchronized List<ProviderInfo> list() {
    List<ProviderInfo> list = new ArrayList<>();
    byType.forEach((type, candidates) -> {
      for (Candidate candidate : candidates) {
        Function<String, Object> property = name -> properties.get(candidate).get("lguest.device." + name);
        list.add(new ProviderInfo(type, strings(property.apply("option")), String.join(" ", strings(property.apply("about"))), candidate.bundle(), candidate.version(), candidate.ranking(), candidate == candidates.first()));
      }
    });
    return list;
  }

  /** A service property that may be one string or several. */
  private static List<String> strings(Object property) {
    return switch (property) {
      case String one -> List.of(one);
      case String[] several -> List.of(several);
      case null, default -> List.of();
    };
  }
}
