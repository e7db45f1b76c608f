/** Guest-physical memory as the Launcher, the Host and devices share it. */
@Export
@Version("1.0.0")
package lguest.memory;

import org.osgi.annotation.bundle.Export;
import org.osgi.annotation.versioning.Version;
