package lguest.device;

import java.util.Map;
import java.util.Set;

/**
 * What one implementation of a device leaves for the next: plain data, never objects of its own classes, which would keep the old bundle alive.
 *
 * <p>Open file descriptors can be handed over, too. Those in a state belong to whoever has it: to the slot while it has no device, and it closes them if none comes any more; to the device from
 * the moment its {@link DeviceProvider#open} returns. An open that fails leaves them alone, for the next.
 *
 * @param version the writer's version of this data; a reader that does not know it refuses with {@link DeviceException}
 * @param values names to {@link String}, {@link Long}, {@link Boolean} or {@code byte[]}; anything else is an {@link IllegalArgumentException}
 * @param descriptors the names of those values that are open file descriptors: Longs
 */
public record DeviceState(int version, Map<String, Object> values, Set<String> descriptors) {
  public DeviceState {
    values = Map.copyOf(values);
    descriptors = Set.copyOf(descriptors);
    values.forEach((name, value) -> {
      if (!(value instanceof String || value instanceof Long || value instanceof Boolean || value instanceof byte[]))
        throw new IllegalArgumentException("device state '" + name + "' is a " + value.getClass().getName() + "; only String, Long, Boolean and byte[] can be handed over");
    });
    for (String name : descriptors)
      if (!(values.get(name) instanceof Long)) throw new IllegalArgumentException("device state '" + name + "' is declared a file descriptor, but is no Long");
  }

  /** Without descriptors. */
  public DeviceState(int version, Map<String, Object> values) { this(version, values, Set.of()); }
}
