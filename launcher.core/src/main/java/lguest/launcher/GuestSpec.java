package lguest.launcher;

import java.nio.file.Path;
import java.util.List;
import java.util.Map;
import java.util.Optional;

/**
 * What to boot (L1 to L4).
 *
 * @param name unique among guests; empty for one made up ({@code guest1}, …)
 * @param memory bytes of RAM; whole pages, at least {@link #MIN_MEMORY}
 * @param image an ELF vmlinux or a bzImage
 * @param initrd an initial RAM disk, if any
 * @param devices in bus order (L4). One of a type that nobody provides is a slot that is parked until somebody does
 * @param arguments the guest kernel's command line
 * @param host options for the Host, by name, such as {@code cpu}; a Host refuses those it does not know
 */
public record GuestSpec(String name, long memory, Path image, Optional<Path> initrd, List<DeviceSpec> devices, String arguments, Map<String, String> host) {
  public static final long MIN_MEMORY = 4L << 20;

  public GuestSpec {
    devices = List.copyOf(devices);
    host = Map.copyOf(host);
  }

  /** With a Host as it is by itself. */
  public GuestSpec(String name, long memory, Path image, Optional<Path> initrd, List<DeviceSpec> devices, String arguments) {
    this(name, memory, image, initrd, devices, arguments, Map.of());
  }

  /** A device wanted on the bus: its type and what the user wrote after the option's =. */
  public record DeviceSpec(String type, String argument) {}
}
