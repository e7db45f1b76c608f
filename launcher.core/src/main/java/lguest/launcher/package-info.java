/** Guests: what to boot, how it is doing, how it ended. Everything starts at the {@link lguest.launcher.Launcher} service. */
@Export
@Version("1.1.0")
package lguest.launcher;

import org.osgi.annotation.bundle.Export;
import org.osgi.annotation.versioning.Version;
