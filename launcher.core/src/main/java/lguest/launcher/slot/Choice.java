package lguest.launcher.slot;

import java.util.List;
import java.util.Optional;
import lguest.launcher.LaunchException;

/**
 * Who should sit in a slot: of the providers of its type the best, unless somebody has decided otherwise, or the best one's device has failed here. That one is not tried again until it is replaced
 * or somebody asks for it; the second best does not step in, since it would hide the failure. Under the slot's lock.
 */
final class Choice {
  private final String type;
  private List<Candidate> candidates = List.of();
  /** By name, whom somebody has chosen; empty: the best. */
  private String pinned = "";
  /** Why somebody keeps the slot parked; null: nobody does. */
  private String held;
  private Candidate refused;
  private String refusal;

  Choice(String type) { this.type = type; }

  /** Whose device should sit here, if anybody's. */
  Optional<Candidate> target() { return held != null ? Optional.empty() : chosen().filter(candidate -> !candidate.is(refused)); }

  /** Why nobody's should. */
  String reason() {
    if (held != null) return held;
    if (refused != null) return refusal;
    if (candidates.isEmpty()) return "there is no provider of type '" + type + "'; requests wait for one";
    return "it waits for provider '" + pinned + "', which was chosen for it";
  }

  private Optional<Candidate> chosen() {
    return candidates.stream().filter(candidate -> pinned.isEmpty() || candidate.isCalled(pinned)).findFirst();
  }

  /** These are there now, best first. */
  void offer(List<Candidate> now) {
    candidates = List.copyOf(now);
    forgetOld();
  }

  /** This one's device has failed here. */
  void refuse(Candidate candidate, String why) {
    refused = candidate;
    refusal = why;
    forgetOld();
  }

  /** Who is not chosen any more may try again when it is. */
  private void forgetOld() { if (refused != null && !chosen().map(refused::is).orElse(false)) refused = null; }

  void hold(String why) { held = why; }

  void release() {
    held = null;
    refused = null;
  }

  /** Chooses by name, or the best again if that is empty. Who has just been chosen is tried, even if it has failed. A bundle stays chosen when it is updated, unless another of that name is there. */
  void pin(String name) throws LaunchException {
    List<String> bundles = candidates.stream().filter(candidate -> candidate.isCalled(name)).map(Candidate::bundle).toList();
    if (!name.isEmpty() && bundles.isEmpty())
      throw new LaunchException("there is no provider '%s' of type '%s'; %s".formatted(name, type,
        candidates.isEmpty() ? "there is none at all" : "there are: " + String.join(", ", candidates.stream().map(Candidate::label).toList())));
    boolean one = !name.isEmpty() && candidates.stream().filter(candidate -> candidate.isCalled(bundles.getFirst())).count() == 1;
    pinned = one ? bundles.getFirst() : name;
    release();
  }
}
