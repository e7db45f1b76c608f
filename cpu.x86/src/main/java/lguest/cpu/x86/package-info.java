/** An x86 processor in software. Knows the architecture and nothing of lguest. */
@Export
@Version("1.0.0")
package lguest.cpu.x86;

import org.osgi.annotation.bundle.Export;
import org.osgi.annotation.versioning.Version;
