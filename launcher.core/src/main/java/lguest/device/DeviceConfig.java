package lguest.device;

import java.util.Optional;

/**
 * How a device is wanted.
 *
 * @param argument what the user wrote after the option's =, or empty
 * @param state what the previous implementation in this slot left; empty on a slot's first open
 */
public record DeviceConfig(String argument, Optional<DeviceState> state) {}
