/**
 * What every device should survive, as tests to inherit: extend {@link lguest.device.testkit.DeviceTestKit}, say which provider is meant and how a guest talks to
 * it, and run the class with JUnit 5. {@link lguest.device.testkit.TestGuest} is the guest in these tests, and of use in others, too.
 */
@Export
@Version("1.0.0")
package lguest.device.testkit;

import org.osgi.annotation.bundle.Export;
import org.osgi.annotation.versioning.Version;
