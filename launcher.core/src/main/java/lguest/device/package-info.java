/** The device API. A bundle that registers a {@link lguest.device.DeviceProvider} service adds a device type. */
@Export
@Version("1.1.0")
package lguest.device;

import org.osgi.annotation.bundle.Export;
import org.osgi.annotation.versioning.Version;
