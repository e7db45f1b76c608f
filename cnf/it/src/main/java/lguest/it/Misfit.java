package lguest.it;

import java.io.ByteArrayInputStream;
import java.io.ByteArrayOutputStream;
import java.io.IOException;
import java.io.InputStream;
import java.util.LinkedHashMap;
import java.util.Map;
import java.util.jar.Attributes;
import java.util.jar.JarEntry;
import java.util.jar.JarOutputStream;
import java.util.jar.Manifest;
import lguest.it.misfit.Gadget;
import org.osgi.framework.Bundle;
import org.osgi.framework.BundleException;

/** A bundle made by hand, so that it can be made wrongly: headers, component descriptions, classes of ours. */
final class Misfit {
  private final Map<String, String> headers = new LinkedHashMap<>();
  private final Map<String, byte[]> entries = new LinkedHashMap<>();
  private final String name;

  Misfit(String name) {
    this.name = name;
    header("Bundle-ManifestVersion", "2").header("Bundle-SymbolicName", name).header("Bundle-Version", "1.0.0")
        .header("Import-Package", "lguest.device,org.osgi.framework").header("Provide-Capability", "lguest.device;type=gadget").with(Gadget.class);
    entries.put(Gadget.class.getName().replace('.', '/') + "$1.class", bytes(Gadget.class.getName() + "$1"));
  }

  /** Null takes the header away. */
  Misfit header(String key, String value) {
    headers.put(key, value);
    return this;
  }

  Misfit with(Class<?> type) {
    entries.put(type.getName().replace('.', '/') + ".class", bytes(type.getName()));
    return this;
  }

  Misfit file(String path, String text) {
    entries.put(path, text.getBytes());
    return this;
  }

  /** A component of {@code implementation}; {@code attributes} and {@code inside} go into its description as they are. */
  Misfit component(Class<?> implementation, String attributes, String inside) {
    return with(implementation).header("Service-Component", "OSGI-INF/c.xml").file("OSGI-INF/c.xml", """
        <scr:component xmlns:scr="http://www.osgi.org/xmlns/scr/v1.4.0" name="%s" %s>
          <implementation class="%s"/>
          <service><provide interface="lguest.device.DeviceProvider"/></service>
          <property name="lguest.device.type" value="gadget"/>
          %s
        </scr:component>
        """.formatted(name, attributes, implementation.getName(), inside));
  }

  Bundle install() throws BundleException, IOException {
    Manifest manifest = new Manifest();
    manifest.getMainAttributes().put(Attributes.Name.MANIFEST_VERSION, "1.0");
    headers.forEach((key, value) -> {
      if (value != null) manifest.getMainAttributes().putValue(key, value);
    });
    ByteArrayOutputStream jar = new ByteArrayOutputStream();
    try (JarOutputStream out = new JarOutputStream(jar, manifest)) {
      for (var entry : entries.entrySet()) {
        out.putNextEntry(new JarEntry(entry.getKey()));
        out.write(entry.getValue());
      }
    }
    return Platform.context().installBundle("misfit:" + name, new ByteArrayInputStream(jar.toByteArray()));
  }

  private static byte[] bytes(String type) {
    try (InputStream in = Misfit.class.getClassLoader().getResourceAsStream(type.replace('.', '/') + ".class")) {
      return in.readAllBytes();
    } catch (IOException e) {
      throw new IllegalStateException(e);
    }
  }
}
