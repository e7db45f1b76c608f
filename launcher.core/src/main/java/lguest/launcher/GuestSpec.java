package lguest.launcher;

import java.nio.file.Path;
import java.util.List;
import java.util.Optional;

/**
 * What to boot (L1 to L4).
 *
 * @param name unique among guests; empty for one made up ({@code guest1}, …)
 * @param memory bytes of RAM; whole pages, at least {@link #MIN_MEMORY}
 * @param image an ELF vmlinux or a bzImage
 * @param initrd an initial RAM disk, if any
 * @param devices in bus order (L4)
 * @param arguments the guest kernel's command line
 */
public record GuestSpec(String name, long memory, Path image, Optional<Path> initrd, List<DeviceSpec> devices, String arguments) {
  public static final long MIN_MEMORY = 4L << 20;

  public GuestSpec { devices = List.copyOf(devices); }

  /** A device wanted on the bus: its type and what the user wrote after the option's =. */
  public record DeviceSpec(String type, String argument) {}
}
