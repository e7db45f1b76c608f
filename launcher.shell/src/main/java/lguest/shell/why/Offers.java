package lguest.shell.why;

import java.io.IOException;
import java.io.InputStream;
import java.net.URL;
import java.util.ArrayList;
import java.util.Collections;
import java.util.List;
import java.util.Set;
import java.util.TreeSet;
import javax.xml.parsers.DocumentBuilderFactory;
import javax.xml.parsers.ParserConfigurationException;
import org.osgi.framework.Bundle;
import org.osgi.framework.Constants;
import org.osgi.framework.wiring.BundleRevision;
import org.w3c.dom.Element;
import org.w3c.dom.NodeList;
import org.xml.sax.SAXException;

/** What a bundle says it offers, read from the bundle itself: it need not be resolved, let alone run. */
final class Offers {
  static final String API = "lguest.device";
  static final String TYPE = API + ".type";
  private static final String COMPONENTS = "Service-Component";

  private Offers() {}

  /** The device types of a bundle, by its capabilities and its components' properties. */
  static Set<String> types(Bundle bundle) {
    Set<String> types = new TreeSet<>();
    BundleRevision revision = bundle.adapt(BundleRevision.class);
    if (revision != null) revision.getDeclaredCapabilities(API).forEach(capability -> types.add(String.valueOf(capability.getAttributes().get("type"))));
    for (String file : componentFiles(bundle))
      for (URL url : find(bundle, file)) types.addAll(types(url));
    return types;
  }

  /** Whether a bundle has to do with devices at all: it was built against the device API. */
  static boolean usesApi(Bundle bundle) {
    String imports = bundle.getHeaders("").get(Constants.IMPORT_PACKAGE);
    return imports != null && imports.matches("(?s)(.*,)?\\s*" + API.replace(".", "\\.") + "\\s*([;,].*)?");
  }

  /** The component descriptions its manifest names and it does not have. */
  static List<String> missingFiles(Bundle bundle) {
    return componentFiles(bundle).stream().filter(file -> find(bundle, file).isEmpty()).toList();
  }

  static boolean hasComponents(Bundle bundle) { return !componentFiles(bundle).isEmpty(); }

  private static List<String> componentFiles(Bundle bundle) {
    String header = bundle.getHeaders("").get(COMPONENTS);
    return header == null || header.isBlank() ? List.of() : List.of(header.strip().split("\\s*,\\s*"));
  }

  /** The header may say {@code OSGI-INF/*.xml}. Found in the bundle's own jar: {@code getResource} would resolve it. */
  private static List<URL> find(Bundle bundle, String file) {
    int slash = file.lastIndexOf('/');
    var urls = bundle.findEntries(slash < 0 ? "/" : file.substring(0, slash), file.substring(slash + 1), false);
    return urls == null ? List.of() : new ArrayList<>(Collections.list(urls));
  }

  private static Set<String> types(URL description) {
    Set<String> types = new TreeSet<>();
    try (InputStream in = description.openStream()) {
      NodeList properties = DocumentBuilderFactory.newDefaultInstance().newDocumentBuilder().parse(in).getElementsByTagName("property");
      for (int i = 0; i < properties.getLength(); i++)
        if (properties.item(i) instanceof Element property && property.getAttribute("name").equals(TYPE)) types.add(property.getAttribute("value"));
    } catch (IOException | SAXException | ParserConfigurationException e) {
      // Not readable: then it is the component runtime's to complain, see Components.
    }
    return types;
  }
}
