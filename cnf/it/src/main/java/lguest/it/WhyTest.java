package lguest.it;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.io.ByteArrayInputStream;
import java.io.ByteArrayOutputStream;
import java.io.IOException;
import java.io.PrintStream;
import java.util.ArrayList;
import java.util.List;
import lguest.device.DeviceProvider;
import lguest.it.misfit.Anonymous;
import lguest.it.misfit.Explosive;
import lguest.it.misfit.Gadget;
import lguest.it.misfit.Stubborn;
import lguest.launcher.DeviceSlot;
import lguest.launcher.Guest;
import lguest.launcher.GuestSpec.DeviceSpec;
import org.apache.felix.service.command.CommandProcessor;
import org.apache.felix.service.command.CommandSession;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.osgi.framework.Bundle;
import org.osgi.framework.BundleException;
import org.osgi.framework.startlevel.BundleStartLevel;

/** {@code device:why} about bundles with one thing wrong each. The whole answer is what a person would have to go by. */
@Timeout(60)
class WhyTest {
  private final List<Bundle> installed = new ArrayList<>();

  @AfterEach void tidyUp() throws BundleException {
    for (Bundle bundle : installed) bundle.uninstall();
  }

  @Test void nobodyHasHeardOfIt() throws Exception {
    String why = why("gadget");
    assertTrue(why.startsWith("No installed bundle offers gadget. Types there are: block, console, net, tun."), why);
  }

  @Test void allIsWell() throws Exception {
    install(new Misfit("good").component(Gadget.class, "", "")).start();
    assertEquals("gadget is provided by bundle # (good 1.0.0).", why("gadget"));
    install(new Misfit("better").component(Gadget.class, "", "<property name=\"service.ranking\" type=\"Integer\" value=\"5\"/>")).start();
    assertEquals("gadget is provided by bundle # (better 1.0.0), then bundle # (good 1.0.0).", why("gadget"));
  }

  @Test void aPackageNobodyExports() throws Exception {
    install(new Misfit("lacking").header("Import-Package", "lguest.device,org.acme.gears;version=\"[1.2,2)\""));
    assertEquals("bundle # (lacking 1.0.0) offers gadget, but it cannot be resolved: it needs the package org.acme.gears in version 1.2.0 or later, but before 2.0.0, which no installed bundle"
        + " exports: install one that does.", why("gadget"));
  }

  @Test void anotherVersionOfTheDeviceApi() throws Exception {
    install(new Misfit("ahead").header("Import-Package", "lguest.device;version=\"[9.0,10)\""));
    String why = why("gadget");
    assertTrue(why.startsWith("bundle # (ahead 1.0.0) offers gadget, but it cannot be resolved: it needs the package lguest.device in version 9.0.0 or later, but before 10.0.0, but there is only version 1."), why);
    assertTrue(why.endsWith(": build it against the device API of this platform."), why);
  }

  @Test void aNewerJava() throws Exception {
    install(new Misfit("young").header("Require-Capability", "osgi.ee;filter:=\"(&(osgi.ee=JavaSE)(version>=99))\""));
    assertEquals("bundle # (young 1.0.0) offers gadget, but it cannot be resolved: it needs Java 99, and this is Java " + Runtime.version().feature()
        + ": run the platform on a newer one, or build the bundle for this one.", why("gadget"));
  }

  @Test void aBundleThatIsNotThere() throws Exception {
    install(new Misfit("lonely").header("Require-Bundle", "org.acme.friend"));
    assertEquals("bundle # (lonely 1.0.0) offers gadget, but it cannot be resolved: it needs the bundle org.acme.friend, which no installed bundle offers: install one that does.", why("gadget"));
  }

  @Test void aBundleThatCannotBeResolvedItself() throws Exception {
    install(new Misfit("friend").header("Provide-Capability", null).header("Export-Package", "org.acme.tools").header("Import-Package", "org.acme.ore").file("org/acme/tools/x", ""));
    install(new Misfit("dependent").header("Import-Package", "lguest.device,org.acme.tools"));
    assertEquals("bundle # (dependent 1.0.0) offers gadget, but it cannot be resolved: it needs the package org.acme.tools from bundle # (friend 1.0.0), which cannot be resolved itself: it needs the"
        + " package org.acme.ore, which no installed bundle exports: install one that does.", why("gadget"));
  }

  @Test void installedAndNotStarted() throws Exception {
    install(new Misfit("asleep").component(Gadget.class, "", ""));
    assertEquals("bundle # (asleep 1.0.0) offers gadget, but it is installed and not started: start it with 'start #'.", why("gadget"));
  }

  @Test void aStartLevelThatIsNotReached() throws Exception {
    Bundle bundle = install(new Misfit("patient").component(Gadget.class, "", ""));
    bundle.adapt(BundleStartLevel.class).setStartLevel(50);
    bundle.start();
    assertEquals("bundle # (patient 1.0.0) offers gadget, but it waits for start level 50, and the framework is at 1: 'frameworklevel 50' goes there.", why("gadget"));
  }

  @Test void anActivatorThatFails() throws Exception {
    Bundle bundle = install(new Misfit("stubborn").header("Bundle-Activator", Stubborn.class.getName()).with(Stubborn.class));
    assertThrows(BundleException.class, bundle::start);
    assertEquals("bundle # (stubborn 1.0.0) offers gadget, but its activator lguest.it.misfit.Stubborn failed when it was started: 'start #' tries again and shows how.", why("gadget"));
  }

  @Test void aServiceThatIsMissing() throws Exception {
    install(new Misfit("waiting").component(Gadget.class, "", "<reference name=\"key\" interface=\"org.acme.Key\" target=\"(door=front)\"/>")).start();
    assertEquals("bundle # (waiting 1.0.0) offers gadget, but its component waiting waits for a service org.acme.Key with (door=front), which nobody offers.", why("gadget"));
  }

  @Test void aConfigurationThatIsMissing() throws Exception {
    install(new Misfit("unset").component(Gadget.class, "configuration-policy=\"require\" configuration-pid=\"org.acme.gadget\"", "")).start();
    assertEquals("bundle # (unset 1.0.0) offers gadget, but its component unset waits for a configuration org.acme.gadget.", why("gadget"));
  }

  @Test void aComponentThatThrows() throws Exception {
    install(new Misfit("explosive").component(Explosive.class, "", "")).start();
    assertEquals("bundle # (explosive 1.0.0) offers gadget, but its component explosive failed to start: java.lang.IllegalStateException: the fuse was lit.", why("gadget"));
  }

  @Test void aComponentThatIsDisabled() throws Exception {
    install(new Misfit("disabled").component(Gadget.class, "enabled=\"false\"", "")).start();
    assertEquals("bundle # (disabled 1.0.0) offers gadget, but its component disabled is disabled; it asks for that itself (enabled=false), or somebody has done it.", why("gadget"));
  }

  @Test void aDescriptionThatWasNotPacked() throws Exception {
    install(new Misfit("torn").header("Service-Component", "OSGI-INF/lost.xml")).start();
    assertEquals("bundle # (torn 1.0.0) offers gadget, but its manifest names the component description OSGI-INF/lost.xml, which is not in the bundle: build it again, with bnd's annotations in use.",
        why("gadget"));
  }

  @Test void noComponentAtAll() throws Exception {
    install(new Misfit("bare").header("Provide-Capability", null)).start();
    String why = why("gadget");
    assertTrue(why.contains("bundle # (bare 1.0.0) uses the device API and may be meant for it, but it has no component: put @Component and @DeviceType on the class that implements DeviceProvider, and build"
        + " with bnd."), why);
  }

  @Test void aComponentThatIsNoProvider() throws Exception {
    install(new Misfit("aside").header("Service-Component", "OSGI-INF/c.xml").file("OSGI-INF/c.xml",
        "<scr:component xmlns:scr=\"http://www.osgi.org/xmlns/scr/v1.4.0\" name=\"aside\"><implementation class=\"" + Gadget.class.getName() + "\"/></scr:component>")).start();
    assertEquals("bundle # (aside 1.0.0) offers gadget, but none of its components offers DeviceProvider: the annotated class has to implement it.", why("gadget"));
  }

  @Test void itsOwnCopyOfTheApi() throws Exception {
    Misfit misfit = new Misfit("hoarder").header("Import-Package", "org.osgi.framework").component(Gadget.class, "", "");
    for (String type : List.of("DeviceProvider", "Device", "DeviceConfig", "DeviceContext", "DeviceException", "DeviceState", "Request"))
      misfit.with(Class.forName("lguest.device." + type, false, DeviceProvider.class.getClassLoader()));
    install(misfit).start();
    String why = why("gadget");
    assertTrue(why.startsWith("bundle # (hoarder 1.0.0) offers gadget, but it carries a DeviceProvider of its own instead of importing lguest.device from bundle # (lguest.launcher.core"), why);
  }

  @Test void aProviderThatDoesNotSayItsType() throws Exception {
    install(new Misfit("anonymous").header("Bundle-Activator", Anonymous.class.getName()).with(Anonymous.class)).start();
    String why = why("gadget");
    assertTrue(why.contains("its DeviceProvider is registered without the property lguest.device.type: put @DeviceType on it."), why);
  }

  @Test void aProviderOfTwoMinds() throws Exception {
    Misfit misfit = new Misfit("twofaced").header("Provide-Capability", null).component(Gadget.class, "", "");
    install(misfit.file("OSGI-INF/c.xml", """
        <scr:component xmlns:scr="http://www.osgi.org/xmlns/scr/v1.4.0" name="twofaced"><implementation class="%s"/>
          <service><provide interface="lguest.device.DeviceProvider"/></service><property name="lguest.device.type" value="widget"/></scr:component>
        """.formatted(Gadget.class.getName()))).start();
    assertTrue(why("widget").contains("its DeviceProvider calls itself gadget and is registered as widget: @DeviceType and type() must agree."), why("widget"));
  }

  @Test void aFragment() throws Exception {
    install(new Misfit("splinter").header("Fragment-Host", "lguest.launcher.core").header("Import-Package", null));
    String why = why("gadget");
    assertTrue(why.contains("bundle # (splinter 1.0.0) offers gadget, but it is a fragment, which has no life of its own: make it a bundle."), why);
  }

  @Test void aSlotWhoseDeviceCannotBeOpened() throws Exception {
    try (Guest guest = Platform.boot("jammed", new DeviceSpec("gadget", "jam"))) {
      assertEquals(DeviceSlot.State.PARKED, guest.slots().getFirst().state());
      install(new Misfit("jamming").component(Gadget.class, "", "")).start();
      DeviceSlot slot = guest.slots().getFirst();
      Platform.await(() -> slot.reason().orElse("").contains("oil it"), () -> slot.state() + ": " + slot.reason());
      assertTrue(why("gadget").contains("jammed/0 is parked: "), why("gadget"));
      assertTrue(why("gadget").contains("the gadget is jammed: oil it"), why("gadget"));
      assertTrue(why("").contains("jammed/0 is parked: "), why(""));
    }
  }

  private Bundle install(Misfit misfit) throws BundleException, IOException {
    Bundle bundle = misfit.install();
    installed.add(bundle);
    return bundle;
  }

  /** What is printed, with # for numbers of bundles. */
  private static String why(String type) throws Exception {
    ByteArrayOutputStream out = new ByteArrayOutputStream();
    PrintStream print = new PrintStream(out, true);
    try (CommandSession session = Platform.service(CommandProcessor.class).createSession(new ByteArrayInputStream(new byte[0]), print, print)) {
      session.execute("device:why " + type);
    }
    String text = out.toString().strip();
    assertFalse(text.isEmpty(), "an answer to 'why " + type + "'");
    return text.replaceAll("bundle \\d+", "bundle #").replaceAll("'start \\d+'", "'start #'");
  }
}
