package lguest.device;

import java.util.Map;

/**
 * What one implementation of a device leaves for the next: plain data, never objects of its own classes, which would keep the old bundle alive.
 *
 * @param version the writer's version of this data; a reader that does not know it refuses with {@link DeviceException}
 * @param values names to {@link String}, {@link Long}, {@link Boolean} or {@code byte[]}; anything else is an {@link IllegalArgumentException}
 */
public record DeviceState(int version, Map<String, Object> values) {
  public DeviceState {
    values = Map.copyOf(values);
    values.forEach((name, value) -> {
      if (!(value instanceof String || value instanceof Long || value instanceof Boolean || value instanceof byte[]))
        throw new IllegalArgumentException("device state '" + name + "' is a " + value.getClass().getName() + "; only String, Long, Boolean and byte[] can be handed over");
    });
  }
}
