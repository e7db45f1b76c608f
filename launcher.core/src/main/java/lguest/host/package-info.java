/** The Host contract: what /dev/lguest offered the Launcher (ABI §8, L20). Another Host is another bundle with a {@link lguest.host.HostProvider} service. */
@Export
@Version("1.2.0")
package lguest.host;

import org.osgi.annotation.bundle.Export;
import org.osgi.annotation.versioning.Version;
