package lguest.launcher.boot;

import java.util.ArrayList;
import java.util.List;
import lguest.launcher.LaunchException;

/** Who lies where in RAM before the guest starts. What does not fit, or would lie on something else, is refused before anything is written there (L19). */
public final class Placements {
  private record Place(String name, long start, long end) {
    @Override public String toString() { return "%s (%#x to %#x)".formatted(name, start, end); }
  }

  private final long ram;
  private final List<Place> places = new ArrayList<>();

  public Placements(long ram) { this.ram = ram; }

  /** Takes {@code length} bytes from {@code start} for {@code name}, as messages call it. */
  public void take(String name, long start, long length) throws LaunchException {
    if (start < 0 || length > ram - start)
      throw new LaunchException("%s (%s%s) does not fit in the guest's %s of memory; give it more".formatted(name, Sizes.of(length), start < 0 ? "" : " at %#x".formatted(start), Sizes.of(ram)));
    if (length == 0) return;
    Place place = new Place(name, start, start + length);
    for (Place other : places)
      if (place.start < other.end && other.start < place.end)
        throw new LaunchException("%s and %s would lie on each other in %s of memory; give the guest more memory or a smaller kernel or initrd".formatted(place, other, Sizes.of(ram)));
    places.add(place);
  }
}
