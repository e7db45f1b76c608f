package lguest.device;

import org.osgi.annotation.versioning.ConsumerType;

/**
 * What a device bundle implements and registers as a service: one device type. Declare it with {@link DeviceType}, which also
 * announces the command-line options that ask for such a device. A provider may come, go and be replaced while guests run.
 */
@ConsumerType
public interface DeviceProvider {
  /** The type's name, lower case, such as {@code "block"}; the {@code lguest.device.type} service property says the same. */
  String type();

  /**
   * Puts a device into a slot. Called once per slot and again whenever the slot gets a new implementation, then with the state the old one left.
   * Not on the guest's thread; the guest runs on meanwhile and its requests wait.
   *
   * @throws DeviceException the user's fault, as one clear line: what, why and what to do
   */
  Device open(DeviceConfig config, DeviceContext context) throws DeviceException;
}
