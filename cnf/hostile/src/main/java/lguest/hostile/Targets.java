package lguest.hostile;

import java.util.Arrays;
import java.util.Map;
import java.util.Optional;
import java.util.stream.Collectors;
import lguest.host.software.SoftwareHostProvider;

/** What can be fuzzed. The share is how many of all cases go there. */
enum Targets {
  CONSOLE(1, place -> new ConsoleTarget()),
  BLOCK(2, BlockTarget::new),
  NET(2, NetTarget::new),
  /** In a {@link Namespace}. */
  TUN(1, place -> new TunTarget()),
  CALLS(3, place -> new HostTarget(Inventor.Bent.CALLS, "interpret")),
  CALLS_TRANSLATED(3, place -> new HostTarget(Inventor.Bent.CALLS, "translate")),
  TABLES(3, place -> new HostTarget(Inventor.Bent.TABLES, "interpret")),
  TABLES_TRANSLATED(3, place -> new HostTarget(Inventor.Bent.TABLES, "translate")),
  SLOTS(3, place -> new GuestTarget(place, ScriptHost.provider(), Map.of(), false)),
  GUEST(2, place -> new GuestTarget(place, new SoftwareHostProvider(), Map.of("cpu", "interpret"), true)),
  GUEST_TRANSLATED(2, place -> new GuestTarget(place, new SoftwareHostProvider(), Map.of("cpu", "translate"), true));

  private final int share;
  private final Target.Opener opener;

  Targets(int share, Target.Opener opener) {
    this.share = share;
    this.opener = opener;
  }

  /** Its name for people. */
  String word() { return name().toLowerCase().replace('_', '-'); }

  int share() { return share; }

  Target open(Workplace place) throws Exception { return opener.open(place); }

  /** Whether it has to be fuzzed in a {@link Namespace}, and this process is in none. */
  boolean isElsewhere() { return this == TUN && !Namespace.isInside(); }

  /** Why it cannot be fuzzed here, if so. */
  Optional<String> obstacle() { return isElsewhere() ? Namespace.obstacle() : Optional.empty(); }

  static Targets named(String word) {
    for (Targets target : values()) if (target.word().equals(word)) return target;
    throw new IllegalArgumentException("there is no target '" + word + "'; there are " + Arrays.stream(values()).map(Targets::word).collect(Collectors.joining(", ")));
  }
}
