package lguest.launcher.slot;

import lguest.device.DeviceProvider;

/**
 * A provider as OSGi has it. The best comes first: the highest service ranking, then the longest there.
 *
 * @param bundle its bundle's symbolic name
 * @param version its bundle's version
 * @param ranking its service.ranking
 * @param id its service.id
 */
public record Candidate(DeviceProvider provider, String bundle, String version, int ranking, long id) implements Comparable<Candidate> {
  @Override public int compareTo(Candidate other) {
    int byRanking = Integer.compare(other.ranking, ranking);
    return byRanking != 0 ? byRanking : Long.compare(id, other.id);
  }

  // By hand: what a record is given makes code at its first use, which is in every start.
  @Override public boolean equals(Object other) { return other instanceof Candidate candidate && id == candidate.id && ranking == candidate.ranking && provider == candidate.provider; }

  @Override public int hashCode() { return Long.hashCode(id); }

  /** Whether it is the same service; its ranking may have changed. */
  public boolean is(Candidate other) { return other != null && provider == other.provider; }

  public String label() { return bundle + " " + version; }

  boolean isCalled(String name) { return name.equals(bundle) || name.equals(label()); }
}
