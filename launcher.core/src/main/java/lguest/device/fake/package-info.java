/** A {@link lguest.device.DeviceContext} without a guest, for a device's unit tests. */
@Export
@Version("1.0.0")
package lguest.device.fake;

import org.osgi.annotation.bundle.Export;
import org.osgi.annotation.versioning.Version;
