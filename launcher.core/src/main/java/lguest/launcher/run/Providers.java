package lguest.launcher.run;

import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import java.util.SortedMap;
import java.util.TreeMap;
import java.util.TreeSet;
import lguest.launcher.slot.Candidate;

/** The device providers there are, by type, the best of each first. */
final class Providers {
  private final SortedMap<String, TreeSet<Candidate>> byType = new TreeMap<>();

  synchronized void add(Candidate candidate) { byType.computeIfAbsent(candidate.provider().type(), type -> new TreeSet<>()).add(candidate); }

  /** Forgets the provider of {@code candidate}, whatever its ranking was. */
  synchronized void remove(Candidate candidate) {
    byType.values().forEach(candidates -> candidates.removeIf(candidate::is));
    byType.values().removeIf(TreeSet::isEmpty);
  }

  synchronized Optional<Candidate> best(String type) {
    TreeSet<Candidate> candidates = byType.get(type);
    return candidates == null ? Optional.empty() : Optional.of(candidates.first());
  }

  /** The types there are, in alphabetical order. */
  synchronized List<String> types() { return new ArrayList<>(byType.keySet()); }
}
