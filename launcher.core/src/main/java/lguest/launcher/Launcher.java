package lguest.launcher;

import java.util.List;
import java.util.Optional;
import org.osgi.annotation.versioning.ProviderType;

/** The service by which guests are created and found. Any thread. */
@ProviderType
public interface Launcher {
  /**
   * Loads a guest: memory, image, initrd, page tables, devices. A device of a type nobody provides is a parked slot. It does not run yet. Nothing is left behind when this fails.
   * A guest of the same name that has ended is forgotten when this has succeeded, and not before.
   *
   * @param log gets this guest's log lines, from now to its end
   * @throws LaunchException the user's fault, as one clear line
   */
  Guest create(GuestSpec spec, GuestLog log) throws LaunchException;

  /** {@link #create(GuestSpec, GuestLog)} with the platform's own log. */
  default Guest create(GuestSpec spec) throws LaunchException { return create(spec, GuestLog.SYSTEM); }

  /** The guests that exist, oldest first; an ended guest stays until {@link Guest#close}, or until there is another of its name. */
  List<Guest> guests();

  /** The device providers that are there: by type, the best of each first. */
  List<ProviderInfo> providers();

  /** The guest of this name. */
  Optional<Guest> find(String name);
}
